// The rules of the claims' verdicts, on made-up figures.

using Bimetal.Meter.Report;

namespace Bimetal.Meter.Tests.Report;

public sealed class ClaimsTableTests
{
    [Theory]
    [InlineData(2.9, ClaimVerdict.NotConfirmed)]
    [InlineData(6.0, ClaimVerdict.Confirmed)]
    public void Ratio_FromTheArticlesLowEndOn_IsConfirmed(double ratio, string expected)
    {
        var row = Rows(task => task with { Tax = task.Tax! with { RequestRatio = ratio } }).Single(one => one.Claim.Contains("fresh instance", StringComparison.Ordinal));
        Assert.Equal(expected, row.Verdict);
    }

    [Fact]
    public void CodeRatio_WhenItWasNotMeasured_CannotBeJudged() =>
        Assert.Equal(ClaimVerdict.CannotBeJudged, Rows(task => task with { CodeRatio = null })[0].Verdict);

    [Fact]
    public void Consistently_WithOneSession_CannotBeJudged()
    {
        var row = Rows(task => task with { Tax = task.Tax! with { Sessions = [new SessionFigures(3, [2, 4])] } }).Single(one => one.Claim.Contains("consistently", StringComparison.Ordinal));
        Assert.Equal(ClaimVerdict.CannotBeJudged, row.Verdict);
    }

    [Fact]
    public void Consistently_WhenNativeWinsEverywhere_IsConfirmedButNotAsNoticeable()
    {
        var rows = Rows(task => task);
        Assert.Equal(ClaimVerdict.Confirmed, rows.Single(row => row.Claim.Contains("consistently", StringComparison.Ordinal)).Verdict);
        Assert.Equal(ClaimVerdict.NotConfirmed, rows.Single(row => row.Claim.Contains("more than 1 %", StringComparison.Ordinal)).Verdict);
    }

    [Fact]
    public void Providers_CannotBeJudged() => Assert.Contains(Rows(task => task), row => row is { Claim: "providers move to native", Verdict: ClaimVerdict.CannotBeJudged });

    [Fact]
    public void ThirdPartyAlone_HasNoClaims() => Assert.Empty(Rows(task => task with { Native = null, Tax = null }));

    [Fact]
    public void Peers_AreHeldAgainstTheSameNative()
    {
        var row = Rows(task => task).Single(one => one.Claim.Contains("warm instance", StringComparison.Ordinal));
        Assert.Equal("1.5x", row.Peers); // 2.2 of 1.5 us
    }

    private static IReadOnlyList<ClaimRow> Rows(Func<BenchTask, BenchTask> change)
    {
        var report = SampleReport.Of();
        return ClaimsTable.Of([change(report.Tasks[0])], report.Peers, emptyProcessUs: null);
    }
}
