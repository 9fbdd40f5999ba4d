// An upstream that speaks HTTP/2 frame by frame: it answers every request, but those for /attack as the test wants.

using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Bimetal.Gateway.Tests.Support;

internal sealed class Http2WireUpstream : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Func<Http2Wire, int, Task> _attack;
    private readonly ConcurrentBag<Task> _connections = [];
    private readonly ConcurrentBag<Http2Wire> _wires = [];
    private readonly Task _accepting;
    private readonly int _attacks;
    private int _attacked;
    private int _connectionCount;

    /// <param name="attack">Gets the connection and the stream of the request.</param>
    /// <param name="attacks">How many requests for /attack are attacked; later ones are answered.</param>
    public Http2WireUpstream(Func<Http2Wire, int, Task> attack, int attacks = int.MaxValue)
    {
        _attack = attack;
        _attacks = attacks;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public int ConnectionCount => Volatile.Read(ref _connectionCount);

    /// <summary>Method and target of every request.</summary>
    public ConcurrentQueue<string> Received { get; } = new();

    /// <summary>An answer as a whole: two frames.</summary>
    public static byte[] Answer(int stream, string body) =>
    [
        .. Http2Wire.Frame(Http2Frame.Headers, Http2Frame.EndHeaders, stream, Http2Wire.Fields((":status", "200"), ("content-length", "" + body.Length))),
        .. Http2Wire.Frame(Http2Frame.Data, Http2Frame.EndStream, stream, Encoding.ASCII.GetBytes(body)),
    ];

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        foreach (var wire in _wires) wire.Dispose();
        await Task.WhenAll(_connections);
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true) _connections.Add(ServeAsync(await _listener.AcceptTcpClientAsync(_stop.Token)));
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or InvalidOperationException)
        {
            // Stopped.
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        try
        {
            if (await Http2Wire.AcceptAsync(client) is not { } wire) return;
            _wires.Add(wire);
            Interlocked.Increment(ref _connectionCount);
            await wire.SendAsync(Http2Frame.Settings, 0, 0, []);
            while (await wire.ReadUntilAsync(Http2Frame.Headers) is { } request)
            {
                var fields = request.Fields;
                Received.Enqueue($"{fields[":method"]} {fields[":path"]}");
                if (fields[":path"] == "/attack" && Interlocked.Increment(ref _attacked) <= _attacks) await _attack(wire, request.Stream);
                else await wire.SendBytesAsync(Answer(request.Stream, fields.GetValueOrDefault("content-length", "0")));
            }
        }
        catch (Exception exception) when (exception is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // The gateway closed the connection, or the test is over.
        }
    }
}
