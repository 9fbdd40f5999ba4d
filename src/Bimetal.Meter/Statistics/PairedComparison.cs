// Two things measured in turns: each round gives one value of each, taken within milliseconds of one another. What disturbs a whole round
// (frequency, neighbours) is in both values and leaves their difference alone, so differences and ratios are taken round by round.

namespace Bimetal.Meter.Statistics;

/// <summary>What a comparison says.</summary>
public enum ComparisonVerdict
{
    /// <summary>The interval of the difference holds zero.</summary>
    TooNoisy,

    /// <summary>The first was faster.</summary>
    FirstFaster,

    SecondFaster,
}

/// <summary>The second compared with the first.</summary>
/// <param name="Delta">Median of second minus first.</param>
/// <param name="DeltaInterval">95 % confidence interval of that median.</param>
/// <param name="Ratio">Median of second divided by first.</param>
/// <param name="RatioInterval">95 % confidence interval of that median.</param>
public readonly record struct PairedComparison(double Delta, Interval DeltaInterval, double Ratio, Interval RatioInterval)
{
    public ComparisonVerdict Verdict => DeltaInterval.Holds(0) ? ComparisonVerdict.TooNoisy
        : Delta > 0 ? ComparisonVerdict.FirstFaster
        : ComparisonVerdict.SecondFaster;

    /// <summary>Compares the values of the same rounds.</summary>
    /// <param name="first">One value per round, positive.</param>
    /// <param name="second">One value per round, positive.</param>
    public static PairedComparison Of(IReadOnlyList<double> first, IReadOnlyList<double> second)
    {
        ArgumentNullException.ThrowIfNull(first);
        ArgumentNullException.ThrowIfNull(second);
        ArgumentOutOfRangeException.ThrowIfNotEqual(second.Count, first.Count);
        double[] deltas = [.. second.Zip(first, (b, a) => b - a)];
        double[] ratios = [.. second.Zip(first, (b, a) => b / a)];
        return new PairedComparison(Quantile.Median(deltas), MedianInterval.Of(deltas), Quantile.Median(ratios), MedianInterval.Of(ratios));
    }
}
