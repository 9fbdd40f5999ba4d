// The built-in filter request_id: every request carries an id to the upstream and back to the client.

using System.Security.Cryptography;
using System.Text;
using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Pipeline;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Filters;

internal sealed class RequestIdFilter(RequestIdFilterConfig config) : Filter
{
    /// <summary>Longest id of a client's that is kept.</summary>
    private const int MaximumIdBytes = 128;

    private readonly ReadOnlyMemory<byte> _name = FieldText.NameBytes(config.Header);

    public override string Name => "request_id";

    public override FilterStream? Begin(HttpStream stream, out GatewayError? error)
    {
        error = null;
        return new IdStream(this, stream);
    }

    private ReadOnlyMemory<byte> IdFor(HeaderMap request)
    {
        if (config.Keep && request.TryGet(_name.Span, out var sent) && sent.Length is > 0 and <= MaximumIdBytes) return sent;
        return Encoding.ASCII.GetBytes(RandomNumberGenerator.GetHexString(32, lowercase: true));
    }

    private sealed class IdStream(RequestIdFilter filter, HttpStream stream) : FilterStream
    {
        private ReadOnlyMemory<byte> _id;

        public override FilterAction OnRequestHeaders(bool endOfStream)
        {
            _id = filter.IdFor(stream.RequestHeaders);
            stream.RequestHeaders.Set(filter._name, _id);
            return FilterAction.Continue;
        }

        public override FilterAction OnResponseHeaders(bool endOfStream)
        {
            stream.ResponseHeaders.Set(filter._name, _id);
            return FilterAction.Continue;
        }
    }
}
