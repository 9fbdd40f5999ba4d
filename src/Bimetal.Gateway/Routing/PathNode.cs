// The trie of path segments behind RouteTable.

namespace Bimetal.Gateway.Routing;

/// <summary>A node: the paths that share the segments up to here. Built once, then only read.</summary>
internal sealed class PathNode
{
    private readonly Dictionary<string, PathNode> _literals = new(StringComparer.Ordinal);
    private readonly RouteEntries _exact = new();
    private readonly RouteEntries _rest = new();
    private PathNode? _parameter;

    public void Add(PathPattern pattern, RouteEntry entry)
    {
        var node = this;
        foreach (var segment in pattern.Segments)
        {
            if (segment.Kind == PathSegmentKind.Rest)
            {
                node._rest.Add(entry);
                return;
            }

            node = segment.Kind == PathSegmentKind.Parameter ? node._parameter ??= new PathNode() : node.Literal(segment.Text);
        }

        node._exact.Add(entry);
    }

    /// <summary>Ends building.</summary>
    public void Freeze()
    {
        _exact.Freeze();
        _rest.Freeze();
        _parameter?.Freeze();
        foreach (var literal in _literals.Values) literal.Freeze();
    }

    /// <summary>Visits only nodes that the configuration made, so the work is bounded by the patterns, not by the path.</summary>
    /// <param name="path">The segments that are left, without the slash before them.</param>
    /// <param name="hasMore">False behind the last segment; an empty <paramref name="path"/> with true is an empty segment.</param>
    public int Find(ReadOnlySpan<char> path, bool hasMore, ref RouteSearch search)
    {
        int route = -1;
        search.Steps++;
        if (!hasMore)
        {
            route = _exact.FirstMatch(ref search);
        }
        else
        {
            int slash = path.IndexOf('/');
            var segment = slash < 0 ? path : path[..slash];
            var following = slash < 0 ? default : path[(slash + 1)..];
            if (_literals.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(segment, out var literal)) route = literal.Find(following, slash >= 0, ref search);
            if (route < 0 && _parameter is not null && segment.Length > 0) route = _parameter.Find(following, slash >= 0, ref search);
        }

        return route >= 0 ? route : _rest.FirstMatch(ref search);
    }

    /// <summary>The routes below here that others keep every request from, with one of those others.</summary>
    public IEnumerable<(RouteEntry Shadowed, RouteEntry By)> FindShadowed()
    {
        foreach (var pair in RouteShadows.Within(_exact.Ordered)) yield return pair;
        foreach (var pair in RouteShadows.Within(_rest.Ordered)) yield return pair;
        foreach (var entry in _rest.Ordered)
        {
            if (CoverBelow(entry) is { } cover) yield return (entry, cover);
        }

        foreach (var child in _parameter is null ? _literals.Values : (IEnumerable<PathNode>)[.. _literals.Values, _parameter])
        {
            foreach (var pair in child.FindShadowed()) yield return pair;
        }
    }

    // {rest...} stands for nothing, an empty segment and whatever follows it, or a segment with a name and whatever follows it.
    private RouteEntry? CoverBelow(RouteEntry entry)
    {
        if (_parameter is null || !_literals.TryGetValue("", out var empty)) return null;
        if (RouteShadows.Cover(_exact.Ordered, entry) is null || _parameter.CoverAll(entry) is null) return null;
        return empty.CoverAll(entry);
    }

    private RouteEntry? CoverAll(RouteEntry entry) => RouteShadows.Cover(_rest.Ordered, entry) ?? CoverBelow(entry);

    private PathNode Literal(string text)
    {
        if (!_literals.TryGetValue(text, out var node)) _literals[text] = node = new PathNode();
        return node;
    }
}
