// The host part of a route's match: an exact name, "*.example.com" (one label or more before it) or "*".

using System.Buffers;

namespace Bimetal.Gateway.Routing;

internal static class HostPattern
{
    public const string Any = "*";
    public const string WildcardPrefix = "*.";

    public static bool IsValid(string host)
    {
        if (host == Any) return true;
        if (host.StartsWith('[')) return host.EndsWith(']') && System.Net.IPAddress.TryParse(host.AsSpan(1, host.Length - 2), out _);
        ReadOnlySpan<char> name = host.StartsWith(WildcardPrefix, StringComparison.Ordinal) ? host.AsSpan(WildcardPrefix.Length) : host;
        if (name.Length is 0 or > 253) return false;
        foreach (var label in name.Split('.'))
        {
            if (!IsLabel(name[label])) return false;
        }

        return true;
    }

    /// <summary>The host of an <c>:authority</c>, without port and without the dot of a rooted name.</summary>
    public static ReadOnlySpan<char> WithoutPort(ReadOnlySpan<char> authority)
    {
        int bracket = authority.LastIndexOf(']');
        int colon = authority.LastIndexOf(':');
        if (colon > bracket) authority = authority[..colon];
        return authority is [.. var name, '.'] ? name : authority;
    }

    private static readonly SearchValues<char> NotInAuthorities = SearchValues.Create("/?#@\\, ");

    /// <summary>Whether a Host field can be sent on: the upstream client refuses what is no authority of a URL. Empty means none.</summary>
    public static bool IsAuthority(string authority) =>
        authority.Length == 0 || (IsValid(authority) && !authority.AsSpan().ContainsAny('*', '-', '_'))
        || (!authority.AsSpan().ContainsAny(NotInAuthorities) && Uri.TryCreate($"http://u@{authority}/", UriKind.Absolute, out _));

    private static bool IsLabel(ReadOnlySpan<char> label)
    {
        if (label.Length is 0 or > 63) return false;
        foreach (char character in label)
        {
            if (!char.IsAsciiLetterOrDigit(character) && character is not ('-' or '_')) return false;
        }

        return true;
    }
}
