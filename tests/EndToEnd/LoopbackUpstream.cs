// A small HTTP upstream on a free port of loopback: answers every request with 200 and counts them.

using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Bimetal.EndToEnd.Tests;

internal sealed class LoopbackUpstream : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _accepting;
    private int _requests;

    internal LoopbackUpstream()
    {
        _listener.Start();
        _accepting = AcceptAsync();
    }

    internal string Url => $"http://{_listener.LocalEndpoint}";

    internal int Requests => Volatile.Read(ref _requests);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true) _ = ServeAsync(await _listener.AcceptTcpClientAsync(_stop.Token));
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Stopped.
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using var connection = client;
        try
        {
            using var reader = new StreamReader(connection.GetStream(), Encoding.ASCII);
            var stream = connection.GetStream();
            while (await reader.ReadLineAsync(_stop.Token) is { } requestLine)
            {
                while (await reader.ReadLineAsync(_stop.Token) is { Length: > 0 })
                {
                    // Fields are not looked at: the tests send no bodies.
                }

                Interlocked.Increment(ref _requests);
                string body = requestLine + "\n";
                await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {body.Length}\r\n\r\n{body}"), _stop.Token);
            }
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            // The gateway closed the connection, or the test is over.
        }
    }
}
