// Which header fields are well-formed, which belong to one connection only, and which the gateway itself writes.
// The rules for what plugins write are HeaderRules, in Bimetal.Plugins.

using System.Buffers;
using System.Collections.Frozen;

namespace Bimetal.Gateway.Pipeline;

internal static class FieldRules
{
    public const string SettableRemedy = "fields of the connection and of the framing (connection, transfer-encoding, content-length, host …) are the gateway's own";

    private static readonly SearchValues<char> Token = SearchValues.Create("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

    private static readonly SearchValues<char> Controls = SearchValues.Create([.. Enumerable.Range(0, 32).Where(code => code != '\t').Select(code => (char)code), '\x7f']);

    // RFC 9110, section 7.6.1, with what proxies have to drop in practice.
    private static readonly FrozenSet<string> HopByHop = FrozenSet.ToFrozenSet(
        ["connection", "keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding", "upgrade"],
        StringComparer.OrdinalIgnoreCase);

    // Written by the gateway from what it knows; "expect" is answered by the listener.
    private static readonly FrozenSet<string> Framing = FrozenSet.ToFrozenSet(["content-length", "host", "expect"], StringComparer.OrdinalIgnoreCase);

    private static readonly FrozenSet<string>.AlternateLookup<ReadOnlySpan<char>> HopByHopSpans = HopByHop.GetAlternateLookup<ReadOnlySpan<char>>();

    /// <summary>The request means the same when it comes twice (RFC 9110, section 9.2.2).</summary>
    public static bool IsIdempotent(ReadOnlySpan<byte> method) =>
        method.SequenceEqual("GET"u8) || method.SequenceEqual("HEAD"u8) || method.SequenceEqual("OPTIONS"u8) || method.SequenceEqual("PUT"u8) || method.SequenceEqual("DELETE"u8) || method.SequenceEqual("TRACE"u8);

    public static bool IsHopByHop(ReadOnlySpan<char> name) => HopByHopSpans.Contains(name);

    /// <summary>Fields that the listener has dealt with: plugins see the host as ":authority".</summary>
    public static bool IsHostOrExpect(string name) =>
        name.Equals("host", StringComparison.OrdinalIgnoreCase) || name.Equals("expect", StringComparison.OrdinalIgnoreCase);

    /// <summary>Fields that are left out when a request is written, whatever a filter made of them.</summary>
    public static bool IsWrittenByGateway(string name) => HopByHop.Contains(name) || Framing.Contains(name);

    /// <summary>The names in a Connection field: they belong to the connection as well.</summary>
    public static string[] Nominated(string connection) =>
        connection.Length == 0 ? [] : connection.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    public static bool IsNominated(string name, string[] nominated)
    {
        foreach (string other in nominated)
        {
            if (name.Equals(other, StringComparison.OrdinalIgnoreCase)) return true;
        }

        return false;
    }

    /// <summary>Whether a configuration may set or remove this field.</summary>
    public static bool MayBeSet(string name) => IsName(name) && !HopByHop.Contains(name) && !Framing.Contains(name);

    /// <summary>A token of RFC 9110.</summary>
    public static bool IsName(ReadOnlySpan<char> name) => name.Length > 0 && name.IndexOfAnyExcept(Token) < 0;

    /// <summary>
    /// Whether a method can be forwarded as it is: HTTP's methods are upper case, and .NET's client puts those that it knows into upper case,
    /// so "get" would be judged as another method than the one that is sent. CONNECT would be a tunnel.
    /// </summary>
    public static bool IsMethod(string method)
    {
        if (method.Length == 0 || method.Equals("CONNECT", StringComparison.OrdinalIgnoreCase)) return false;
        return IsKnownMethod(method) || !IsKnownMethod(method.ToUpperInvariant());
    }

    /// <summary>Control characters other than the tab.</summary>
    public static bool HasControls(string? value) => value.AsSpan().ContainsAny(Controls);

    private static bool IsKnownMethod(string method) => method is "GET" or "HEAD" or "POST" or "PUT" or "DELETE" or "OPTIONS" or "PATCH" or "TRACE" or "QUERY";

    /// <summary>For values in a configuration: visible ASCII, spaces and tabs.</summary>
    public static bool IsValue(string value) => value.All(character => character is (>= ' ' and <= '~') or '\t');
}
