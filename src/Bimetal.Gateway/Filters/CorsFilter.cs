// The built-in filter cors: tells browsers which sites may read responses (Fetch standard, CORS protocol). Preflights are answered here.

using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Pipeline;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Filters;

internal sealed class CorsFilter(CorsFilterConfig config) : Filter
{
    private static readonly byte[] Origin = "origin"u8.ToArray();
    private static readonly byte[] AllowOrigin = "access-control-allow-origin"u8.ToArray();
    private static readonly byte[] AllowCredentials = "access-control-allow-credentials"u8.ToArray();
    private static readonly byte[] ExposeHeaders = "access-control-expose-headers"u8.ToArray();
    private static readonly byte[] Vary = "vary"u8.ToArray();
    private static readonly byte[] True = "true"u8.ToArray();
    private static readonly byte[] Star = "*"u8.ToArray();

    private static readonly LocalResponse Refused = FilterAnswer.Of(403, "origin-refused", ("vary", "origin, access-control-request-method, access-control-request-headers"));

    private readonly ReadOnlyMemory<byte> _methods = FieldText.ValueBytes(string.Join(", ", config.Methods));
    private readonly ReadOnlyMemory<byte> _headers = FieldText.ValueBytes(string.Join(", ", config.Headers));
    private readonly ReadOnlyMemory<byte> _expose = FieldText.ValueBytes(string.Join(", ", config.Expose));
    private readonly ReadOnlyMemory<byte> _maximumAge = FieldText.ValueBytes(config.MaximumAge is { } age ? ((long)age.TotalSeconds).ToString() : "");

    public override string Name => "cors";

    public override FilterStream? Begin(HttpStream stream, out GatewayError? error)
    {
        error = null;
        var headers = stream.RequestHeaders;
        bool hasOrigin = headers.TryGet(Origin, out var origin);
        bool isAllowed = hasOrigin && IsAllowed(origin.Span);
        if (!hasOrigin || !IsPreflight(headers)) return new CorsStream(this, stream, isAllowed ? origin : default);
        return new AnsweringStream(isAllowed ? Preflight(origin) : Refused);
    }

    private static bool IsPreflight(HeaderMap headers) =>
        headers.TryGet(PseudoNames.Method, out var method) && method.Span.SequenceEqual("OPTIONS"u8) && headers.IndexOf("access-control-request-method"u8) >= 0;

    private bool IsAllowed(ReadOnlySpan<byte> origin)
    {
        if (config.Origins.Count == 0) return true;
        foreach (var pattern in config.Origins)
        {
            if (pattern.Matches(origin)) return true;
        }

        return false;
    }

    private LocalResponse Preflight(ReadOnlyMemory<byte> origin)
    {
        var headers = new HeaderMap();
        WriteOrigin(headers, origin);
        headers.Add("access-control-allow-methods"u8.ToArray(), _methods);
        if (!_headers.IsEmpty) headers.Add("access-control-allow-headers"u8.ToArray(), _headers);
        if (!_maximumAge.IsEmpty) headers.Add("access-control-max-age"u8.ToArray(), _maximumAge);
        headers.Add(Vary, "origin, access-control-request-method, access-control-request-headers"u8.ToArray());
        return new LocalResponse(204, headers, default);
    }

    private void WriteOrigin(HeaderMap headers, ReadOnlyMemory<byte> origin)
    {
        headers.Set(AllowOrigin, config.Origins.Count == 0 ? Star : origin);
        if (config.AllowsCredentials) headers.Set(AllowCredentials, True);
    }

    /// <summary>Writes this filter's policy over whatever the upstream thinks of the matter.</summary>
    private sealed class CorsStream(CorsFilter filter, HttpStream stream, ReadOnlyMemory<byte> origin) : FilterStream
    {
        public override FilterAction OnResponseHeaders(bool endOfStream)
        {
            var headers = stream.ResponseHeaders;
            headers.Remove(AllowOrigin);
            headers.Remove(AllowCredentials);
            headers.Remove(ExposeHeaders);
            if (!origin.IsEmpty)
            {
                filter.WriteOrigin(headers, origin);
                if (!filter._expose.IsEmpty) headers.Add(ExposeHeaders, filter._expose);
            }

            // Also without an origin: a cache must not give this response to a site that has one.
            if (filter.DependsOnOrigin) headers.Add(Vary, Origin);
            return FilterAction.Continue;
        }
    }

    private bool DependsOnOrigin => config.Origins.Count > 0;
}
