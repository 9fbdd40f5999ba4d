// Field names and values between the strings of Kestrel and HttpClient and the bytes of HeaderMap; Latin-1 both ways, so every byte survives.

using System.Collections.Frozen;
using System.Text;

namespace Bimetal.Gateway.Pipeline;

internal static class FieldText
{
    private static readonly string[] KnownNames =
    [
        "accept", "accept-encoding", "accept-language", "accept-ranges", "access-control-allow-origin", "age", "allow", "authorization", "cache-control",
        "content-disposition", "content-encoding", "content-language", "content-length", "content-range", "content-type", "cookie", "date", "etag", "expires",
        "forwarded", "if-match", "if-modified-since", "if-none-match", "if-range", "last-modified", "link", "location", "origin", "pragma", "range", "referer",
        "retry-after", "server", "set-cookie", "strict-transport-security", "traceparent", "tracestate", "upgrade-insecure-requests", "user-agent", "vary",
        "via", "www-authenticate", "x-content-type-options", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-frame-options", "x-request-id",
    ];

    private static readonly FrozenDictionary<string, byte[]> NamesToBytes =
        KnownNames.ToFrozenDictionary(name => name, Encoding.Latin1.GetBytes, StringComparer.OrdinalIgnoreCase);

    /// <summary>The name in lower case.</summary>
    public static ReadOnlyMemory<byte> NameBytes(string name)
    {
        if (NamesToBytes.TryGetValue(name, out byte[]? known)) return known;
        byte[] bytes = Encoding.Latin1.GetBytes(name);
        Ascii.ToLowerInPlace(bytes, out _);
        return bytes;
    }

    public static ReadOnlyMemory<byte> ValueBytes(string value) => value.Length == 0 ? default : Encoding.Latin1.GetBytes(value);

    /// <summary>The status of a response, or 0 when there is none that is a number.</summary>
    public static int Status(Bimetal.Plugins.Streams.HeaderMap headers) =>
        headers.TryGet(PseudoNames.Status, out var text) && System.Buffers.Text.Utf8Parser.TryParse(text.Span, out int status, out int used) && used == text.Length ? status : 0;

    public static string Text(ReadOnlySpan<byte> bytes) => Encoding.Latin1.GetString(bytes);

    public static string Text(ReadOnlyMemory<byte> bytes) => Encoding.Latin1.GetString(bytes.Span);
}
