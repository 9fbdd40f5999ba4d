// Between a client and a real registry: breaks one connection when so many bytes have gone through in one direction, and is a plain pipe afterwards.

using System.Net;
using System.Net.Sockets;

namespace Bimetal.Plugins.Tests.Bundles.Registry;

internal sealed class CuttingProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly IPEndPoint _registry;
    private readonly Task _serving;
    private long _left;
    private int _cuts;

    /// <param name="registry">Host and port.</param>
    /// <param name="afterBytes">How many may go towards the registry, or away from it, before a connection breaks.</param>
    /// <param name="isUpload">Which direction is counted.</param>
    public CuttingProxy(string registry, long afterBytes, bool isUpload)
    {
        _registry = IPEndPoint.Parse(registry);
        _left = afterBytes;
        IsUpload = isUpload;
        _listener.Start();
        _serving = Task.Run(ServeAsync);
    }

    public string Host => _listener.LocalEndpoint.ToString()!;

    /// <summary>Connections that were broken: 0 or 1.</summary>
    public int Cuts => Volatile.Read(ref _cuts);

    private bool IsUpload { get; }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _serving;
        _stop.Dispose();
        _listener.Dispose();
    }

    private async Task ServeAsync()
    {
        try
        {
            while (true) _ = PipeAsync(await _listener.AcceptTcpClientAsync(_stop.Token));
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private async Task PipeAsync(TcpClient client)
    {
        using var near = client;
        using var far = new TcpClient();
        try
        {
            await far.ConnectAsync(_registry, _stop.Token);
            await Task.WhenAny(CopyAsync(near.GetStream(), far.GetStream(), IsUpload), CopyAsync(far.GetStream(), near.GetStream(), !IsUpload));
        }
        catch (Exception exception) when (exception is IOException or SocketException or OperationCanceledException)
        {
            // One side hung up.
        }
    }

    private async Task CopyAsync(NetworkStream from, NetworkStream to, bool isCounted)
    {
        byte[] buffer = new byte[16 << 10];
        try
        {
            while (await from.ReadAsync(buffer, _stop.Token) is > 0 and var read)
            {
                await to.WriteAsync(buffer.AsMemory(0, read), _stop.Token);
                if (!isCounted || Interlocked.Add(ref _left, -read) > 0 || Interlocked.CompareExchange(ref _cuts, 1, 0) != 0) continue;
                return;
            }
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            // One side hung up.
        }
    }
}
