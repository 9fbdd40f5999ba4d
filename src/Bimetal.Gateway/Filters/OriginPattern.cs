// An origin that a cors filter accepts: exact, or the subdomains of a host.

using System.Buffers;
using System.Text;

namespace Bimetal.Gateway.Filters;

internal sealed class OriginPattern
{
    private static readonly SearchValues<byte> HostBytes = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789.-"u8);

    private readonly byte[] _start;
    private readonly byte[]? _end;

    private OriginPattern(byte[] start, byte[]? end)
    {
        _start = start;
        _end = end;
    }

    /// <summary>Takes <c>SCHEME://HOST[:PORT]</c> in lower case, as browsers write it, or with <c>*.</c> in front of the host; null for anything else.</summary>
    public static OriginPattern? TryParse(string text)
    {
        bool isWild = text.Contains("://*.", StringComparison.Ordinal);
        string example = isWild ? text.Replace("://*.", "://x.", StringComparison.Ordinal) : text;
        if (!Uri.TryCreate(example, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https") || uri.UserInfo.Length > 0) return null;

        // Says the default port away and puts letters into lower case: what differs from it is not what a browser sends.
        if (uri.GetComponents(UriComponents.SchemeAndServer, UriFormat.UriEscaped) != example || example.Contains('*', StringComparison.Ordinal)) return null;
        if (!isWild) return new OriginPattern(Encoding.ASCII.GetBytes(text), null);
        int star = text.IndexOf('*', StringComparison.Ordinal);
        return new OriginPattern(Encoding.ASCII.GetBytes(text[..star]), Encoding.ASCII.GetBytes(text[(star + 1)..]));
    }

    public bool Matches(ReadOnlySpan<byte> origin)
    {
        if (_end is null) return origin.SequenceEqual(_start);
        if (origin.Length <= _start.Length + _end.Length || !origin.StartsWith(_start) || !origin.EndsWith(_end)) return false;
        var labels = origin[_start.Length..^_end.Length];
        return !labels.ContainsAnyExcept(HostBytes) && labels[0] != '.' && labels[^1] != '.';
    }
}
