// Which routes can never match, because others of the same requests are tried before them.

using Bimetal.Gateway.Configuration;

namespace Bimetal.Gateway.Routing;

internal static class RouteShadows
{
    /// <summary>Routes of one host and path that the ones before them leave nothing to.</summary>
    /// <param name="ordered">In the order in which they are tried.</param>
    public static IEnumerable<(RouteEntry Shadowed, RouteEntry By)> Within(IReadOnlyList<RouteEntry> ordered)
    {
        // What comes first has as many conditions or more, so it can only take everything from a route with the same names in its
        // conditions. Among those, whatever is exact is found by its values: ten thousand routes need no comparison of each with each.
        foreach (var group in ordered.GroupBy(Names))
        {
            var earlier = new Dictionary<string, List<RouteEntry>>();
            var inexact = new List<RouteEntry>();
            foreach (var entry in group)
            {
                string values = Values(entry);
                bool isExact = entry.Conditions.All(condition => condition.Kind == ConditionKind.Exact);
                var candidates = earlier.TryGetValue(values, out var same) ? same : earlier[values] = [];
                if (Cover([.. candidates, .. inexact], entry) is { } by) yield return (entry, by);
                candidates.Add(entry);
                if (!isExact) inexact.Add(entry);
            }
        }
    }

    /// <summary>One of the routes that together take every request of <paramref name="entry"/>, or null when some are left.</summary>
    public static RouteEntry? Cover(IReadOnlyList<RouteEntry> others, RouteEntry entry)
    {
        RouteEntry? last = null;
        foreach (string method in entry.Methods.Count == 0 ? [""] : entry.Methods)
        {
            // "" is no method that a route could name: only one without methods takes it.
            last = others.FirstOrDefault(other => other.Takes(method) && other.Conditions.All(needed => entry.Conditions.Any(given => given.Implies(needed))));
            if (last is null) return null;
        }

        return last;
    }

    private static string Names(RouteEntry entry) => string.Join('\n', entry.Conditions.Select(condition => condition.Key.ToString()).Order(StringComparer.Ordinal));

    private static string Values(RouteEntry entry) =>
        string.Join('\n', entry.Conditions.Select(condition => $"{condition.Key} {condition.Kind} {condition.Value}").Order(StringComparer.Ordinal));
}
