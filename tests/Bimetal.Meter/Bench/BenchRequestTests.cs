// What `bench` is asked for: names, folders, configurations; and that third-party code never runs native.

using Bimetal.Meter.Bench;
using Bimetal.Meter.Report;
using Bimetal.Meter.Workloads;
using Bimetal.Plugins;
using Bimetal.Testing;

namespace Bimetal.Meter.Tests.Bench;

public sealed class BenchRequestTests
{
    [Fact]
    public void Of_Nothing_IsTheTwelveTasks() => Assert.Equal(12, BenchRequest.Of([], isFull: false).Subjects.Count);

    [Fact]
    public void Of_WrongArgument_SaysWhatItCouldBe()
    {
        var thrown = Assert.Throws<PluginLoadException>(() => BenchRequest.Of(["no-such-task"], isFull: false));
        Assert.Contains("no-such-task: is neither a configuration (.yaml), nor a folder with a plugin.yaml, nor a task's name", thrown.Message);
    }

    [Fact]
    public void Of_TheSameTwice_IsRefused() =>
        Assert.Contains("named twice", Assert.Throws<PluginLoadException>(() => BenchRequest.Of(["token-auth", "token-auth"], isFull: false)).Message);

    [Fact]
    public async Task Run_ThirdPartyPlugin_IsNeverLoadedNative()
    {
        using var folder = new TemporaryFolder();
        string plugin = Path.Combine(Repository.Root, "plugins", "header-policy");
        string configuration = folder.Write("gateway.yaml", $$"""
            listeners: [ { address: 127.0.0.1:0 } ]
            plugins: { policy: { bundle: '{{plugin}}' } }
            routes: [ { match: { path: "/{rest...}" }, filters: [ { plugin: policy } ], response: { body: ok } } ]
            """);
        var request = BenchRequest.Of([configuration], isFull: false);
        var subject = Assert.Single(request.Subjects);
        Assert.False(subject.MayRunNative);
        Assert.Null(subject.NativePath);

        var report = await BenchRunner.RunAsync(
            request with { Plan = new MeterPlan(Rounds: 6, ExchangesPerRound: 15, WarmUpRounds: 1), Sessions = 1, ColdLoads = 1, MeasuresPeers = false }, cancellation: TestContext.Current.CancellationToken);
        var task = Assert.Single(report.Tasks);
        Assert.Null(task.Native);
        Assert.Null(task.Tax);
        Assert.Null(task.Gateway);
        Assert.True(task.Wasm.RequestP50Us > 0);
        Assert.Empty(report.Claims);
        Assert.Contains("never loaded", BenchTable.Write(report));

        // Asked for all the same, native is left out, and so is code that could leave the sandbox.
        await using var workload = await PluginWorkload.LoadAsync(
            subject, [Arrangement.Native, Arrangement.WasmShared, Arrangement.WasmUncheckedStack], bestPath: null, TestContext.Current.CancellationToken);
        Assert.Equal([Arrangement.WasmShared], workload.Arrangements);
    }
}
