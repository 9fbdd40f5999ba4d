// The built-in filter headers: removes, sets and adds fields of the request and of the response.

using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Pipeline;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Filters;

internal sealed class HeadersFilter(HeadersFilterConfig config) : Filter
{
    private readonly Edits? _request = config.Request.IsEmpty ? null : new Edits(config.Request);
    private readonly Edits? _response = config.Response.IsEmpty ? null : new Edits(config.Response);

    public override string Name => "headers";

    public override FilterStream? Begin(HttpStream stream, out GatewayError? error)
    {
        error = null;
        _request?.Apply(stream.RequestHeaders);
        return _response is null ? null : new EditStream(_response, stream);
    }

    /// <summary>The edits of one message as bytes, made once.</summary>
    private sealed class Edits(HeaderEdits edits)
    {
        private readonly ReadOnlyMemory<byte>[] _remove = [.. edits.Remove.Select(FieldText.NameBytes)];
        private readonly HeaderField[] _set = Fields(edits.Set);
        private readonly HeaderField[] _add = Fields(edits.Add);
        private readonly HeaderField[] _default = Fields(edits.Default);

        public void Apply(HeaderMap fields)
        {
            foreach (var name in _remove) fields.Remove(name.Span);
            foreach (var (name, value) in _set) fields.Set(name, value);
            foreach (var (name, value) in _add) fields.Add(name, value);
            foreach (var (name, value) in _default)
            {
                if (fields.IndexOf(name.Span) < 0) fields.Add(name, value);
            }
        }

        private static HeaderField[] Fields(IReadOnlyList<KeyValuePair<string, string>> fields) =>
            [.. fields.Select(field => new HeaderField(FieldText.NameBytes(field.Key), FieldText.ValueBytes(field.Value)))];
    }

    private sealed class EditStream(Edits edits, HttpStream stream) : FilterStream
    {
        public override FilterAction OnResponseHeaders(bool endOfStream)
        {
            edits.Apply(stream.ResponseHeaders);
            return FilterAction.Continue;
        }
    }
}
