// Which endpoint the next try goes to: one small class per policy. Weights are in EndpointSet.Turns, where each endpoint stands as often as
// its weight says.

using Bimetal.Gateway.Configuration;

namespace Bimetal.Gateway.Upstreams;

/// <summary>Which endpoints may be chosen.</summary>
/// <param name="Now">Timestamp of the clock.</param>
/// <param name="IsPanic">Health does not count.</param>
/// <param name="Tried">Endpoints that this request has been sent to; null: they may be chosen again.</param>
/// <param name="Connections">Limit on tries under way at one endpoint.</param>
internal readonly record struct EndpointFilter(long Now, bool IsPanic, List<EndpointState>? Tried, int? Connections)
{
    public bool Allows(EndpointState state) =>
        (IsPanic || state.IsAvailable(Now)) && Tried?.Contains(state) != true && (Connections is null || state.Active < Connections);
}

/// <summary>Thread-safe.</summary>
internal abstract class Balancer
{
    // How often drawing is tried before every endpoint is looked at.
    private const int Draws = 8;

    public static Balancer Of(BalanceKind kind) => kind switch
    {
        BalanceKind.LeastRequests => new LeastRequestsBalancer(),
        BalanceKind.ConsistentHash => new ConsistentHashBalancer(),
        _ => new RoundRobinBalancer(),
    };

    /// <summary>An endpoint that the filter allows, or null when it allows none.</summary>
    /// <param name="key">Of the request, where the policy has one.</param>
    public abstract EndpointState? Pick(EndpointSet set, ulong? key, in EndpointFilter filter);

    /// <summary>An endpoint by lot, with its weight's chance.</summary>
    protected static WeightedEndpoint? Draw(EndpointSet set, in EndpointFilter filter)
    {
        for (int draw = 0; draw < Draws; draw++)
        {
            var drawn = set.Turns[Random.Shared.Next(set.Turns.Length)];
            if (filter.Allows(drawn.State)) return drawn;
        }

        return FirstFrom(set, Random.Shared.Next(set.Endpoints.Length), filter);
    }

    protected static WeightedEndpoint? FirstFrom(EndpointSet set, int start, in EndpointFilter filter)
    {
        for (int step = 0; step < set.Endpoints.Length; step++)
        {
            var candidate = set.Endpoints[(start + step) % set.Endpoints.Length];
            if (filter.Allows(candidate.State)) return candidate;
        }

        return null;
    }
}

internal sealed class RoundRobinBalancer : Balancer
{
    private uint _turn;

    public override EndpointState? Pick(EndpointSet set, ulong? key, in EndpointFilter filter)
    {
        var next = set.Turns[(Interlocked.Increment(ref _turn) - 1) % (uint)set.Turns.Length].State;

        // The turns of an endpoint that is out are drawn: its neighbour would get all of them.
        return filter.Allows(next) ? next : Draw(set, filter)?.State;
    }
}

internal sealed class LeastRequestsBalancer : Balancer
{
    public override EndpointState? Pick(EndpointSet set, ulong? key, in EndpointFilter filter)
    {
        if (Draw(set, filter) is not { } one) return null;
        if (set.Endpoints.Length == 1) return one.State;
        var other = Draw(set, filter);
        for (int draw = 0; draw < 3 && ReferenceEquals(one, other); draw++) other = Draw(set, filter);
        if (ReferenceEquals(one, other)) other = FirstFrom(set, Array.IndexOf(set.Endpoints, one) + 1, filter);
        if (other is null) return one.State;

        // (active + 1) / weight, without the division.
        return (long)(one.State.Active + 1) * other.Weight <= (long)(other.State.Active + 1) * one.Weight ? one.State : other.State;
    }
}

internal sealed class ConsistentHashBalancer : Balancer
{
    public override EndpointState? Pick(EndpointSet set, ulong? key, in EndpointFilter filter) =>
        key is { } hash ? set.Ring.Find(hash, filter) : Draw(set, filter)?.State;
}
