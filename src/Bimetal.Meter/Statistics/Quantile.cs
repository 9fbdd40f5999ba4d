// Quantiles of samples.

namespace Bimetal.Meter.Statistics;

/// <summary>Quantiles by linear interpolation between order statistics (type 7 of Hyndman and Fan).</summary>
public static class Quantile
{
    /// <summary>The quantile of a sample that is sorted in ascending order and not empty.</summary>
    /// <param name="share">0 to 1.</param>
    public static double OfSorted(ReadOnlySpan<double> sorted, double share)
    {
        ArgumentOutOfRangeException.ThrowIfZero(sorted.Length);
        ArgumentOutOfRangeException.ThrowIfNegative(share);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(share, 1);
        double position = share * (sorted.Length - 1);
        int below = (int)position;
        double fraction = position - below;
        return fraction == 0 ? sorted[below] : sorted[below] + (fraction * (sorted[below + 1] - sorted[below]));
    }

    /// <summary>The quantile of a sample in any order.</summary>
    public static double Of(IEnumerable<double> values, double share)
    {
        double[] sorted = [.. values];
        Array.Sort(sorted);
        return OfSorted(sorted, share);
    }

    /// <summary>
    /// The mean of the middle half of a sorted sample: as deaf to outliers as the median nearly, but where a clock goes in steps it lies between them.
    /// </summary>
    public static double MiddleMeanOfSorted(ReadOnlySpan<double> sorted)
    {
        ArgumentOutOfRangeException.ThrowIfZero(sorted.Length);
        int cut = sorted.Length / 4;
        double sum = 0;
        foreach (double value in sorted[cut..^cut]) sum += value;
        return sum / (sorted.Length - (2 * cut));
    }

    public static double Median(IEnumerable<double> values) => Of(values, 0.5);
}
