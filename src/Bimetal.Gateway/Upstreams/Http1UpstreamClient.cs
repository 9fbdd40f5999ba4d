// HTTP/1.1 to upstreams: the request is written while the response is read, nothing is sent twice but what the upstream cannot have seen, and
// trailers pass. Connections are kept per loop and endpoint, so that an exchange never leaves its loop.

using System.Collections.Concurrent;
using System.Net.Security;
using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Pipeline;
using Bimetal.Gateway.Transport;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Upstreams;

internal sealed class Http1UpstreamClient(UpstreamConfig config) : UpstreamClient
{
    private readonly ConcurrentDictionary<(EventLoop Loop, UpstreamEndpoint Endpoint), ConnectionPool> _pools = new();

    public override async LoopTask<UpstreamResponse> SendAsync(UpstreamRequest request, UpstreamEndpoint endpoint, CancellationToken cancellation)
    {
        var loop = EventLoop.Current ?? throw new InvalidOperationException("Requests are sent on an event loop.");
        if (!_pools.TryGetValue((loop, endpoint), out var pool)) pool = _pools.GetOrAdd((loop, endpoint), static (key, config) => new ConnectionPool(key.Loop, key.Endpoint, config.Timeouts.Connect, UpstreamTls.OptionsFor(key.Endpoint, config.Tls, SslApplicationProtocol.Http11)), config);
        while (true)
        {
            bool wasKept = pool.TryTake(out var connection);
            connection ??= await ConnectAsync(pool, cancellation);
            var call = new Http1UpstreamCall(connection, pool, request, endpoint.Authority, cancellation);
            try
            {
                return await call.RunAsync();
            }
            catch (GatewayException) when (wasKept && !call.HasAnswer && IsRepeatable(request) && !cancellation.IsCancellationRequested)
            {
                // The upstream closed the kept connection at the moment when it was used again; another one, new at the latest when no kept
                // one is left. The method says that it does not matter if the upstream has seen the request (RFC 9110, section 9.2.2).
            }
        }
    }

    public override void Dispose()
    {
        foreach (var pool in _pools.Values) pool.Close();
    }

    /// <summary>Whether it does not matter if the upstream gets it twice (RFC 9110, section 9.2.2), and it can be sent twice.</summary>
    internal static bool IsRepeatable(UpstreamRequest request) =>
        request.SendBody is null && request.Stream.RequestHeaders.TryGet(PseudoNames.Method, out var method) && FieldRules.IsIdempotent(method.Span);

    private static async ValueTask<UpstreamConnection> ConnectAsync(ConnectionPool pool, CancellationToken cancellation)
    {
        try
        {
            return await pool.ConnectAsync();
        }
        catch (TimeoutException exception)
        {
            throw ConnectFailure(pool.Endpoint, ErrorCause.Timeout, exception);
        }
        catch (Exception exception) when (exception is IOException or System.Net.Sockets.SocketException)
        {
            cancellation.ThrowIfCancellationRequested();
            throw ConnectFailure(pool.Endpoint, ErrorCause.Refused, exception);
        }
    }

    /// <summary>There is no connection, so nothing was sent.</summary>
    internal static GatewayException ConnectFailure(UpstreamEndpoint endpoint, ErrorCause cause, Exception exception) =>
        new(new GatewayError(ErrorPhase.Connect, ErrorSide.Upstream, cause, Retryable: true, $"{endpoint.Authority}: {exception.Message}"), exception);
}
