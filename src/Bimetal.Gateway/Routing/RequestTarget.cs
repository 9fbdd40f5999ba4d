// The request target in one normal form. What is judged (routes, filters) is what is forwarded: the upstream gets the normal form, so
// "/public/../api" or "/%61pi" cannot pass a route for "/api" by and still reach "/api" behind it.

using System.Text;

namespace Bimetal.Gateway.Routing;

internal static class RequestTarget
{
    /// <summary>
    /// Normal form of an origin-form or absolute-form target, query included: dot segments removed, percent-encoded unreserved characters
    /// decoded, hex digits in upper case. Encoded slashes stay encoded and are no separators. False for what RFC 9112 does not allow, and for
    /// dot segments that stand between encoded slashes or backslashes.
    /// </summary>
    public static bool TryNormalize(string target, out string normal)
    {
        normal = target;
        if (!target.StartsWith('/') && !TryStripAuthority(target, out target)) return false;
        if (target.AsSpan().ContainsAnyInRange('\0', ' ') || target.AsSpan().ContainsAny('#', '\\', '\x7f')) return false;
        normal = target;
        int queryStart = target.IndexOf('?');
        ReadOnlySpan<char> path = queryStart < 0 ? target : target.AsSpan(0, queryStart);
        bool hasEscape = path.Contains('%');
        if (!hasEscape && path.IndexOf("/.") < 0) return true;
        var decoded = new StringBuilder(target.Length);
        if (!TryDecodeUnreserved(path, decoded)) return false;
        string plain = decoded.ToString();
        if (HasHiddenDotSegment(plain)) return false;
        string clean = RemoveDotSegments(plain);
        normal = queryStart < 0 ? clean : string.Concat(clean, target.AsSpan(queryStart));
        return true;
    }

    /// <summary>Whether a target that a plugin wrote can be sent: origin form, printable ASCII, no fragment.</summary>
    public static bool IsValid(ReadOnlySpan<byte> target) =>
        target.Length > 0 && target[0] == '/' && target.IndexOfAnyExceptInRange((byte)'!', (byte)'~') < 0 && target.IndexOfAny((byte)'#', (byte)'\\') < 0;

    /// <summary>The part before the query.</summary>
    public static ReadOnlySpan<char> PathOf(ReadOnlySpan<char> target)
    {
        int queryStart = target.IndexOf('?');
        return queryStart < 0 ? target : target[..queryStart];
    }

    /// <summary>Whether a target that does not begin with a slash is in absolute form and names the host of the Host field.</summary>
    public static bool IsForHost(string target, string host)
    {
        int scheme = target.IndexOf("://", StringComparison.Ordinal);
        if (scheme <= 0) return true; // no absolute form: judged when it is normalized
        var rest = target.AsSpan(scheme + 3);
        int end = rest.IndexOfAny('/', '?');
        return (end < 0 ? rest : rest[..end]).Equals(host, StringComparison.OrdinalIgnoreCase);
    }

    // Absolute form: the listener has checked that its authority is the Host field's.
    private static bool TryStripAuthority(string target, out string path)
    {
        path = "/";
        int scheme = target.IndexOf("://", StringComparison.Ordinal);
        if (scheme <= 0) return false;
        ReadOnlySpan<char> rest = target.AsSpan(scheme + 3);
        int end = rest.IndexOfAny('/', '?');
        if (end < 0) return true;
        path = rest[end] == '/' ? rest[end..].ToString() : string.Concat("/", rest[end..]);
        return true;
    }

    private static bool TryDecodeUnreserved(ReadOnlySpan<char> path, StringBuilder output)
    {
        for (int index = 0; index < path.Length; index++)
        {
            if (path[index] != '%')
            {
                output.Append(path[index]);
                continue;
            }

            if (index + 2 >= path.Length || !char.IsAsciiHexDigit(path[index + 1]) || !char.IsAsciiHexDigit(path[index + 2])) return false;
            char value = (char)Convert.FromHexString(path.Slice(index + 1, 2))[0];
            if (value == '\0') return false;
            if (char.IsAsciiLetterOrDigit(value) || value is '-' or '.' or '_' or '~') output.Append(value);
            else output.Append('%').Append(char.ToUpperInvariant(path[index + 1])).Append(char.ToUpperInvariant(path[index + 2]));
            index += 2;
        }

        return true;
    }

    // "/public/..%2Fapi": many upstreams decode the slash (some a backslash, too) before they remove dot segments, and would find /api.
    private static bool HasHiddenDotSegment(string path)
    {
        if (!path.Contains("%2F", StringComparison.Ordinal) && !path.Contains("%5C", StringComparison.Ordinal)) return false;
        foreach (string segment in path.Split('/'))
        {
            string[] parts = segment.Replace("%5C", "%2F", StringComparison.Ordinal).Split("%2F");
            if (parts.Length > 1 && parts.Any(part => part is "." or "..")) return true;
        }

        return false;
    }

    // RFC 3986, section 5.2.4, on segments.
    private static string RemoveDotSegments(string path)
    {
        if (!path.Contains("/.", StringComparison.Ordinal)) return path;
        var kept = new List<string>();
        string[] segments = path[1..].Split('/');
        for (int index = 0; index < segments.Length; index++)
        {
            bool isLast = index == segments.Length - 1;
            switch (segments[index])
            {
                case "." or "..":
                    if (segments[index] == ".." && kept.Count > 0) kept.RemoveAt(kept.Count - 1);
                    if (isLast) kept.Add("");
                    break;
                default:
                    kept.Add(segments[index]);
                    break;
            }
        }

        return "/" + string.Join('/', kept);
    }
}
