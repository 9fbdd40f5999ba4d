// What comparisons say when there is no difference, a small one, a disturbed one.

using Bimetal.Meter.Statistics;

namespace Bimetal.Meter.Tests.Statistics;

public sealed class PairedComparisonTests
{
    private const int Rounds = 40;

    [Fact]
    public void Verdict_NoDifference_IsTooNoisyAlmostAlways()
    {
        const int Trials = 1000;
        var random = new Random(11);
        int decided = 0;
        for (int trial = 0; trial < Trials; trial++)
        {
            var comparison = PairedComparison.Of(Series(random, 5, noise: 0.5), Series(random, 5, noise: 0.5));
            if (comparison.Verdict != ComparisonVerdict.TooNoisy) decided++;
        }

        Assert.InRange(decided, 0, Trials * 6 / 100);
    }

    [Fact]
    public void Verdict_ADifferenceBelowTheDriftOfTheMachine_IsFound()
    {
        // The machine gets slower by half over the run; the second is slower by 2 %.
        var random = new Random(5);
        var first = new List<double>();
        var second = new List<double>();
        for (int round = 0; round < Rounds; round++)
        {
            double drift = 1 + (0.5 * round / Rounds);
            first.Add(drift * (10 + (0.05 * random.NextDouble())));
            second.Add(drift * (10.2 + (0.05 * random.NextDouble())));
        }

        var comparison = PairedComparison.Of(first, second);
        Assert.Equal(ComparisonVerdict.FirstFaster, comparison.Verdict);
        Assert.InRange(comparison.Ratio, 1.015, 1.025);
        Assert.True(comparison.RatioInterval.Holds(1.02));
    }

    [Fact]
    public void Verdict_SecondFaster_IsSaidAsWell()
    {
        var random = new Random(5);
        var comparison = PairedComparison.Of(Series(random, 8, noise: 0.2), Series(random, 6, noise: 0.2));
        Assert.Equal(ComparisonVerdict.SecondFaster, comparison.Verdict);
        Assert.InRange(comparison.Delta, -2.2, -1.8);
        Assert.True(comparison.Ratio < 1);
    }

    [Fact]
    public void Delta_AFewDisturbedRounds_DoNotMoveIt()
    {
        var random = new Random(9);
        var first = Series(random, 5, noise: 0.1);
        var second = Series(random, 6, noise: 0.1);
        for (int round = 0; round < Rounds; round += 10) second[round] += 500;
        Assert.InRange(PairedComparison.Of(first, second).Delta, 0.9, 1.1);
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(0.5, 3)]
    [InlineData(0.25, 2)]
    [InlineData(0.1, 1.4)]
    [InlineData(1, 5)]
    public void Quantile_BetweenValues_IsInterpolated(double share, double expected) => Assert.Equal(expected, Quantile.Of([5, 3, 1, 4, 2], share), 12);

    [Fact]
    public void MiddleMean_OfAClockThatGoesInSteps_LiesBetweenThem()
    {
        // True values are uniform around 23.4 and are read in steps of ten: the median can only be 20 or 30.
        var random = new Random(29);
        double[] read = [.. Enumerable.Range(0, 4000).Select(_ => 10 * Math.Floor((23.4 + (40 * (random.NextDouble() - 0.5))) / 10 + 0.5))];
        Array.Sort(read);
        Assert.InRange(Quantile.MiddleMeanOfSorted(read), 22.4, 24.4);
        Assert.Contains(Quantile.OfSorted(read, 0.5), new[] { 20.0, 30.0 });
    }

    [Theory]
    [InlineData(new double[] { 7 }, 7)]
    [InlineData(new double[] { 1, 2, 3, 1000 }, 2.5)]
    [InlineData(new double[] { -900, 1, 2, 3, 4, 5, 6, 9000 }, 3.5)]
    public void MiddleMean_OutliersDoNotMoveIt(double[] sorted, double expected) => Assert.Equal(expected, Quantile.MiddleMeanOfSorted(sorted), 12);

    private static List<double> Series(Random random, double level, double noise) =>
        [.. Enumerable.Range(0, Rounds).Select(_ => level + (noise * (random.NextDouble() - 0.5)))];
}
