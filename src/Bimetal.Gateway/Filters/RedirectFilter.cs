// The built-in filter redirect: answers with another place.

using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Pipeline;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Filters;

internal sealed class RedirectFilter(RedirectFilterConfig config) : Filter
{
    private readonly ReadOnlyMemory<byte> _scheme = FieldText.ValueBytes(config.Scheme);

    public override string Name => "redirect";

    public override FilterStream? Begin(HttpStream stream, out GatewayError? error)
    {
        error = null;
        var request = stream.RequestHeaders;
        if (!_scheme.IsEmpty && !(request.TryGet(PseudoNames.Scheme, out var scheme) && scheme.Span.SequenceEqual(_scheme.Span))) return null;
        var headers = new HeaderMap();
        headers.Add("location"u8.ToArray(), config.To.Fill(request));
        return new AnsweringStream(new LocalResponse(config.Status, headers, default));
    }
}
