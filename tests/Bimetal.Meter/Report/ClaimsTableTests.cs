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
        Assert.Equal("1.5x V8", row.Peers); // 2.2 of 1.5 us
    }

    [Theory]
    [InlineData(2.9, 3.1, ClaimVerdict.CannotBeJudged)]
    [InlineData(3.0, 3.1, ClaimVerdict.Confirmed)]
    [InlineData(2.8, 2.9, ClaimVerdict.NotConfirmed)]
    public void Ratio_ItsIntervalDecides_NotItsMiddle(double low, double high, string expected)
    {
        var rows = Rows(task => task with { Tax = task.Tax! with { RequestRatio = (low + high) / 2, RequestRatioInterval = [low, high] } });
        Assert.Equal(expected, rows.Single(one => one.Claim.Contains("fresh instance", StringComparison.Ordinal)).Verdict);
    }

    [Theory]
    [InlineData(500, ClaimVerdict.NotConfirmed)]
    [InlineData(5, ClaimVerdict.Confirmed)]
    [InlineData(8, ClaimVerdict.CannotBeJudged)]
    public void ThirdOption_IsJudgedByTheP99sInterval(double budgetUs, string expected)
    {
        var rows = Rows(task => task with { LatencyBudgetUs = budgetUs, Wasm = task.Wasm with { RequestP99Us = 8, RequestP99IntervalUs = [7, 9] } });
        Assert.Equal(expected, rows.Single(one => one.Claim.Contains("third option", StringComparison.Ordinal)).Verdict);
    }

    [Theory]
    [InlineData(350, 400, 420, 900, "1 of 1", ClaimVerdict.Confirmed)]
    [InlineData(350, 430, 420, 900, "0 of 1, 1 too noisy to say", ClaimVerdict.CannotBeJudged)]
    [InlineData(910, 990, 420, 900, "0 of 1", ClaimVerdict.NotConfirmed)]
    public void AnsweredBefore_WhenTheIntervalsTouch_IsNotCounted(double nativeLow, double nativeHigh, double wasmLow, double wasmHigh, string count, string expected)
    {
        var row = Rows(task => task with
        {
            Native = task.Native! with { ColdLoadIntervalUs = [nativeLow, nativeHigh] },
            Wasm = task.Wasm with { ColdLoadPrecompiledIntervalUs = [wasmLow, wasmHigh] },
        }).Single(one => one.Claim.Contains("answered before", StringComparison.Ordinal));
        Assert.Equal((count, expected), (row.Bimetal, row.Verdict));
    }

    [Theory]
    [InlineData(300.0, ClaimVerdict.NotConfirmed)]
    [InlineData(1.0, ClaimVerdict.Confirmed)]
    public void Compilation_IsAvoided_WhenCachedCodeLoadsFasterThanItCompiles(double compileMs, string expected)
    {
        var rows = Rows(task => task with { Wasm = task.Wasm with { CompileMs = compileMs } });
        Assert.Equal(expected, rows.Single(one => one.Claim.Contains("compilation", StringComparison.Ordinal)).Verdict);
    }

    [Fact]
    public void Peers_EachStandWithTheirName()
    {
        var report = SampleReport.Of();
        PeerReport workerd = new() { Name = "workerd", Tasks = [new PeerTask("token-auth", null, null, 150_000, 3, 90, SameResult: true)] };
        var rows = ClaimsTable.Of(report.Tasks, [report.Peers[0], workerd], emptyProcess: null);
        Assert.Equal("1.5x V8, 2.0x workerd", rows.Single(one => one.Claim.Contains("warm instance", StringComparison.Ordinal)).Peers);
        Assert.Equal("2.5x V8", rows.Single(one => one.Claim.Contains("to load", StringComparison.Ordinal)).Peers); // workerd compiles at its start alone
    }

    private static IReadOnlyList<ClaimRow> Rows(Func<BenchTask, BenchTask> change)
    {
        var report = SampleReport.Of();
        return ClaimsTable.Of([change(report.Tasks[0])], report.Peers, emptyProcess: null);
    }
}
