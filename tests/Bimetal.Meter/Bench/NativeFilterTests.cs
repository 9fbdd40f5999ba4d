// The built-in filters that stand beside plugins in the bench: they do what the measured cases expect, or they are not measured.

using Bimetal.Meter.Bench;
using Bimetal.Meter.Workloads;
using Bimetal.Plugins.Bundles;
using Bimetal.Plugins.Bundles.Cases;
using Bimetal.Testing;

namespace Bimetal.Meter.Tests.Bench;

public sealed class NativeFilterTests
{
    [Theory]
    [InlineData("jwt-check", "jwt")]
    [InlineData("event-window", "event_window")]
    [InlineData("rate-decision", "rate_limit")]
    public async Task TryFind_AFilterThatDoesTheJob_DoesWhatEveryCaseExpects(string task, string filter)
    {
        var said = new List<string>();
        var found = await NativeFilter.TryFindAsync(SubjectOf(task), new Collected(said));
        Assert.True(found is not null, string.Join('\n', said));
        Assert.Equal(filter, found.Name);
    }

    [Fact]
    public async Task TryFind_AnotherCaseThanItIsFor_IsSaidAndLeavesItOut()
    {
        // Good cases alone are measured; a bad one, taken for good, is answered by the filter with fields of its own.
        var subject = SubjectOf("jwt-check");
        var bad = subject.AllCases.First(one => one.Kind != CaseKind.Good && one.Configuration == subject.Cases[0].Configuration && one.Expectation.Answer is not null && one.Expectation.Response.Count > 0);
        var said = new List<string>();
        Assert.Null(await NativeFilter.TryFindAsync(BenchSubject.Of(subject.Folder!, [bad with { Kind = CaseKind.Good }]), new Collected(said)));
        Assert.Contains("the built-in filter is not measured: " + bad.Name, Assert.Single(said), StringComparison.Ordinal);
    }

    [Fact]
    public async Task TryFind_ATaskWithoutOne_HasNone() => Assert.Null(await NativeFilter.TryFindAsync(SubjectOf("ab-bucket"), progress: null));

    private static BenchSubject SubjectOf(string task) => BenchSubject.Of(PluginFolder.Open(Path.Combine(Repository.Root, "plugins", task)));

    private sealed class Collected(List<string> lines) : IProgress<string>
    {
        public void Report(string value) => lines.Add(value);
    }
}
