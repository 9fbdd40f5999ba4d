// The upstream of `demo --once`: answers each request with the bytes of its exchange, whatever they are, and remembers what reached it.

using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Bimetal.Gateway.Demo;

internal sealed class OnceUpstream : IAsyncDisposable
{
    private static readonly byte[] DefaultAnswer = [.. "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 13\r\n\r\nthe resource\n"u8];

    private readonly IReadOnlyDictionary<int, OnceExchange> _exchanges;
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentBag<Task> _connections = [];
    private readonly Task _accepting;

    public OnceUpstream(IReadOnlyDictionary<int, OnceExchange> exchanges)
    {
        _exchanges = exchanges;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public IPEndPoint Address => (IPEndPoint)_listener.LocalEndpoint;

    /// <summary>What reached the upstream, by the number of its exchange; number 0 came without one.</summary>
    public ConcurrentDictionary<int, OnceMessage> Received { get; } = new();

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        await Task.WhenAll(_connections);
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true) _connections.Add(ServeAsync(await _listener.AcceptTcpClientAsync(_stop.Token)));
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException)
        {
            // Stopped.
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using (client)
        {
            try
            {
                client.NoDelay = true;
                var stream = client.GetStream();
                var reader = new OnceReader(stream);
                while (await reader.ReadAsync(isHead: false, _stop.Token) is { IsWhole: true } request && await AnswerAsync(request, stream))
                {
                    // The next request on this connection.
                }
            }
            catch (Exception exception) when (exception is IOException or OperationCanceledException)
            {
                // The gateway closed the connection, or the demo is over.
            }
        }
    }

    private async Task<bool> AnswerAsync(OnceMessage request, NetworkStream stream)
    {
        int number = request.Values(OnceExchange.NumberField) is [var text] && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int found) ? found : 0;
        Received[number] = request;
        if (!_exchanges.TryGetValue(number, out var exchange) || exchange.Response.Count == 0)
        {
            await stream.WriteAsync(DefaultAnswer, _stop.Token);
            return true;
        }

        foreach (var piece in exchange.Response) await stream.WriteAsync(piece, _stop.Token);
        return !exchange.EndsConnection;
    }
}
