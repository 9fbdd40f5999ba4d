// run, check and doctor of the published binary: bad configurations, occupied ports, starting and stopping.

using System.Net;
using System.Net.Sockets;
using Bimetal.Testing;

namespace Bimetal.EndToEnd.Tests;

public sealed class GatewayCommandTests
{
    [Fact]
    public async Task Check_OfABadConfiguration_NamesFileLineAndKey()
    {
        using var folder = new TemporaryFolder();
        string config = folder.Write("bad.yaml", "listeners: [ { address: 127.0.0.1:0 } ]\nupstreams:\n  api: { endpoints: [http://127.0.0.1:9], balanse: round-robin }\nroutes: []\n");
        var result = await BimetalProcess.RunAsync(["check", config]);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("bad.yaml:3:", result.Error, StringComparison.Ordinal);
        Assert.Contains("balanse", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_OnAnOccupiedPort_NamesTheListener()
    {
        using var occupied = new TcpListener(IPAddress.Loopback, 0);
        occupied.Start();
        using var folder = new TemporaryFolder();
        string config = folder.Write("gateway.yaml", $"listeners: [ {{ address: {occupied.LocalEndpoint} }} ]\nupstreams:\n  up: {{ endpoints: [http://127.0.0.1:9] }}\nroutes: [ {{ match: {{ path: / }}, upstream: up }} ]\n");
        var result = await BimetalProcess.RunAsync(["run", config]);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("listeners[0]", result.Error, StringComparison.Ordinal);
        Assert.Contains(occupied.LocalEndpoint.ToString()!, result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_WithABadPlugin_NamesFileAndOffset()
    {
        using var folder = new TemporaryFolder();
        folder.Write("cut.wasm", HostilePlugins.Polite.AsSpan(0, 100));
        string config = folder.Write("gateway.yaml", "listeners: [ { address: 127.0.0.1:0 } ]\nupstreams:\n  up: { endpoints: [http://127.0.0.1:9] }\nplugins:\n  cut: { bundle: cut.wasm }\nroutes: [ { match: { path: / }, filters: [ { plugin: cut } ], upstream: up } ]\n");
        var result = await BimetalProcess.RunAsync(["run", config]);
        Assert.Equal(1, result.ExitCode);
        Assert.Matches(@"cut\.wasm: byte 0x[0-9a-f]+:", result.Error);
    }

    [Fact]
    public async Task Run_ServesAndStopsOnSigTerm()
    {
        await using var upstream = new LoopbackUpstream();
        await using var gateway = await RunningGateway.StartAsync(_ => $"upstreams:\n  up: {{ endpoints: [{upstream.Url}] }}\nroutes: [ {{ match: {{ path: \"/{{rest...}}\" }}, upstream: up }} ]\n");
        Assert.Equal((200, "GET /hello?a=1 HTTP/1.1\n"), await gateway.GetAsync("/hello?a=1"));
        Assert.Equal(0, await gateway.Process.TerminateAsync());
    }

    [Fact]
    [Trait("Category", "Slow")]
    public async Task Doctor_WithSelfTest_HoldsInThePublishedBinary()
    {
        var result = await BimetalProcess.RunAsync(["doctor", "--self-test"], timeout: TimeSpan.FromMinutes(3));
        Assert.True(result.ExitCode == 0, result.All);
        Assert.Contains("traps on many threads", result.Output, StringComparison.Ordinal);
    }

    // 128 and a signal: SIGSEGV, or SIGABRT after .NET has printed what it knows. As a trap it would end the command in good order.
    [Fact]
    public async Task FaultOfAHostFunction_BehindItsGuestsMemory_EndsTheProcess()
    {
        var result = await BimetalProcess.RunAsync(["doctor", "--host-fault"]);
        Assert.Contains(result.ExitCode, (int[])[128 + 11, 128 + 6]);
        Assert.DoesNotContain("out of bounds memory access", result.All, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Category", "Slow")]
    public async Task Storm_LeavesMemoryFlat()
    {
        var result = await BimetalProcess.RunAsync(["doctor", "--storm", "10000"], timeout: TimeSpan.FromMinutes(3));
        Assert.Contains("ok    storm: ", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Help_ShowsEveryCommandWithAnExample()
    {
        var root = await BimetalProcess.RunAsync(["--help"]);
        Assert.Equal(0, root.ExitCode);
        foreach (string command in (string[])["demo", "run", "check", "plan", "doctor", "build", "test", "bench", "compile", "invoke", "wast"])
        {
            Assert.Contains($"e.g. bimetal {command}", root.Output, StringComparison.Ordinal);
            var help = await BimetalProcess.RunAsync([command, "--help"]);
            Assert.Equal(0, help.ExitCode);
            Assert.Contains("Examples:", help.Output, StringComparison.Ordinal);
        }
    }
}
