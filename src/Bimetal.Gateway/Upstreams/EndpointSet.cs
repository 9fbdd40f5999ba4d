// The endpoints of an upstream at one moment, prepared for balancing. Made anew when names resolve to other addresses.

using Bimetal.Gateway.Configuration;

namespace Bimetal.Gateway.Upstreams;

/// <summary>One endpoint with its share.</summary>
internal sealed record WeightedEndpoint(EndpointState State, int Weight);

/// <summary>Immutable.</summary>
internal sealed class EndpointSet
{
    public static readonly EndpointSet Empty = new([], BalanceKind.RoundRobin);

    private readonly Lazy<HashRing>? _ring;

    public EndpointSet(IReadOnlyList<WeightedEndpoint> endpoints, BalanceKind balance)
    {
        Endpoints = [.. endpoints];
        Turns = MakeTurns(Endpoints);
        if (balance == BalanceKind.ConsistentHash) _ring = new Lazy<HashRing>(() => new HashRing(Endpoints));
    }

    public WeightedEndpoint[] Endpoints { get; }

    /// <summary>Each endpoint as often as its weight says, spread evenly.</summary>
    public WeightedEndpoint[] Turns { get; }

    public HashRing Ring => _ring!.Value;

    /// <summary>Whether so few endpoints are available that all are used: better a slow answer of a doubtful one than none, or an avalanche on the last.</summary>
    public bool IsPanic(long now, double threshold)
    {
        int available = 0;
        foreach (var (state, _) in Endpoints)
        {
            if (state.IsAvailable(now)) available++;
        }

        return available == 0 || available < threshold * Endpoints.Length;
    }

    // Smooth weighted round robin: in each turn everyone gains its weight, and the richest pays for all.
    private static WeightedEndpoint[] MakeTurns(WeightedEndpoint[] endpoints)
    {
        int divisor = 0;
        foreach (var (_, weight) in endpoints) divisor = Gcd(divisor, weight);
        int total = endpoints.Sum(endpoint => endpoint.Weight / divisor);
        if (total == endpoints.Length) return endpoints;
        int[] credit = new int[endpoints.Length];
        var turns = new WeightedEndpoint[total];
        for (int turn = 0; turn < total; turn++)
        {
            int richest = 0;
            for (int index = 0; index < credit.Length; index++)
            {
                credit[index] += endpoints[index].Weight / divisor;
                if (credit[index] > credit[richest]) richest = index;
            }

            credit[richest] -= total;
            turns[turn] = endpoints[richest];
        }

        return turns;
    }

    private static int Gcd(int left, int right) => right == 0 ? left : Gcd(right, left % right);
}
