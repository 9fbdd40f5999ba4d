// Bucket edges and quantiles.

namespace Bimetal.Plugins.Tests;

public sealed class TimeHistogramTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(999)]
    [InlineData(123_456)]
    [InlineData(long.MaxValue)]
    public void Quantile_IsAtMostAnEighthAboveTheValue(long nanoseconds)
    {
        var histogram = new TimeHistogram();
        histogram.Record(nanoseconds);
        double microseconds = histogram.QuantileMicroseconds(0.5);
        Assert.InRange(microseconds * 1000, nanoseconds, (nanoseconds * 1.126) + 1);
    }

    [Fact]
    public void Quantile_FindsItsShare()
    {
        var histogram = new TimeHistogram();
        for (int value = 1; value <= 1000; value++) histogram.Record(value * 1000);
        Assert.InRange(histogram.QuantileMicroseconds(0.5), 500, 570);
        Assert.InRange(histogram.QuantileMicroseconds(0.99), 990, 1120);
        Assert.Equal(1000, histogram.Count);
        Assert.Equal(500_500_000, histogram.TotalNanoseconds);
    }

    [Fact]
    public void Quantile_OfNothing_IsZero() => Assert.Equal(0, new TimeHistogram().QuantileMicroseconds(0.5));
}
