// The scripts of bench/gateway that are promises rather than measurements, on the published binary: reloads and dying upstreams cost no request, and
// long bodies no memory. And the measurement of bench/plugins, made small: that it still runs, and that nothing is lost to a plugin that traps.

using System.Diagnostics;
using Bimetal.Testing;

namespace Bimetal.EndToEnd.Tests;

[Trait("Category", "Slow")]
public sealed class GatewayScriptTests
{
    [Fact]
    public Task HundredReloads_UnderLoad_CostNoRequest() => RunAsync("reload", "--reloads", "100");

    [Fact]
    public Task UpstreamThatDiesAndComesBack_CostsNoRequest() => RunAsync("failover", "--seconds", "10", "--restarts", "8");

    [Fact]
    public Task LongBodies_PassInFlatMemory_BothWays() => RunAsync("stream", "--gib", "2");

    [Fact]
    public async Task PluginMeasurement_RunsToItsEnd_AndTrapsCostOnlyTheirRequests()
    {
        string output = await RunAsync("../plugins/run", "--sessions", "1", "--rounds", "1", "--slice", "1");
        Assert.Matches("(?m)^wasm +[0-9]+ +-?[0-9.]+ % ", output);
        Assert.Matches("(?m)^trap: [0-9]+ req/s, [1-9][0-9]+ answered 200, [1-9][0-9]* answered 500 .*, 0 without an answer", output);
    }

    private static async Task<string> RunAsync(string script, params string[] arguments)
    {
        var start = new ProcessStartInfo(Path.Combine(Repository.Root, "bench/gateway", script), arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["BIMETAL"] = Path.Combine(Repository.Root, "artifacts/native/bimetal");
        using var process = Process.Start(start)!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken), process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken));
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        TestContext.Current.TestOutputHelper?.WriteLine(await output + await error);
        Assert.Equal(0, process.ExitCode);
        return await output;
    }
}
