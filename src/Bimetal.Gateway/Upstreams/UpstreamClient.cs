// The seam between the pipeline and what speaks HTTP to upstreams: one attempt on one endpoint, one response back. Which endpoint, and whether
// to try again, is decided above it.

using System.Buffers;
using Bimetal.Gateway.Pipeline;
using Bimetal.Gateway.Transport;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Upstreams;

/// <summary>Takes request body bytes; returns when they may be overwritten. Awaiting it is the back-pressure.</summary>
internal delegate ValueTask BodyWriter(ReadOnlySequence<byte> piece, CancellationToken cancellation);

/// <summary>A request as the filters left it.</summary>
/// <param name="Stream">Method, target, authority and fields are in its request headers; the client leaves out what belongs to one connection.</param>
/// <param name="SendBody">Writes the whole body, once; null when there is none.</param>
/// <param name="BodyLength">Length in bytes, when it is certain.</param>
/// <param name="OnSent">Called when the request, body included, is on its way: from now on the response is waited for.</param>
internal sealed record UpstreamRequest(HttpStream Stream, Func<BodyWriter, CancellationToken, Task>? SendBody, long? BodyLength, Action OnSent)
{
    /// <summary>The client waits for 100 before it sends the body: the upstream is asked first, and may answer without one.</summary>
    public bool ExpectsContinue { get; init; }

    /// <summary>The protocol to go on with, if the upstream agrees; null: HTTP.</summary>
    public ReadOnlyMemory<byte>? Upgrade { get; init; }
}

/// <summary>Sends requests to the endpoints of one upstream and keeps the connections. Thread-safe.</summary>
internal abstract class UpstreamClient : IDisposable
{
    /// <summary>
    /// Sends one request to one endpoint and returns when the response's headers are there; the body may still be on its way then. Called on
    /// an event loop. It never tries twice.
    /// </summary>
    /// <exception cref="GatewayException">The upstream failed, or <c>SendBody</c> did (its exception is passed on).</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public abstract LoopTask<UpstreamResponse> SendAsync(UpstreamRequest request, UpstreamEndpoint endpoint, CancellationToken cancellation);

    public abstract void Dispose();
}

/// <summary>A response whose headers have come. Disposing it early closes its connection.</summary>
internal abstract class UpstreamResponse : MessageBody, IDisposable
{
    public override GatewayError ReadTimeout => ExchangeErrors.ResponseBodyTimeout;

    /// <summary>Fills in ":status" and the fields, without those that belong to one connection.</summary>
    public abstract void ReadHeaders(HeaderMap headers);

    public override GatewayError ReadFailure(Exception exception) => ExchangeErrors.ResponseBroken(exception);

    /// <summary>The upstream agreed to the other protocol: its end of the connection, which closes with the response. Null: an ordinary response.</summary>
    public virtual TunnelEnd? Tunnel => null;

    /// <summary>Ends the sending of the request, if it is still under way; its body is not asked for afterwards. Never throws.</summary>
    public virtual ValueTask StopSendingAsync() => ValueTask.CompletedTask;

    public abstract void Dispose();
}
