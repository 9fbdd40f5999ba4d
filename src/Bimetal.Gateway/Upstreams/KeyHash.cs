// The key of a request for consistent hashing. Not for security: clients can choose keys that meet, and only gain an endpoint that is busier.

using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Pipeline;
using Bimetal.Gateway.Routing;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Upstreams;

internal static class KeyHash
{
    /// <summary>Null when the request has no such field or cookie: then any endpoint will do.</summary>
    public static ulong? Of(BalanceConfig config, HttpStream stream)
    {
        if (config.Kind != BalanceKind.ConsistentHash) return null;
        switch (config.Key)
        {
            case HashKeyKind.ClientAddress:
                return stream.Source is { } source ? Of(source.Address.GetAddressBytes()) : null;
            case HashKeyKind.Path:
                return stream.RequestHeaders.TryGet(PseudoNames.Path, out var target) ? Of(System.Text.Encoding.Latin1.GetBytes(RequestTarget.PathOf(FieldText.Text(target)).ToString())) : null;
            case HashKeyKind.Header:
                return stream.RequestHeaders.TryGet(System.Text.Encoding.Latin1.GetBytes(config.Name), out var value) ? Of(value.Span) : null;
            default:
                return Cookie(stream.RequestHeaders, System.Text.Encoding.Latin1.GetBytes(config.Name));
        }
    }

    /// <summary>FNV-1a, with its bits mixed: neighbouring keys land far from each other.</summary>
    public static ulong Of(ReadOnlySpan<byte> bytes)
    {
        ulong hash = 14695981039346656037;
        foreach (byte value in bytes) hash = (hash ^ value) * 1099511628211;
        return Mix(hash);
    }

    /// <summary>The finaliser of SplitMix64.</summary>
    public static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }

    // RFC 6265, section 4.2: pairs between "; ", in one field or several.
    private static ulong? Cookie(HeaderMap headers, ReadOnlySpan<byte> name)
    {
        for (int index = 0; index < headers.Count; index++)
        {
            if (!HeaderField.NameEquals(headers[index].Name.Span, "cookie"u8)) continue;
            var text = headers[index].Value.Span;
            foreach (var range in text.Split((byte)';'))
            {
                var pair = text[range].Trim((byte)' ');
                if (pair.Length > name.Length && pair[name.Length] == '=' && pair.StartsWith(name)) return Of(pair[(name.Length + 1)..]);
            }
        }

        return null;
    }
}
