// Intervals against distributions whose median is known.

using Bimetal.Meter.Statistics;

namespace Bimetal.Meter.Tests.Statistics;

public sealed class MedianIntervalTests
{
    [Theory]
    [InlineData(5, 1)]     // 95 % cannot be had: everything
    [InlineData(6, 1)]     // 2 / 2^6 = 3.1 %
    [InlineData(8, 1)]     // 1 + 8 of 2^8 on each side would be 7 %
    [InlineData(9, 2)]     // 2 * 10 / 512 = 3.9 %
    [InlineData(20, 6)]    // tabulated: 6th and 15th
    [InlineData(50, 18)]   // tabulated: 18th and 33rd
    [InlineData(100, 40)]  // tabulated: 40th and 61st
    public void Rank_IsThatOfTheTables(int count, int expected) =>
        Assert.Equal(expected, MedianInterval.RankOf(count, MedianInterval.DefaultConfidence));

    [Fact]
    public void Rank_OfLongSamples_DoesNotUnderflow()
    {
        int rank = MedianInterval.RankOf(100_000, MedianInterval.DefaultConfidence);
        Assert.InRange(rank, 49_680, 49_700); // n/2 - 1.96 * sqrt(n) / 2 = 49690
    }

    [Theory]
    [InlineData("uniform", 12)]
    [InlineData("uniform", 40)]
    [InlineData("log-normal", 40)]
    [InlineData("two peaks", 40)]
    public void Interval_HoldsTheTrueMedian_AsOftenAsItSays(string distribution, int count)
    {
        const int Trials = 4000;
        var random = new Random(7);
        int held = 0;
        for (int trial = 0; trial < Trials; trial++)
        {
            double[] sample = [.. Enumerable.Range(0, count).Select(_ => Draw(distribution, random))];
            if (MedianInterval.Of(sample).Holds(1)) held++;
        }

        // At least 95 %, less three standard deviations of the trial itself.
        Assert.InRange((double)held / Trials, 0.94, 1.0);
    }

    [Fact]
    public void Interval_OfMoreValues_IsNarrower()
    {
        var random = new Random(3);
        double Width(int count)
        {
            var interval = MedianInterval.Of(Enumerable.Range(0, count).Select(_ => Draw("log-normal", random)).ToArray());
            return interval.High - interval.Low;
        }

        Assert.True(Width(2000) < Width(50) / 2);
    }

    /// <summary>All have the median 1.</summary>
    private static double Draw(string distribution, Random random) => distribution switch
    {
        "uniform" => 2 * random.NextDouble(),
        "log-normal" => Math.Exp(Normal(random)),
        _ => random.NextDouble() < 0.5 ? 1 - random.NextDouble() : 1 + (9 * random.NextDouble()),
    };

    private static double Normal(Random random) => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
