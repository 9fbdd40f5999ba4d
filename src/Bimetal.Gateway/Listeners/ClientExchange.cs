// The client's side of one exchange as the pipeline uses it. Http1Exchange speaks HTTP/1.1 itself; KestrelExchange is a stream of an
// HTTP/2 connection.

using System.Buffers;
using System.Net;
using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Pipeline;
using Bimetal.Gateway.Transport;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Listeners;

/// <summary>One request and the answer to it. Used by the thread of its loop.</summary>
internal abstract class ClientExchange : MessageBody
{
    public abstract EventLoop Loop { get; }

    /// <summary>The connection that it came on.</summary>
    public abstract ClientArrival Arrival { get; }

    public IPEndPoint? Source => Arrival.Source;

    /// <summary>Number of the connection, unique in this process.</summary>
    public ulong ConnectionId => Arrival.ConnectionId;

    public ListenerLimits Limits => Arrival.Model.Limits;

    public abstract string Method { get; }

    /// <summary>As the client sent it.</summary>
    public abstract string Target { get; }

    /// <summary>Host, and port if there was one.</summary>
    public abstract string Authority { get; }

    public abstract bool HasBody { get; }

    /// <summary>The client waits for a word before it sends the body.</summary>
    public abstract bool ExpectsContinue { get; }

    /// <summary>The protocol that the client wants to go on with, as it wrote it; null: none, or one that it cannot be on this connection.</summary>
    public virtual ReadOnlyMemory<byte>? Upgrade => null;

    /// <summary>The client takes an answer of success for its agreement to <see cref="Upgrade"/>: without that, the request has failed.</summary>
    public virtual bool NeedsUpgrade => false;

    /// <summary>The status that agrees to another protocol.</summary>
    public virtual int UpgradeStatus => 101;

    /// <summary>A part of the answer is on its way: no other answer is possible.</summary>
    public abstract bool HasStarted { get; }

    public override GatewayError ReadTimeout => ExchangeErrors.RequestBodyTimeout;

    /// <summary>Why the request cannot be passed on, whatever its route; null when it can.</summary>
    public abstract GatewayError? Refusal();

    /// <summary>The connection ends with the response: what follows on it may be no request.</summary>
    public abstract void CloseAfterwards();

    /// <summary>Fills in the pseudo-headers and the fields, without those that belong to the connection, and what is known of the client.</summary>
    /// <param name="target">In normal form.</param>
    public abstract void ReadHeaders(HttpStream stream, string target);

    /// <summary>Tells the clock when the client goes away, until it is told to watch nothing.</summary>
    public abstract void Watch(ExchangeClock? clock);

    /// <summary>Ends what waits for the client, with an <see cref="OperationCanceledException"/> or an <see cref="IOException"/>.</summary>
    public abstract void Interrupt();

    /// <summary>Sets status and fields; they leave with the first bytes of the body, with a flush, or with the end.</summary>
    /// <param name="contentLength">Null: as long as the body turns out to be.</param>
    public abstract void WriteHeaders(int status, HeaderMap headers, long? contentLength);

    /// <summary>Agrees to another protocol; flushed, the connection belongs to the one who takes its end.</summary>
    public virtual TunnelEnd WriteUpgrade(HeaderMap headers, ReadOnlyMemory<byte> protocol) => throw new NotSupportedException("Nobody asked for another protocol.");

    /// <summary>Forgets what <see cref="WriteHeaders"/> did; only while <see cref="HasStarted"/> is false.</summary>
    public abstract void ClearHeaders();

    /// <summary>Writes body bytes, headers first; the bytes may be overwritten afterwards.</summary>
    /// <param name="isLast">The end follows at once.</param>
    public abstract ValueTask WriteAsync(ReadOnlySequence<byte> data, bool isLast);

    /// <summary>Sends what is written so far.</summary>
    public abstract ValueTask FlushAsync();

    /// <summary>Ends the response; the client has it when this returns, or is slow.</summary>
    /// <param name="trailers">Null or empty: none.</param>
    public abstract ValueTask CompleteAsync(HeaderMap? trailers);

    /// <summary>Breaks the connection or the stream, so that the client cannot take what it has for the whole.</summary>
    public abstract void Abort();
}
