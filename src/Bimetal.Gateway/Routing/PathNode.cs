// The trie of path segments behind RouteTable, and the entries at its nodes.

namespace Bimetal.Gateway.Routing;

/// <summary>One route at the end of a pattern; conditions beside host and path are checked here.</summary>
internal sealed record RouteEntry(int Route, IReadOnlyList<string> Methods)
{
    public bool Matches(ReadOnlySpan<char> method)
    {
        if (Methods.Count == 0) return true;
        foreach (string allowed in Methods)
        {
            if (method.SequenceEqual(allowed)) return true;
        }

        return false;
    }
}

/// <summary>One lookup: what is asked for, and which methods would have matched.</summary>
internal ref struct RouteSearch(ReadOnlySpan<char> method)
{
    private List<string>? _allowedMethods;

    public ReadOnlySpan<char> Method { get; } = method;

    public readonly IReadOnlyList<string> AllowedMethods => _allowedMethods ?? (IReadOnlyList<string>)[];

    public void AddAllowed(IReadOnlyList<string> methods)
    {
        _allowedMethods ??= [];
        foreach (string allowed in methods)
        {
            if (!_allowedMethods.Contains(allowed)) _allowedMethods.Add(allowed);
        }
    }
}

/// <summary>A node: the paths that share the segments up to here. Built once, then only read.</summary>
internal sealed class PathNode
{
    private readonly Dictionary<string, PathNode> _literals = new(StringComparer.Ordinal);
    private readonly List<RouteEntry> _exact = [];
    private readonly List<RouteEntry> _rest = [];
    private PathNode? _parameter;

    public void Add(PathPattern pattern, RouteEntry entry)
    {
        var node = this;
        foreach (var segment in pattern.Segments)
        {
            if (segment.Kind == PathSegmentKind.Rest)
            {
                Insert(node._rest, entry);
                return;
            }

            node = segment.Kind == PathSegmentKind.Parameter ? node._parameter ??= new PathNode() : node.Literal(segment.Text);
        }

        Insert(node._exact, entry);
    }

    /// <summary>Visits only nodes that the configuration made, so the work is bounded by the patterns, not by the path.</summary>
    /// <param name="path">The segments that are left, without the slash before them.</param>
    /// <param name="hasMore">False behind the last segment; an empty <paramref name="path"/> with true is an empty segment.</param>
    public int Find(ReadOnlySpan<char> path, bool hasMore, ref RouteSearch search)
    {
        int route = -1;
        if (!hasMore)
        {
            route = FirstMatch(_exact, ref search);
        }
        else
        {
            int slash = path.IndexOf('/');
            var segment = slash < 0 ? path : path[..slash];
            var following = slash < 0 ? default : path[(slash + 1)..];
            if (_literals.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(segment, out var literal)) route = literal.Find(following, slash >= 0, ref search);
            if (route < 0 && _parameter is not null && segment.Length > 0) route = _parameter.Find(following, slash >= 0, ref search);
        }

        return route >= 0 ? route : FirstMatch(_rest, ref search);
    }

    private static int FirstMatch(List<RouteEntry> entries, ref RouteSearch search)
    {
        foreach (var entry in entries)
        {
            if (entry.Matches(search.Method)) return entry.Route;
            search.AddAllowed(entry.Methods);
        }

        return -1;
    }

    // Routes that name methods come first: they are more specific.
    private static void Insert(List<RouteEntry> entries, RouteEntry entry)
    {
        int firstWithout = entries.FindIndex(other => other.Methods.Count == 0);
        entries.Insert(entry.Methods.Count == 0 || firstWithout < 0 ? entries.Count : firstWithout, entry);
    }

    private PathNode Literal(string text)
    {
        if (!_literals.TryGetValue(text, out var node)) _literals[text] = node = new PathNode();
        return node;
    }
}
