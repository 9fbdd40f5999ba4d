// The built-in filter body_limit: bodies above a size are refused. An announced length is judged before a byte is read; only bodies of unknown length
// are counted while they pass.

using System.Buffers.Text;
using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Limits;
using Bimetal.Gateway.Pipeline;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Filters;

internal sealed class BodyLimitFilter(BodyLimitFilterConfig config) : Filter
{
    private readonly GatewayError _requestTooLarge = new(ErrorPhase.RequestBody, ErrorSide.Client, ErrorCause.TooLarge, Retryable: false, $"body_limit: the request body is larger than {config.RequestBytes} bytes");
    private readonly GatewayError _responseTooLarge = new(ErrorPhase.ResponseBody, ErrorSide.Upstream, ErrorCause.TooLarge, Retryable: false, $"body_limit: the response body is larger than {config.ResponseBytes} bytes");

    public override string Name => "body_limit";

    private long? RequestLimit => config.RequestBytes;

    private long? ResponseLimit => config.ResponseBytes;

    public override FilterStream? Begin(HttpStream stream, out GatewayError? error)
    {
        error = null;
        long? announced = Length(stream.RequestHeaders);
        if (announced > config.RequestBytes) error = _requestTooLarge;
        if (error is not null) return null;
        bool countsRequest = config.RequestBytes is not null && announced is null;
        return countsRequest || config.ResponseBytes is not null ? new CountingStream(this, stream, countsRequest) : null;
    }

    private static long? Length(HeaderMap headers) =>
        headers.TryGet("content-length"u8, out var text) && Utf8Parser.TryParse(text.Span, out long length, out int used) && used == text.Length ? length : null;

    private sealed class CountingStream(BodyLimitFilter filter, HttpStream stream, bool countsRequest) : FilterStream
    {
        private long _requestBytes;
        private long _responseBytes;
        private BodyBuffer? _responseBody;

        public override bool WantsRequestBody => countsRequest;

        public override bool WantsResponseBody => _responseBody is not null;

        public override BodyBuffer? RequestBody { get; } = countsRequest ? new BodyBuffer(GatewayLimits.HeldBodyBytes) : null;

        public override BodyBuffer? ResponseBody => _responseBody;

        public override FilterAction OnRequestBody(bool endOfStream)
        {
            _requestBytes += RequestBody!.Length;
            if (_requestBytes > filter.RequestLimit) Error = filter._requestTooLarge;
            return FilterAction.Continue;
        }

        public override FilterAction OnResponseHeaders(bool endOfStream)
        {
            if (filter.ResponseLimit is not { } limit || endOfStream) return FilterAction.Continue;
            if (Length(stream.ResponseHeaders) is not { } announced) _responseBody = new BodyBuffer(GatewayLimits.HeldBodyBytes);
            else if (announced > limit) Error = filter._responseTooLarge;
            return FilterAction.Continue;
        }

        public override FilterAction OnResponseBody(bool endOfStream)
        {
            _responseBytes += _responseBody!.Length;
            if (_responseBytes > filter.ResponseLimit) Error = filter._responseTooLarge;
            return FilterAction.Continue;
        }
    }
}
