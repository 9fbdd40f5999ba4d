// The built-in filter headers: removes and sets fields of the request and of the response.

using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Pipeline;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Filters;

internal sealed class HeadersFilter(HeadersFilterConfig config) : Filter
{
    private readonly Edits _request = new(config.Request);
    private readonly Edits _response = new(config.Response);

    public override string Name => "headers";

    public override FilterStream? Begin(HttpStream stream, out GatewayError? error)
    {
        error = null;
        return new EditStream(this, stream);
    }

    /// <summary>The edits of one message as bytes, made once.</summary>
    private sealed class Edits(HeaderEdits edits)
    {
        private readonly ReadOnlyMemory<byte>[] _remove = [.. edits.Remove.Select(FieldText.NameBytes)];
        private readonly HeaderField[] _set = [.. edits.Set.Select(field => new HeaderField(FieldText.NameBytes(field.Key), FieldText.ValueBytes(field.Value)))];

        public void Apply(HeaderMap fields)
        {
            foreach (var name in _remove) fields.Remove(name.Span);
            foreach (var (name, value) in _set) fields.Set(name, value);
        }
    }

    private sealed class EditStream(HeadersFilter filter, HttpStream stream) : FilterStream
    {
        public override FilterAction OnRequestHeaders(bool endOfStream)
        {
            filter._request.Apply(stream.RequestHeaders);
            return FilterAction.Continue;
        }

        public override FilterAction OnResponseHeaders(bool endOfStream)
        {
            filter._response.Apply(stream.ResponseHeaders);
            return FilterAction.Continue;
        }
    }
}
