// The section routes:, with the references to plugins. RouteMatchReader and RouteActionReader read the parts of a route.

using Bimetal.Gateway.Routing;
using Bimetal.Plugins;

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
            var (match, pattern) = RouteMatchReader.Read(route, report);
            var config = new RouteConfig
            {
                Match = match,
                LatencyBudget = route.Duration("latency_budget", null),
                Filters = ReadFilters(route, plugins, report),
                Upgrades = ReadUpgrades(route),
                Name = path,
                Line = (int)route.Line,
            };
            routes.Add(RouteActionReader.Read(config, pattern, route, upstreams, report));
            WarnOfBudget(config, plugins, route);
            route.Finish();
        }

        return routes;
    }

    /// <summary>Routes that no request can reach.</summary>
    public static void ReportShadowed(IReadOnlyList<RouteConfig> routes, ConfigReport report)
    {
        foreach (var (shadowed, by) in RouteTable.FindShadowed(routes))
        {
            report.Error(shadowed.Line, shadowed.Name, $"never matches: all its requests go to {by.Name} on line {by.Line} ({by.Match}), or to others that come before it", "remove one, or tell them apart by host, path, method, headers or query");
        }
    }

    // The budget of a route is for its whole chain.
    private static void WarnOfBudget(RouteConfig config, IReadOnlyDictionary<string, PluginConfig> plugins, ConfigMapping route)
    {
        if (config.LatencyBudget is not { } budget) return;
        var sum = TimeSpan.Zero;
        foreach (var filter in config.Filters.OfType<PluginFilterConfig>()) sum += plugins.GetValueOrDefault(filter.Plugin)?.LatencyBudget ?? TimeSpan.Zero;
        if (sum > budget) route.Warn("latency_budget", $"is {budget.TotalMilliseconds} ms, and the budgets of the route's plugins add up to {sum.TotalMilliseconds} ms", "raise it, or lower theirs");
    }

    // Behind an upgrade nobody judges what passes: HTTP must not be what it goes on with.
    private static IReadOnlyList<string> ReadUpgrades(ConfigMapping route)
    {
        const string remedy = "write upgrade: [websocket], or upgrade: none";
        var texts = route.Texts("upgrade", remedy);
        if (texts.Count == 0) return new RouteConfig().Upgrades;
        if (texts is ["none"]) return [];
        foreach (string text in texts)
        {
            if (!Pipeline.FieldRules.IsName(text)) route.Error("upgrade", $"'{text}' is not the name of a protocol", remedy);
            else if (text.StartsWith("h2", StringComparison.OrdinalIgnoreCase) || text.StartsWith("http", StringComparison.OrdinalIgnoreCase) || text.StartsWith("tls", StringComparison.OrdinalIgnoreCase))
                route.Error("upgrade", $"'{text}' would carry requests past the gateway", remedy);
        }

        return [.. texts.Select(text => text.ToLowerInvariant())];
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
