// The traffic of a model by route. A route that is there after a reload goes on counting where it was.

using System.Collections.Frozen;

namespace Bimetal.Gateway.Telemetry;

/// <summary>Immutable but for the counts.</summary>
internal sealed class TrafficStatistics
{
    private readonly FrozenDictionary<string, RouteTraffic> _byRoute;

    public TrafficStatistics(IEnumerable<string> routes, TrafficStatistics? previous)
    {
        _byRoute = routes.Distinct(StringComparer.Ordinal).ToFrozenDictionary(route => route, route => previous?._byRoute.GetValueOrDefault(route) ?? new RouteTraffic(route), StringComparer.Ordinal);
        WithoutRoute = previous?.WithoutRoute ?? new RouteTraffic("");
    }

    /// <summary>Requests that no route took.</summary>
    public RouteTraffic WithoutRoute { get; }

    /// <summary>Those that had a request, by name.</summary>
    public IEnumerable<RouteTraffic> Used => _byRoute.Values.Append(WithoutRoute).Where(traffic => traffic.WasUsed).OrderBy(traffic => traffic.Route, StringComparer.Ordinal);

    public void Count(in AccessLogEntry entry) => (entry.Route is { } route && _byRoute.TryGetValue(route, out var traffic) ? traffic : WithoutRoute).Count(entry);
}
