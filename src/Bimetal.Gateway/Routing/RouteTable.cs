// Finds the most specific route of a request: hosts in a dictionary, then a trie of path segments, then method, fields and query. The time
// does not depend on the number of routes.

using Bimetal.Gateway.Configuration;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Routing;

/// <summary>What a lookup gave.</summary>
/// <param name="Route">Index of the route, or -1.</param>
/// <param name="AllowedMethods">When no route matched: methods that other routes take for this request; empty when there are none.</param>
/// <param name="Steps">Nodes and routes that were looked at.</param>
internal readonly record struct RouteMatch(int Route, IReadOnlyList<string> AllowedMethods, int Steps)
{
    public static RouteMatch None { get; } = new(-1, [], 0);
}

/// <summary>
/// Immutable. A more specific host wins over any path: exact, then the longest wildcard, then <c>*</c>; then path segments from the left:
/// literal, <c>{name}</c>, <c>{rest...}</c>; then what <see cref="RouteEntries"/> puts first. A candidate that fails gives way to the next.
/// </summary>
internal sealed class RouteTable
{
    private readonly Dictionary<string, PathNode> _exactHosts = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, PathNode> _wildcardHosts = new(StringComparer.OrdinalIgnoreCase); // key ".example.com"
    private readonly PathNode _anyHost = new();

    /// <param name="matches">Checked by ConfigReader: patterns parse and there are no duplicates.</param>
    public RouteTable(IReadOnlyList<RouteMatchConfig> matches)
    {
        for (int route = 0; route < matches.Count; route++)
        {
            var match = matches[route];
            if (!PathPattern.TryParse(match.Path, out var pattern, out string problem)) throw new ArgumentException($"{match.Path}: {problem}", nameof(matches));
            HostNode(match.Host).Add(pattern!, RouteEntry.From(route, match));
        }

        foreach (var node in Roots) node.Freeze();
    }

    private IEnumerable<PathNode> Roots => [.. _exactHosts.Values, .. _wildcardHosts.Values, _anyHost];

    /// <param name="authority">Host with or without a port, in any case.</param>
    /// <param name="path">In normal form, without query.</param>
    /// <param name="headers">Null: no fields.</param>
    /// <param name="query">What follows the question mark.</param>
    public RouteMatch Find(ReadOnlySpan<char> authority, ReadOnlySpan<char> path, ReadOnlySpan<char> method, HeaderMap? headers = null, ReadOnlySpan<char> query = default)
    {
        if (path.Length == 0 || path[0] != '/') return RouteMatch.None;
        var host = HostPattern.WithoutPort(authority);
        var search = new RouteSearch(method, headers, query);
        int route = FindOnHosts(host, path[1..], ref search);
        return new RouteMatch(route, route >= 0 ? [] : search.AllowedMethods, search.Steps);
    }

    /// <summary>Routes that can never match, with one that takes their requests.</summary>
    public static IEnumerable<(RouteConfig Shadowed, RouteConfig By)> FindShadowed(IReadOnlyList<RouteConfig> routes)
    {
        RouteConfig[] valid = [.. routes.Where(route => PathPattern.TryParse(route.Match.Path, out _, out _))];
        var table = new RouteTable([.. valid.Select(route => route.Match)]);
        return table.Roots.SelectMany(root => root.FindShadowed()).Select(pair => (valid[pair.Shadowed.Route], valid[pair.By.Route])).DistinctBy(pair => pair.Item1);
    }

    private int FindOnHosts(ReadOnlySpan<char> host, ReadOnlySpan<char> path, ref RouteSearch search)
    {
        int route = -1;
        if (_exactHosts.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(host, out var node)) route = node.Find(path, hasMore: true, ref search);
        if (route < 0 && _wildcardHosts.Count > 0)
        {
            var wildcards = _wildcardHosts.GetAlternateLookup<ReadOnlySpan<char>>();
            int dot = host.IndexOf('.');
            while (dot >= 0 && route < 0)
            {
                host = host[dot..];
                if (wildcards.TryGetValue(host, out node)) route = node.Find(path, hasMore: true, ref search);
                int next = host[1..].IndexOf('.');
                dot = next < 0 ? -1 : next + 1;
            }
        }

        return route >= 0 ? route : _anyHost.Find(path, hasMore: true, ref search);
    }

    private PathNode HostNode(string host)
    {
        if (host == HostPattern.Any) return _anyHost;
        bool isWildcard = host.StartsWith(HostPattern.WildcardPrefix, StringComparison.Ordinal);
        var hosts = isWildcard ? _wildcardHosts : _exactHosts;
        string key = isWildcard ? host[1..] : host;
        if (!hosts.TryGetValue(key, out var node)) hosts[key] = node = new PathNode();
        return node;
    }
}
