// Plugins built together with their host: they do the same on both metals as with the gateway's host, or there is no code ratio.

using Bimetal.Meter.Functions;
using Bimetal.Meter.Workloads;
using Bimetal.Plugins.Bundles;
using Bimetal.Testing;

namespace Bimetal.Meter.Tests.Functions;

public sealed class CodeMeterTests
{
    [Theory]
    [InlineData("json-redact")]
    public async Task TryMeasure_ReferencePlugin_DoesTheSameWithoutItsHost(string plugin)
    {
        var said = new List<string>();
        var subject = BenchSubject.Of(PluginFolder.Open(Path.Combine(Repository.Root, "plugins", plugin)));
        var figures = await CodeMeter.TryMeasureAsync(subject, rounds: 6, new Collected(said), TestContext.Current.CancellationToken);
        Assert.True(figures is not null, string.Join('\n', said));
        Assert.True(figures.Ratio > 0);
    }

    private sealed class Collected(List<string> lines) : IProgress<string>
    {
        public void Report(string value) => lines.Add(value);
    }
}
