// Where the body of a message comes from: a client, an upstream, or an answer that the gateway made.

using System.Buffers;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Pipeline;

/// <summary>What one read of a body gave.</summary>
/// <param name="Data">Valid until the next read.</param>
/// <param name="IsEnd">Nothing follows but trailers.</param>
internal readonly record struct BodyPiece(ReadOnlySequence<byte> Data, bool IsEnd)
{
    public static BodyPiece End => new(ReadOnlySequence<byte>.Empty, IsEnd: true);

    public BodyPiece(ReadOnlyMemory<byte> data, bool IsEnd)
        : this(new ReadOnlySequence<byte>(data), IsEnd)
    {
    }
}

internal abstract class MessageBody
{
    /// <summary>Known length in bytes, or null.</summary>
    public abstract long? Length { get; }

    /// <summary>What the exchange ends with when the next bytes take too long.</summary>
    public abstract GatewayError ReadTimeout { get; }

    /// <summary>Waits for the next bytes; one read at a time. The bytes of the read before may be overwritten.</summary>
    public abstract ValueTask<BodyPiece> ReadAsync(CancellationToken cancellation);

    /// <summary>Ends a read that is under way, with an <see cref="OperationCanceledException"/>; nothing is read afterwards.</summary>
    public abstract void CancelRead();

    /// <summary>Called at the end of the body: fills the trailers and says whether there are any.</summary>
    public abstract bool ReadTrailers(HeaderMap trailers);

    /// <summary>What a failure to read means.</summary>
    public abstract GatewayError ReadFailure(Exception exception);
}
