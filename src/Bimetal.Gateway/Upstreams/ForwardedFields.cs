// What the upstream is told about the client, and what the gateway itself believes of it: X-Forwarded-For, -Proto, -Host and Forwarded (RFC 7239)
// count when they come from a proxy that the listener trusts. What anybody else claims is replaced by what the gateway saw.

using System.Net;
using System.Text;
using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Listeners;
using Bimetal.Gateway.Pipeline;
using Bimetal.Gateway.Routing;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Upstreams;

internal static class ForwardedFields
{
    private static readonly byte[] For = "x-forwarded-for"u8.ToArray();
    private static readonly byte[] Proto = "x-forwarded-proto"u8.ToArray();
    private static readonly byte[] Host = "x-forwarded-host"u8.ToArray();
    private static readonly byte[] Forwarded = "forwarded"u8.ToArray();
    private static readonly byte[] s_http = "http"u8.ToArray();
    private static readonly byte[] s_https = "https"u8.ToArray();

    /// <summary>Added before the filters run, so that they see what the upstream will see. From a trusted proxy, the stream's source and scheme become the client's.</summary>
    public static void Add(HttpStream stream, ClientArrival arrival)
    {
        if (arrival.Model.Config.TrustedProxies is { } trust && stream.Source is { } peer && trust.Contains(peer.Address)) TakeFrom(stream, peer, trust);
        else Replace(stream, arrival);
    }

    private static void Replace(HttpStream stream, ClientArrival arrival)
    {
        var fields = stream.RequestHeaders;
        for (int index = fields.Count - 1; index >= 0; index--)
        {
            // One removal can take several.
            if (index >= fields.Count) continue;
            var name = fields[index].Name;
            if (name.Length >= Forwarded.Length && (name.Span.StartsWith("x-forwarded-"u8) || name.Span.SequenceEqual(Forwarded))) fields.Remove(name.Span);
        }

        if (arrival.Source is not null) fields.Add(For, arrival.SourceAddress);
        if (fields.TryGet(PseudoNames.Scheme, out var scheme)) fields.Add(Proto, scheme);
        if (fields.TryGet(PseudoNames.Authority, out var authority) && authority.Length > 0) fields.Add(Host, authority);
    }

    private static void TakeFrom(HttpStream stream, IPEndPoint peer, TrustedNetworks trust)
    {
        var fields = stream.RequestHeaders;
        string named = Joined(fields, For), forwarded = Joined(fields, Forwarded);
        stream.Source = ClientOf(named.Length > 0 ? named.Split(',', StringSplitOptions.TrimEntries) : ForwardedFor(forwarded), peer, trust);
        fields.Set(For, Encoding.Latin1.GetBytes(named.Length > 0 ? $"{named}, {peer.Address}" : peer.Address.ToString()));
        TakeScheme(fields);
        fields.TryGet(PseudoNames.Authority, out var authority);
        if (!fields.TryGet(Host, out var host) || !HostPattern.IsAuthority(FieldText.Text(host))) SetOrRemove(fields, Host, authority);
        if (forwarded.Length > 0) fields.Set(Forwarded, Encoding.Latin1.GetBytes($"{forwarded}, {Element(peer.Address, fields, authority)}"));
    }

    // One word, http or https; a list of them is no answer.
    private static void TakeScheme(HeaderMap fields)
    {
        if (fields.TryGet(Proto, out var claimed) && (claimed.Span.SequenceEqual("https"u8) || claimed.Span.SequenceEqual("http"u8)))
        {
            var scheme = claimed.Span.Length == s_https.Length ? s_https : s_http;
            fields.Set(Proto, scheme);
            fields.Set(PseudoNames.Scheme, scheme);
            return;
        }

        fields.TryGet(PseudoNames.Scheme, out var own);
        SetOrRemove(fields, Proto, own);
    }

    private static void SetOrRemove(HeaderMap fields, byte[] name, ReadOnlyMemory<byte> value)
    {
        if (value.IsEmpty) fields.Remove(name);
        else fields.Set(name, value);
    }

    // From the right: each proxy wrote the address that it saw, so the first one that is not trusted is the client. What stands left of it can be
    // anything. A proxy that hides an address ends the walk at itself.
    private static IPEndPoint ClientOf(IReadOnlyList<string> chain, IPEndPoint peer, TrustedNetworks trust)
    {
        var client = peer;
        for (int index = chain.Count - 1; index >= 0; index--)
        {
            if (!TryAddress(chain[index], out var address)) break;
            client = address;
            if (!trust.Contains(address.Address)) break;
        }

        return client;
    }

    // An address, or one with a port, as some proxies write it. Not "10", which the framework takes for an address as well.
    private static bool TryAddress(string text, out IPEndPoint address)
    {
        address = new IPEndPoint(IPAddress.None, 0);
        if (!text.Contains('.', StringComparison.Ordinal) && !text.Contains(':', StringComparison.Ordinal)) return false;
        if (IPAddress.TryParse(text, out var alone)) address = new IPEndPoint(alone, 0);
        else if (IPEndPoint.TryParse(text, out var withPort)) address = withPort;
        else return false;
        return true;
    }

    /// <summary>The for= of each element, in order; an element without one, or with a hidden one, gives a text that is no address.</summary>
    private static List<string> ForwardedFor(string forwarded)
    {
        var chain = new List<string>();
        if (forwarded.Length == 0) return chain;
        foreach (string element in forwarded.Split(','))
        {
            string found = "unknown";
            foreach (string pair in element.Split(';', StringSplitOptions.TrimEntries))
            {
                if (pair.StartsWith("for=", StringComparison.OrdinalIgnoreCase)) found = pair[4..].Trim('"');
            }

            // IPv6 stands in brackets there, also without a port.
            chain.Add(found.StartsWith('[') && found.EndsWith(']') ? found[1..^1] : found);
        }

        return chain;
    }

    private static string Element(IPAddress peer, HeaderMap fields, ReadOnlyMemory<byte> authority)
    {
        string node = peer.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 ? $"\"[{peer}]\"" : peer.ToString();
        string scheme = fields.TryGet(PseudoNames.Scheme, out var value) ? FieldText.Text(value) : "http";
        return authority.IsEmpty ? $"for={node};proto={scheme}" : $"for={node};proto={scheme};host=\"{FieldText.Text(authority)}\"";
    }

    // Several fields of a name mean one list.
    private static string Joined(HeaderMap fields, byte[] name)
    {
        StringBuilder? list = null;
        for (int index = 0; index < fields.Count; index++)
        {
            if (!HeaderField.NameEquals(fields[index].Name.Span, name)) continue;
            list = list is null ? new StringBuilder() : list.Append(", ");
            list.Append(FieldText.Text(fields[index].Value));
        }

        return list?.ToString() ?? "";
    }
}
