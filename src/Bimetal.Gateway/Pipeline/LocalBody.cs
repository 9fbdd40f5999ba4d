// The body of an answer that the gateway or a filter made.

using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Pipeline;

internal sealed class LocalBody(ReadOnlyMemory<byte> bytes) : MessageBody
{
    public override long? Length => bytes.Length;

    public override GatewayError ReadTimeout => ExchangeErrors.ResponseBodyTimeout;

    public override ValueTask<BodyPiece> ReadAsync(CancellationToken cancellation) => new(new BodyPiece(bytes, IsEnd: true));

    public override void CancelRead()
    {
        // A read never waits.
    }

    public override bool ReadTrailers(HeaderMap trailers) => false;

    public override GatewayError ReadFailure(Exception exception) => ExchangeErrors.Bug(exception);
}
