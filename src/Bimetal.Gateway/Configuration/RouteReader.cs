// The section routes:, with the references to upstreams and plugins.

using Bimetal.Gateway.Routing;
using Bimetal.Plugins;
using YamlDotNet.RepresentationModel;

namespace Bimetal.Gateway.Configuration;

internal static class RouteReader
{
    /// <summary>Longest chain of one route.</summary>
    public const int MaximumFilters = 64;

    public static IReadOnlyList<RouteConfig> Read(
        ConfigMapping root, IReadOnlyDictionary<string, UpstreamConfig> upstreams, IReadOnlyDictionary<string, PluginConfig> plugins, ConfigReport report)
    {
        var routes = new List<RouteConfig>();
        foreach (var (path, node) in root.Sequence("routes", "write routes: [ { match: { path: /{rest...} }, upstream: NAME } ]"))
        {
            if (ConfigMapping.From(node, path, report) is not { } route) continue;
            routes.Add(new RouteConfig
            {
                Match = ReadMatch(route, report),
                LatencyBudget = route.Duration("latency_budget", null),
                Filters = ReadFilters(route, plugins, report),
                Upstream = ReadUpstream(route, upstreams),
                Name = path,
                Line = (int)route.Line,
            });
            route.NotImplemented("timeouts", "limits", "rewrite", "redirect", "response");
            route.Finish();
        }

        return routes;
    }

    /// <summary>Two routes that match the same requests: which one wins would depend on their order.</summary>
    public static void ReportDuplicates(IReadOnlyList<RouteConfig> routes, ConfigReport report)
    {
        foreach (var (first, second) in RouteTable.FindDuplicates(routes))
            report.Error(second.Line, second.Name, $"never matches: {first.Name} on line {first.Line} matches the same requests ({second.Match})", "remove one, or tell them apart by host, path or method");
    }

    private static RouteMatchConfig ReadMatch(ConfigMapping route, ConfigReport report)
    {
        var defaults = new RouteMatchConfig();
        if (!route.Has("match")) route.Error("match", "is required", "write match: { path: /{rest...} }");
        if (route.Mapping("match") is not { } match) return defaults;
        string host = match.Text("host")?.ToLowerInvariant() ?? defaults.Host;
        if (!HostPattern.IsValid(host)) match.Error("host", $"'{host}' is not a host pattern", "write a host name without port, *.example.com or *");
        string path = match.Text("path") ?? defaults.Path;
        if (!PathPattern.TryParse(path, out var pattern, out string problem)) match.Error("path", $"'{path}' is not a path pattern: {problem}", "write segments such as /api/{id}/{rest...}");
        var methods = ReadMethods(match, report);
        match.NotImplemented("headers", "query");
        match.Finish();
        return new RouteMatchConfig { Host = host, Path = pattern?.Text ?? path, Methods = methods };
    }

    private static List<string> ReadMethods(ConfigMapping match, ConfigReport report)
    {
        var nodes = match.Take("method") switch
        {
            null => [],
            YamlSequenceNode sequence => sequence.Children,
            var node => (IList<YamlNode>)[node],
        };
        var methods = new List<string>();
        foreach (var node in nodes)
        {
            string method = (node as YamlScalarNode)?.Value ?? "";
            if (method.Length is 0 or > 32 || !method.All(char.IsAsciiLetterUpper) || methods.Contains(method))
                report.Error(node.Start.Line, match.KeyPath("method"), $"'{method}' is not a method, or stands there twice", "write methods in upper case, such as GET or [GET, HEAD]");
            else
                methods.Add(method);
        }

        return methods;
    }

    private static string ReadUpstream(ConfigMapping route, IReadOnlyDictionary<string, UpstreamConfig> upstreams)
    {
        string name = route.RequiredText("upstream", "name an entry of upstreams:");
        if (name.Length > 0 && !upstreams.ContainsKey(name)) route.Error("upstream", $"there is no upstream '{name}'", NearestKey.Remedy(name, [.. upstreams.Keys]));
        return name;
    }

    private static List<FilterConfig> ReadFilters(ConfigMapping route, IReadOnlyDictionary<string, PluginConfig> plugins, ConfigReport report)
    {
        var filters = new List<FilterConfig>();
        var surroundings = new FilterSurroundings(plugins, report);
        foreach (var (path, node) in route.Sequence("filters", "write filters: [ { plugin: NAME } ]"))
        {
            if (ConfigMapping.From(node, path, report) is { } mapping && FilterReader.Read(mapping, surroundings) is { } filter) filters.Add(filter);
        }

        if (filters.Count > MaximumFilters) route.Error("filters", $"has {filters.Count} filters", $"at most {MaximumFilters} per route");
        return filters;
    }
}
