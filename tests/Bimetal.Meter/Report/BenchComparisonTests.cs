// What `bench --compare` calls a regression, and what it does not.

using Bimetal.Meter.Report;

namespace Bimetal.Meter.Tests.Report;

public sealed class BenchComparisonTests
{
    [Fact]
    public void Compare_TheSameReport_FindsNothing() =>
        Assert.DoesNotContain(BenchComparison.Compare(SampleReport.Of(), SampleReport.Of()), figure => figure.IsRegression);

    [Theory]
    [InlineData(5.0, 4.9, 5.1, false)]  // as before
    [InlineData(5.3, 5.2, 5.4, false)]  // intervals apart, but a difference as between sessions
    [InlineData(9.0, 4.0, 12.0, false)] // much slower, but too noisy to say
    [InlineData(9.0, 8.5, 9.5, true)]
    [InlineData(2.0, 1.9, 2.1, false)]  // faster
    public void Compare_RequestP50_IsARegressionOnlyBeyondNoise(double afterUs, double lowUs, double highUs, bool expected)
    {
        var before = SampleReport.Of();
        var task = before.Tasks[0];
        var after = before with { Tasks = [task with { Wasm = task.Wasm with { RequestP50Us = afterUs, RequestP50IntervalUs = [lowUs, highUs] } }] };
        Assert.Equal(expected, BenchComparison.Compare(before, after).Single(figure => figure.Figure == "wasm request p50").IsRegression);
    }

    [Fact]
    public void Objection_AnotherMachine_IsNotCompared()
    {
        var before = SampleReport.Of();
        var after = before with { Machine = before.Machine with { Cpu = "another" } };
        Assert.Contains("different machines", BenchComparison.Objection(before, after));
        Assert.Null(BenchComparison.Objection(before, before));
    }

    [Fact]
    public void Write_NamesEachRegression()
    {
        string text = BenchComparison.Write([new ComparedFigure("token-auth", "call tax", 1, 2, IsRegression: true), new ComparedFigure("token-auth", "native p50", 1, 1, IsRegression: false)], "old.json");
        Assert.Contains("1 regression beyond noise", text);
        Assert.Single(text.Split('\n'), line => line.EndsWith("REGRESSION", StringComparison.Ordinal));
    }
}
