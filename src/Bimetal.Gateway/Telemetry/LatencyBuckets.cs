// The edges of the latency histograms: ten per decade from 10 us to 100 s, so that a percentile is at most a quarter off. /metrics shows three
// of each ten.

using System.Numerics;

namespace Bimetal.Gateway.Telemetry;

internal static class LatencyBuckets
{
    private static readonly double[] Steps = [1, 1.25, 1.6, 2, 2.5, 3.2, 4, 5, 6.3, 8];

    // Upper edges, inclusive; one bucket more takes what is slower than the last of them.
    private static readonly long[] Edges = [.. Enumerable.Range(1, 7).SelectMany(decade => Steps.Select(step => (long)Math.Round(step * Math.Pow(10, decade)))), 100_000_000];

    // Where to begin looking, by the highest bit of the time in microseconds: the first edge that is not below that power of two.
    private static readonly byte[] FirstByBit = [.. Enumerable.Range(0, 64).Select(bit => (byte)Array.FindIndex([.. Edges, long.MaxValue], edge => edge >= 1L << Math.Min(bit, 62)))];

    /// <summary>Upper edges in microseconds, without the last bucket's, which has none.</summary>
    public static ReadOnlySpan<long> EdgesUs => Edges;

    public static int Count => Edges.Length + 1;

    /// <summary>Those edges that <c>/metrics</c> and OTLP show: 100 us, 250 us, 500 us, 1 ms … 10 s.</summary>
    public static IReadOnlyList<int> Published { get; } =
        [.. Enumerable.Range(0, Edges.Length).Where(index => Edges[index] is >= 100 and <= 10_000_000 && (index % Steps.Length is 0 or 4 or 7))];

    public static int IndexOf(long microseconds)
    {
        if (microseconds <= Edges[0]) return 0;
        int index = FirstByBit[BitOperations.Log2((ulong)microseconds)];
        while (index < Edges.Length && Edges[index] < microseconds) index++;
        return index;
    }
}
