// A tiny run of the whole meter on a reference plugin, so that it cannot rot; the figures themselves are not judged here.

using Bimetal.Meter.Bench;
using Bimetal.Meter.Report;
using Bimetal.Meter.Workloads;
using Bimetal.Plugins.Bundles;
using Bimetal.Testing;

namespace Bimetal.Meter.Tests.Bench;

public sealed class BenchRunnerTests
{
    [Fact]
    public async Task Run_ReferencePlugin_GivesAWholeReport()
    {
        var request = new BenchRequest
        {
            Subjects = [BenchSubject.Of(Open("token-auth")), BenchSubject.Of(Open("rate-decision"))],
            Plan = new MeterPlan(Rounds: 7, ExchangesPerRound: 20, WarmUpRounds: 1),
            Sessions = 2,
            ColdLoads = 1,
            MeasuresPeers = false,
            WireTime = TimeSpan.FromSeconds(0.1),
        };
        var report = await BenchRunner.RunAsync(request, cancellation: TestContext.Current.CancellationToken);
        Assert.Equal(["token-auth", "rate-decision"], report.Tasks.Select(task => task.Task));
        foreach (var task in report.Tasks)
        {
            Assert.True(task.SameResult, task.Task);
            Assert.True(task.Native!.CallP50Us > 0 && task.Native!.CallP99Us >= task.Native!.CallP50Us, task.Task);
            Assert.True(task.Wasm.RequestP50Us > 0 && task.Wasm.RequestP99Us >= task.Wasm.RequestP50Us, task.Task);
            Assert.True(task.Tax!.IntervalUs[0] <= task.Tax!.RequestDeltaUs && task.Tax!.RequestDeltaUs <= task.Tax!.IntervalUs[1], task.Task);
            Assert.Equal(task.Tax!.RequestDeltaUs, task.Receipt.Hot.Sum(item => item.Us) + task.Receipt.UnexplainedUs, tolerance: 0.01);
            Assert.True(task.LatencyBudgetUs > 0, task.Task);

            // The replay did what the plugin does, shared data with compare-and-swap included.
            Assert.Contains(task.Receipt.Hot, item => item.Item.StartsWith("host calls (", StringComparison.Ordinal));
            Assert.Equal(task.Task == "rate-decision" ? "rate_limit" : null, task.NativeFilter?.Filter);
            Assert.DoesNotContain(task.Receipt.WhatIf, item => item.Item.StartsWith("polling", StringComparison.Ordinal));
            Assert.Equal(2, task.Tax!.Sessions.Count);
            Assert.True(task.Gateway!.WasmP99Us >= task.Gateway.WasmP50Us && task.Gateway.PlainP50Us > 0, task.Task);
            Assert.True(task.NativeBest!.CallP50Us > 0, task.Task);
        }

        TestContext.Current.TestOutputHelper?.WriteLine(BenchTable.Write(report));
    }

    private static PluginFolder Open(string name) => PluginFolder.Open(Path.Combine(Repository.Root, "plugins", name));
}
