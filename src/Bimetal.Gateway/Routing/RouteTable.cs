// Finds the most specific route of a request: hosts in a dictionary, then a trie of path segments, then methods. The order of the
// configuration has no meaning, and the time does not depend on the number of routes.

using Bimetal.Gateway.Configuration;

namespace Bimetal.Gateway.Routing;

/// <summary>What a lookup gave.</summary>
/// <param name="Route">Index of the route, or -1.</param>
/// <param name="AllowedMethods">When no route matched: methods that other routes take for this path; empty when the path is unknown.</param>
internal readonly record struct RouteMatch(int Route, IReadOnlyList<string> AllowedMethods)
{
    public static RouteMatch None { get; } = new(-1, []);
}

/// <summary>
/// Immutable. A more specific host wins over any path: exact, then the longest wildcard, then <c>*</c>; then path segments from the left:
/// literal, <c>{name}</c>, <c>{rest...}</c>; then a route with methods over one without. A candidate that fails gives way to the next.
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
            HostNode(match.Host).Add(pattern!, new RouteEntry(route, match.Methods));
        }
    }

    /// <param name="authority">Host with or without a port, in any case.</param>
    /// <param name="path">In normal form, without query.</param>
    public RouteMatch Find(ReadOnlySpan<char> authority, ReadOnlySpan<char> path, ReadOnlySpan<char> method)
    {
        if (path.Length == 0 || path[0] != '/') return RouteMatch.None;
        var host = HostPattern.WithoutPort(authority);
        var search = new RouteSearch(method);
        int route = FindOnHosts(host, path[1..], ref search);
        return route >= 0 ? new RouteMatch(route, []) : new RouteMatch(-1, search.AllowedMethods);
    }

    /// <summary>Pairs of routes that match the same requests for at least one method.</summary>
    public static IEnumerable<(RouteConfig First, RouteConfig Second)> FindDuplicates(IReadOnlyList<RouteConfig> routes)
    {
        var seen = new Dictionary<(string Host, string Shape, string Method), RouteConfig>();
        foreach (var route in routes)
        {
            if (!PathPattern.TryParse(route.Match.Path, out var pattern, out _)) continue;
            IReadOnlyList<string> methods = route.Match.Methods.Count == 0 ? [""] : route.Match.Methods;
            foreach (string method in methods)
            {
                if (seen.TryAdd((route.Match.Host, pattern!.Shape, method), route)) continue;
                yield return (seen[(route.Match.Host, pattern.Shape, method)], route);
                break;
            }
        }
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
