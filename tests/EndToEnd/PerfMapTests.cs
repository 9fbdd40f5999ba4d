// What `perf` reads to show guest functions by name, written by the published binary.

using System.Text.RegularExpressions;
using Bimetal.Testing;

namespace Bimetal.EndToEnd.Tests;

public sealed class PerfMapTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Invoke_WithAPerfMap_TellsWhereEachFunctionIs(bool isByFlag)
    {
        using var folder = new TemporaryFolder();
        string module = folder.Write("a.wasm", Wat.ToWasm("""(module (func $inner (result i32) (unreachable)) (func (export "outer") (result i32) (call $inner)))""", names: true));
        string[] flag = isByFlag ? ["--perf-map"] : [];
        using var process = BimetalProcess.Start(["invoke", .. flag, module, "outer"], environment: isByFlag ? [] : [("BIMETAL_PERF_MAP", "1")]);
        Assert.Equal(1, await process.WaitForExitAsync(TimeSpan.FromSeconds(60)));
        string[] lines = await TakeMapAsync(process);
        Assert.Contains(lines, line => Regex.IsMatch(line, "^[0-9a-f]+ [0-9a-f]+ outer$"));
        Assert.Contains("unreachable", process.Printed, StringComparison.Ordinal);
        Assert.Equal(isByFlag, process.Printed.Contains($"/tmp/perf-{process.Id}.map", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Run_WithAPerfMap_HasThePluginsFunctions()
    {
        using var folder = new TemporaryFolder();
        folder.Write("polite.wasm", HostilePlugins.Polite);
        string config = folder.Write("gateway.yaml", """
            listeners: [ { address: 127.0.0.1:0 } ]
            upstreams: { up: { endpoints: [http://127.0.0.1:9] } }
            plugins: { polite: { bundle: polite.wasm } }
            routes: [ { match: { path: / }, filters: [ { plugin: polite } ], upstream: up } ]
            """);
        using var process = BimetalProcess.Start(["run", "--perf-map", config]);
        await process.WaitForAsync(text => text.Contains("listening", StringComparison.OrdinalIgnoreCase) ? text : null, TimeSpan.FromMinutes(2));
        string[] lines = await TakeMapAsync(process);
        Assert.Contains(lines, line => Regex.IsMatch(line, "^[0-9a-f]+ [0-9a-f]+ proxy_on_request_headers$"));
        Assert.Equal(0, await process.TerminateAsync());
    }

    private static async Task<string[]> TakeMapAsync(BimetalProcess process)
    {
        string map = $"/tmp/perf-{process.Id}.map";
        string[] lines = await File.ReadAllLinesAsync(map, TestContext.Current.CancellationToken);
        File.Delete(map);
        return lines;
    }
}
