// What the admin listener and the metrics show of an upstream.

namespace Bimetal.Gateway.Upstreams;

/// <summary>One upstream at one moment.</summary>
/// <param name="Active">Requests under way, <paramref name="Pending"/> ones included.</param>
/// <param name="IsPanic">So few endpoints are available that all are used.</param>
internal sealed record UpstreamReport(
    string Name, long Requests, long Retries, long RetriesRefused, long LimitRefusals, int Active, int Pending, bool IsPanic, IReadOnlyList<EndpointReport> Endpoints)
{
    public static UpstreamReport Of(Upstream upstream)
    {
        var (state, set) = (upstream.State, upstream.Endpoints);
        var counters = state.Counters;
        return new UpstreamReport(
            upstream.Name, Interlocked.Read(ref counters.Requests), Interlocked.Read(ref counters.Retries), Interlocked.Read(ref counters.RetriesRefused),
            Interlocked.Read(ref counters.LimitRefusals), state.Active, state.Pending, set.Endpoints.Length > 0 && set.IsPanic(upstream.Time.GetTimestamp(), upstream.Config.Health.Panic),
            [.. set.Endpoints.Select(EndpointReport.Of)]);
    }
}

/// <summary>One endpoint at one moment.</summary>
/// <param name="Health"><c>healthy</c>, <c>unhealthy</c> (active checks) or <c>ejected</c> (requests).</param>
/// <param name="EjectedFor">Time that is left of the ejection.</param>
/// <param name="LastCheck">Empty without active checks.</param>
internal sealed record EndpointReport(
    string Endpoint, int Weight, string Health, TimeSpan EjectedFor, int Active, long Requests, long Failures, long Ejections, string LastCheck)
{
    public static EndpointReport Of(WeightedEndpoint endpoint)
    {
        var state = endpoint.State;
        string health = state.IsUnhealthy ? "unhealthy" : state.EjectedFor > TimeSpan.Zero ? "ejected" : "healthy";
        return new EndpointReport(
            state.Endpoint.Name, endpoint.Weight, health, state.EjectedFor, state.Active, state.Requests, state.Failures, state.Ejections, state.LastCheck);
    }
}
