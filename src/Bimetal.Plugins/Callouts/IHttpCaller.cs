// HTTP requests that plugins make on their own account (proxy_http_call): what the plugin host asks of whoever has upstreams.

using Bimetal.Plugins.Streams;

namespace Bimetal.Plugins.Callouts;

/// <summary>One request of a plugin to a named upstream. The maps belong to the request from here on.</summary>
/// <param name="Headers">With ":method", ":path" and ":authority"; names and values are checked.</param>
/// <param name="Timeout">For the whole exchange.</param>
/// <param name="MaximumBodyBytes">A longer response is a failed call.</param>
public sealed record HttpCalloutRequest(
    string Upstream, HeaderMap Headers, ReadOnlyMemory<byte> Body, HeaderMap Trailers, TimeSpan Timeout, int MaximumBodyBytes);

/// <summary>The whole answer to a callout.</summary>
/// <param name="Headers">With ":status".</param>
public sealed record HttpCalloutResponse(HeaderMap Headers, ReadOnlyMemory<byte> Body, HeaderMap Trailers);

/// <summary>Makes callouts. Thread-safe.</summary>
public interface IHttpCaller
{
    /// <summary>Whether there is an upstream of that name.</summary>
    bool Has(string upstream);

    /// <summary>Makes a request; null when no whole answer came: no connection, broken off, too late, or too long.</summary>
    Task<HttpCalloutResponse?> CallAsync(HttpCalloutRequest request, CancellationToken cancellation);
}

/// <summary>A host without upstreams.</summary>
public sealed class NoHttpCaller : IHttpCaller
{
    public static NoHttpCaller Instance { get; } = new();

    public bool Has(string upstream) => false;

    public Task<HttpCalloutResponse?> CallAsync(HttpCalloutRequest request, CancellationToken cancellation) =>
        Task.FromResult<HttpCalloutResponse?>(null);
}
