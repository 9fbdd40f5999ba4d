// Counts of the exchanges on one route since it was first used. Written at the end of each exchange, without locks, by several processors that
// do not share cache lines; read by the admin listener.

using System.Collections.Concurrent;
using System.Runtime.CompilerServices;

namespace Bimetal.Gateway.Telemetry;

/// <summary>Thread-safe; a reader may see the counts of one exchange in part.</summary>
internal sealed class RouteTraffic(string route)
{
    /// <summary>Classes of statuses: index 2 counts 2xx.</summary>
    public const int StatusClasses = 6;

    private const int RequestBytesAt = StatusClasses;
    private const int ResponseBytesAt = RequestBytesAt + 1;
    private const int TotalTimeAt = ResponseBytesAt + 1;
    private const int BucketsAt = TotalTimeAt + 1;

    // What one processor writes; a power of two of them.
    private static readonly int StripeMask = (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Math.Clamp(Environment.ProcessorCount, 1, 16)) - 1;

    private readonly long[]?[] _stripes = new long[StripeMask + 1][];
    private readonly ConcurrentDictionary<string, StrongBox<long>> _errors = new(StringComparer.Ordinal);

    /// <summary>Empty for requests that had no route.</summary>
    public string Route => route;

    public bool WasUsed => Array.Exists(_stripes, static stripe => stripe is not null);

    /// <summary>Errors by their code.</summary>
    public IEnumerable<(string Code, long Count)> Errors => _errors.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => (pair.Key, Interlocked.Read(ref pair.Value.Value)));

    public void Count(in AccessLogEntry entry)
    {
        ref var slot = ref _stripes[Thread.GetCurrentProcessorId() & StripeMask];
        var stripe = slot ?? MakeStripe(ref slot);
        long durationUs = Math.Max(0, (long)entry.Duration.TotalMicroseconds);
        Interlocked.Increment(ref stripe[Math.Clamp(entry.Status / 100, 0, StatusClasses - 1)]);
        Interlocked.Increment(ref stripe[BucketsAt + LatencyBuckets.IndexOf(durationUs)]);
        Interlocked.Add(ref stripe[TotalTimeAt], durationUs);
        if (entry.RequestBytes > 0) Interlocked.Add(ref stripe[RequestBytesAt], entry.RequestBytes);
        if (entry.ResponseBytes > 0) Interlocked.Add(ref stripe[ResponseBytesAt], entry.ResponseBytes);
        if (entry.Error is not null) Interlocked.Increment(ref _errors.GetOrAdd(entry.Error.Code, static _ => new StrongBox<long>()).Value);
    }

    public TrafficCounts Read()
    {
        long[] sums = new long[BucketsAt + LatencyBuckets.Count];
        foreach (long[]? stripe in _stripes)
        {
            for (int index = 0; stripe is not null && index < sums.Length; index++) sums[index] += Interlocked.Read(ref stripe[index]);
        }

        return new TrafficCounts(sums[..StatusClasses], sums[RequestBytesAt], sums[ResponseBytesAt], sums[TotalTimeAt], sums[BucketsAt..]);
    }

    // Made by the first exchange on that processor: most of 10,000 routes never see one.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static long[] MakeStripe(ref long[]? slot)
    {
        long[] made = new long[BucketsAt + LatencyBuckets.Count];
        return Interlocked.CompareExchange(ref slot, made, null) ?? made;
    }
}

/// <summary>A moment of a route's counts.</summary>
/// <param name="ByStatus">Index 2 counts 2xx.</param>
/// <param name="Buckets">By <see cref="LatencyBuckets"/>, not cumulative.</param>
internal sealed record TrafficCounts(long[] ByStatus, long RequestBytes, long ResponseBytes, long TotalTimeUs, long[] Buckets)
{
    public long Requests => ByStatus.Sum();
}
