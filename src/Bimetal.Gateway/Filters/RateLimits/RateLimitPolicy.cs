// How many requests a key may send: a token bucket, computed as GCRA, which needs one number per key: the time at which its bucket is full again.

namespace Bimetal.Gateway.Filters.RateLimits;

/// <summary><paramref name="Requests"/> per <paramref name="Per"/>, and at most <paramref name="Burst"/> at once.</summary>
internal sealed record RateLimitPolicy(int Requests, TimeSpan Per, int Burst)
{
    /// <summary>Longest time that an empty bucket may take to fill.</summary>
    public const double MaximumFillDays = 366;

    public double FillDays => Per.TotalDays / Requests * Burst;

    /// <summary>Time that one request costs.</summary>
    public long CostNs { get; } = Math.Max(1, (long)(Per.TotalNanoseconds / Requests));

    public long CapacityNs => CostNs * Burst;

    /// <summary>Takes one request out of a bucket.</summary>
    /// <param name="fullAtNs">When the bucket would be full again; moved on if the request may pass.</param>
    public RateVerdict Take(ref long fullAtNs, long nowNs)
    {
        long next = Math.Max(fullAtNs, nowNs) + CostNs;
        long missing = next - nowNs;
        if (missing > CapacityNs) return new RateVerdict(false, 0, missing - CostNs, missing - CapacityNs);
        fullAtNs = next;
        return new RateVerdict(true, (CapacityNs - missing) / CostNs, missing, 0);
    }
}

/// <summary>What a bucket said.</summary>
/// <param name="Remaining">Requests that could follow at once.</param>
/// <param name="ResetNs">Time until the bucket is full.</param>
/// <param name="RetryNs">Time until a request would pass; 0 when this one does.</param>
internal readonly record struct RateVerdict(bool IsAllowed, long Remaining, long ResetNs, long RetryNs);
