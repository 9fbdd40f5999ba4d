// The body of an answer that the gateway or a filter made.

using System.Buffers;
using System.IO.Pipelines;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Pipeline;

internal sealed class LocalBody(ReadOnlyMemory<byte> bytes) : MessageBody
{
    public override PipeReader Reader { get; } = PipeReader.Create(new ReadOnlySequence<byte>(bytes));

    public override long? Length => bytes.Length;

    public override GatewayError ReadTimeout => ExchangeErrors.ResponseBodyTimeout;

    public override bool ReadTrailers(HeaderMap trailers) => false;

    public override GatewayError ReadFailure(Exception exception) => ExchangeErrors.Bug(exception);
}
