// A confidence interval of a median from order statistics: it assumes nothing of the distribution but that the values are independent.
//
// The number of values below the true median is binomial with p = 1/2, so the true median lies between the k-th smallest and the k-th
// greatest value with probability 1 - 2 P(B < k). k is the greatest that keeps this at the wanted confidence.

namespace Bimetal.Meter.Statistics;

/// <summary>An interval, ends included.</summary>
public readonly record struct Interval(double Low, double High)
{
    public bool Holds(double value) => value >= Low && value <= High;
}

/// <summary>Medians with their confidence intervals.</summary>
public static class MedianInterval
{
    public const double DefaultConfidence = 0.95;

    /// <summary>Values that are needed before 95 % can be had at all.</summary>
    public const int MinimumCount = 6;

    /// <summary>The interval of the median; with fewer than <see cref="MinimumCount"/> values everything from the least to the greatest.</summary>
    public static Interval Of(IEnumerable<double> values, double confidence = DefaultConfidence)
    {
        double[] sorted = [.. values];
        ArgumentOutOfRangeException.ThrowIfZero(sorted.Length);
        Array.Sort(sorted);
        int rank = RankOf(sorted.Length, confidence);
        return new Interval(sorted[rank - 1], sorted[^rank]);
    }

    /// <summary>k, from 1.</summary>
    internal static int RankOf(int count, double confidence)
    {
        double tail = (1 - confidence) / 2;
        double logOfTerm = count * Math.Log(0.5);
        double below = 0;
        int rank = 0;

        // below = P(B <= rank): the terms are built in logarithms, because 2^-count underflows for long samples.
        while (rank < count / 2)
        {
            below += Math.Exp(logOfTerm);
            if (below > tail) break;
            rank++;
            logOfTerm += Math.Log((double)(count - rank + 1) / rank);
        }

        return Math.Max(1, rank);
    }
}
