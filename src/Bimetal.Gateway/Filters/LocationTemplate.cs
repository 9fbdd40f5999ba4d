// Where a redirect leads: fixed text with parts of the request in it.

using System.Buffers;
using System.Text;
using Bimetal.Gateway.Pipeline;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Filters;

/// <summary>Immutable. Parsing sees to it that no request can choose the site: what it puts in stands behind the host, or is the host it asked for.</summary>
internal sealed class LocationTemplate
{
    public const string Remedy = "write https://{host}{path}{query}, https://other.example{path} or /new{path}";

    private static readonly string[] Names = ["{host}", "{path}", "{query}"];

    private readonly (int Name, byte[] Text)[] _parts;

    private LocationTemplate((int, byte[])[] parts) => _parts = parts;

    public static LocationTemplate Root { get; } = Parse("/", out _)!;

    public static LocationTemplate? Parse(string text, out string problem)
    {
        problem = Problem(text);
        if (problem.Length > 0) return null;
        var parts = new List<(int, byte[])>();
        for (int at = 0; at < text.Length;)
        {
            int name = Array.FindIndex(Names, name => text.AsSpan(at).StartsWith(name, StringComparison.Ordinal));
            int end = name >= 0 ? at + Names[name].Length : text.IndexOf('{', at + 1) is > 0 and var next ? next : text.Length;
            parts.Add((name, name >= 0 ? [] : Encoding.ASCII.GetBytes(text[at..end])));
            at = end;
        }

        return new LocationTemplate([.. parts]);
    }

    public byte[] Fill(HeaderMap request)
    {
        request.TryGet(PseudoNames.Path, out var target);
        request.TryGet(PseudoNames.Authority, out var host);
        int question = target.Span.IndexOf((byte)'?');
        var path = question < 0 ? target : target[..question];
        var query = question < 0 ? default : target[question..];
        var location = new ArrayBufferWriter<byte>(128);
        foreach (var (name, text) in _parts)
        {
            // The target of OPTIONS can be "*", which is no path.
            var value = name switch { 0 => host.Span, 1 => path.Span.StartsWith("/"u8) ? path.Span : "/"u8, 2 => query.Span, _ => text };
            location.Write(value);
        }

        return location.WrittenSpan.ToArray();
    }

    private static string Problem(string text)
    {
        string rest = Names.Aggregate(text, static (left, name) => left.Replace(name, "", StringComparison.Ordinal));
        if (rest.AsSpan().ContainsAny('{', '}')) return "has a part that is not {host}, {path} or {query}";
        if (!rest.All(character => character is > ' ' and <= '~' and not ('\\' or '"' or '<' or '>' or '^' or '`' or '|'))) return "is not a URL";

        // "/{path}" would be "//other.example" for a request that asks for it.
        if (text.StartsWith('/')) return text.Length > 1 && text[1] is '/' or '{' ? "could lead to another site" : "";
        int host = text.StartsWith("https://", StringComparison.Ordinal) ? 8 : text.StartsWith("http://", StringComparison.Ordinal) ? 7 : 0;
        if (host == 0) return "is neither a path nor an http URL";
        var authority = text.AsSpan(host);
        int end = authority.IndexOfAny('/', '?', '#');
        authority = end < 0 ? authority : authority[..end];
        string fixedHost = authority.ToString().Replace("{path}", "", StringComparison.Ordinal).Replace("{query}", "", StringComparison.Ordinal);
        if (fixedHost != "{host}" && !Uri.TryCreate("http://" + fixedHost, UriKind.Absolute, out _)) return "has no host";
        return fixedHost.Contains('@', StringComparison.Ordinal) || (fixedHost != "{host}" && fixedHost.Contains('{', StringComparison.Ordinal)) ? "has no host of its own" : "";
    }
}
