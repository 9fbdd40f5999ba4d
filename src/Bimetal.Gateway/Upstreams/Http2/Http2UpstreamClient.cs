// HTTP/2 to upstreams: a few connections per loop and endpoint, each with many requests at once. Over TLS by ALPN, otherwise by prior knowledge.

using System.Collections.Concurrent;
using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Pipeline;
using Bimetal.Gateway.Transport;

namespace Bimetal.Gateway.Upstreams.Http2;

internal sealed class Http2UpstreamClient(UpstreamConfig config) : UpstreamClient
{
    // How often a request that the upstream did not look at, on a connection that was there before, goes out on another one.
    private const int MaximumRepeats = 2;

    private readonly ConcurrentDictionary<(EventLoop Loop, UpstreamEndpoint Endpoint), Http2Pool> _pools = new();

    public override async LoopTask<UpstreamResponse> SendAsync(UpstreamRequest request, UpstreamEndpoint endpoint, CancellationToken cancellation)
    {
        var loop = EventLoop.Current ?? throw new InvalidOperationException("Requests are sent on an event loop.");
        var pool = _pools.GetOrAdd((loop, endpoint), static (key, config) => new Http2Pool(key.Loop, key.Endpoint, config), config);
        for (int repeat = 0; ; repeat++)
        {
            var connection = await TakeAsync(pool, cancellation);
            while (connection.IsFull) connection = await TakeAsync(pool, cancellation); // another one was faster
            bool wasProven = connection.IsProven;
            var call = new Http2UpstreamCall(connection, request, endpoint, cancellation);
            try
            {
                return await call.RunAsync();
            }
            catch (GatewayException) when (wasProven && repeat < MaximumRepeats && request.SendBody is null && !call.HasAnswer && connection.IsEnding
                && (call.IsUnprocessed || Http1UpstreamClient.IsRepeatable(request)) && !cancellation.IsCancellationRequested)
            {
                // The upstream closed the connection at the moment when it was used again; see Http1UpstreamClient.
            }
        }
    }

    public override void Dispose()
    {
        foreach (var pool in _pools.Values) pool.Close();
    }

    private static async ValueTask<Http2UpstreamConnection> TakeAsync(Http2Pool pool, CancellationToken cancellation)
    {
        try
        {
            return await pool.TakeAsync();
        }
        catch (TimeoutException exception)
        {
            throw Http1UpstreamClient.ConnectFailure(pool.Endpoint, ErrorCause.Timeout, exception);
        }
        catch (Exception exception) when (exception is IOException or System.Net.Sockets.SocketException)
        {
            cancellation.ThrowIfCancellationRequested();
            throw Http1UpstreamClient.ConnectFailure(pool.Endpoint, ErrorCause.Refused, exception);
        }
    }
}
