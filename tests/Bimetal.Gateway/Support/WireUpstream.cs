// An upstream on a free loopback port that shows the tests what it received, byte for byte, and answers what they want.

using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Bimetal.Gateway.Tests.Support;

/// <summary>What a handler is given: the request's head, and the connection to read on and to answer.</summary>
internal sealed record UpstreamCall(WireMessage Head, WireReader Reader, NetworkStream Connection, CancellationToken Cancellation)
{
    public async Task<byte[]> ReadBodyAsync()
    {
        if (Head.IsChunked)
        {
            var body = new MemoryStream();
            while (await Reader.ReadChunkSizeAsync(Cancellation) is > 0 and var size)
            {
                body.Write(await Reader.ReadExactlyAsync(size, Cancellation));
                await Reader.ReadLineAsync(Cancellation);
            }

            await Reader.ReadFieldsAsync(Cancellation);
            return body.ToArray();
        }

        return Head["content-length"] is { } length ? await Reader.ReadExactlyAsync(int.Parse(length), Cancellation) : [];
    }

    public async Task WriteAsync(string text) => await Connection.WriteAsync(Encoding.Latin1.GetBytes(text), Cancellation);
}

internal sealed class WireUpstream : IAsyncDisposable
{
    private readonly TcpListener _listener;
    private readonly CancellationTokenSource _stop = new();
    private readonly Func<UpstreamCall, Task> _handler;
    private readonly List<Task> _connections = [];
    private readonly Task _accepting;
    private int _connectionCount;

    /// <param name="port">0: a free one.</param>
    public WireUpstream(Func<UpstreamCall, Task> handler, int port = 0)
    {
        _listener = new TcpListener(IPAddress.Loopback, port);
        _handler = handler;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public int ConnectionCount => Volatile.Read(ref _connectionCount);

    /// <summary>Every request with its body, in order of arrival.</summary>
    public System.Collections.Concurrent.ConcurrentQueue<WireMessage> Received { get; } = new();

    /// <summary>Reads each request to its end and answers 200 with a text.</summary>
    public static WireUpstream Answering(string body = "hello", string fields = "content-type: text/plain\r\n") => new(async call =>
        await call.WriteAsync(call.Head.Method == "HEAD"
            ? $"HTTP/1.1 200 OK\r\n{fields}content-length: {body.Length}\r\n\r\n"
            : $"HTTP/1.1 200 OK\r\n{fields}content-length: {body.Length}\r\n\r\n{body}"));

    /// <summary>A handler gets the request with its body read already.</summary>
    public static WireUpstream ReadingBodies(Func<UpstreamCall, WireMessage, Task> handler)
    {
        WireUpstream? upstream = null;
        upstream = new WireUpstream(async call =>
        {
            var message = call.Head with { Body = await call.ReadBodyAsync() };
            await handler(call, message);
        });
        return upstream;
    }

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
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or InvalidOperationException)
        {
            // Stopped.
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        Interlocked.Increment(ref _connectionCount);
        using (client)
        {
            try
            {
                client.NoDelay = true;
                var stream = client.GetStream();
                var reader = new WireReader(stream);
                while (await reader.ReadHeadAsync(_stop.Token) is { } head)
                {
                    var call = new UpstreamCall(head, reader, stream, _stop.Token);
                    Received.Enqueue(head);
                    await _handler(call);
                }
            }
            catch (Exception exception) when (exception is IOException or OperationCanceledException or ObjectDisposedException)
            {
                // The gateway closed the connection, or the test is over.
            }
        }
    }
}
