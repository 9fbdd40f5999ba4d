// A histogram of times with buckets of constant relative width, written without locks.
//
//   bucket = 8 * exponent + the three bits after the leading one of the time in nanoseconds: at most 12.5 % off

using System.Diagnostics;
using System.Numerics;

namespace Bimetal.Plugins;

/// <summary>Counts times; thread-safe.</summary>
public sealed class TimeHistogram
{
    private const int BucketsPerOctave = 8;

    private readonly long[] _counts = new long[64 * BucketsPerOctave];
    private long _totalNanoseconds;

    public long Count => _counts.Sum();

    public long TotalNanoseconds => Interlocked.Read(ref _totalNanoseconds);

    /// <summary>Records the time since a value of <see cref="Stopwatch.GetTimestamp"/>.</summary>
    public void RecordSince(long timestamp) =>
        Record((long)((Stopwatch.GetTimestamp() - timestamp) * (1e9 / Stopwatch.Frequency)));

    public void Record(long nanoseconds)
    {
        nanoseconds = Math.Max(0, nanoseconds);
        Interlocked.Increment(ref _counts[BucketOf((ulong)nanoseconds)]);
        Interlocked.Add(ref _totalNanoseconds, nanoseconds);
    }

    /// <summary>The time below which that share (0 to 1) of the recorded ones lies: the upper edge of its bucket. Zero when there are none.</summary>
    public double QuantileMicroseconds(double share)
    {
        double wanted = share * Count;
        long seen = 0;
        for (int bucket = 0; bucket < _counts.Length; bucket++)
        {
            seen += Interlocked.Read(ref _counts[bucket]);
            if (seen > 0 && seen >= wanted) return UpperEdgeNanoseconds(bucket) / 1000.0;
        }

        return 0;
    }

    /// <summary>How many of the recorded ones lie in buckets that end at that time or before.</summary>
    public long CountUpTo(long nanoseconds)
    {
        long seen = 0;
        for (int bucket = 0; bucket < _counts.Length && UpperEdgeNanoseconds(bucket) <= (ulong)nanoseconds + 1; bucket++) seen += Interlocked.Read(ref _counts[bucket]);
        return seen;
    }

    private static int BucketOf(ulong nanoseconds)
    {
        if (nanoseconds < BucketsPerOctave) return (int)nanoseconds;
        int exponent = BitOperations.Log2(nanoseconds);
        return ((exponent - 2) * BucketsPerOctave) + (int)((nanoseconds >> (exponent - 3)) & (BucketsPerOctave - 1));
    }

    private static ulong UpperEdgeNanoseconds(int bucket)
    {
        if (bucket < BucketsPerOctave) return (ulong)bucket + 1;
        int exponent = (bucket / BucketsPerOctave) + 2;
        return (ulong)(BucketsPerOctave + (bucket % BucketsPerOctave) + 1) << (exponent - 3);
    }
}
