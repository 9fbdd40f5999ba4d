// The published binary where address space is scarce: explicit bounds checks stand in for guard pages, and it says so once.

using Bimetal.Testing;

namespace Bimetal.EndToEnd.Tests;

public sealed class AddressSpaceTests
{
    private const long Scarce = 4_000_000;    // KiB: less than one memory with guard pages, enough for everything else
    private const string Notice = "cannot be reserved: RLIMIT_AS is 3906 MiB";

    private const string Memory =
        """
        (module (memory (export "m") 1)
          (func (export "load") (param i32) (result i32) (i32.load offset=4 (local.get 0)))
          (func (export "store") (param i32) (i32.store (local.get 0) (i32.const 7)))
          (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))
        """;

    [Theory]
    [InlineData("load", 65_528, 0, "i32:0\n")]
    [InlineData("load", 65_529, 1, "")]
    [InlineData("load", -8, 1, "")]
    [InlineData("store", 70_000, 1, "")]
    [InlineData("store", -4, 1, "")]
    [InlineData("grow", 100, 0, "i32:1\n")]
    public async Task Invoke_WithoutRoomForGuardPages_ChecksBounds_AndSaysSoOnce(string export, int argument, int exitCode, string output)
    {
        using var folder = new TemporaryFolder();
        string module = folder.Write("a.wasm", Wat.ToWasm(Memory));
        var result = await BimetalProcess.RunAsync(["invoke", module, export, $"{argument}"], addressSpaceKib: Scarce);
        string[] lines = result.Error.TrimEnd().Split('\n');
        Assert.Equal((exitCode, output), (result.ExitCode, result.Output));
        Assert.Contains(Notice, lines[0], StringComparison.Ordinal);
        Assert.DoesNotContain(lines[1..], line => line.Contains("RLIMIT_AS", StringComparison.Ordinal));
        if (exitCode != 0) Assert.Contains("trap: out of bounds memory access", lines[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Invoke_WithGuardPagesAskedForByName_NamesTheLimitAndTheRemedy()
    {
        using var folder = new TemporaryFolder();
        string module = folder.Write("a.wasm", Wat.ToWasm(Memory));
        var result = await BimetalProcess.RunAsync(["invoke", "--bounds", "guard", module, "load", "0"], addressSpaceKib: Scarce);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("8 GiB of address space for a linear memory cannot be reserved", result.Error, StringComparison.Ordinal);
        Assert.Contains("RLIMIT_AS is 3906 MiB (`ulimit -v`", result.Error, StringComparison.Ordinal);
        Assert.Contains("--bounds explicit", result.Error, StringComparison.Ordinal);
        Assert.Single(result.Error.TrimEnd().Split('\n'));
    }

    [Fact]
    public async Task Invoke_OfWhatNeedsMoreThanThereIs_NamesTheLimit()
    {
        using var folder = new TemporaryFolder();
        string module = folder.Write("a.wasm", Wat.ToWasm("""(module (memory 65536) (func (export "f")))"""));
        var result = await BimetalProcess.RunAsync(["invoke", module, "f"], addressSpaceKib: Scarce);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("4294967296 bytes of address space for a linear memory cannot be reserved", result.Error, StringComparison.Ordinal);
        Assert.Contains("RLIMIT_AS is 3906 MiB", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Gateway_WithoutRoomForGuardPages_RunsPlugins_FreshForEachRequest_AndKeepsThemInside()
    {
        using var folder = new TemporaryFolder();
        await using var upstream = new LoopbackUpstream();
        folder.Write("remembers.wasm", HostilePlugins.Remembers);
        folder.Write("wild.wasm", HostilePlugins.WildPointer);
        string config = folder.Write("gateway.yaml", $$"""
            listeners: [ { address: 127.0.0.1:0 } ]
            upstreams: { up: { endpoints: [{{upstream.Url}}] } }
            plugins: { remembers: { bundle: remembers.wasm }, wild: { bundle: wild.wasm } }
            routes:
              - { match: { path: /fresh }, filters: [ { plugin: remembers } ], upstream: up }
              - { match: { path: /wild }, filters: [ { plugin: wild } ], upstream: up }
            """);
        using var process = BimetalProcess.Start(["run", config], addressSpaceKib: Scarce);
        string address = await process.WaitForAsync(
            text => System.Text.RegularExpressions.Regex.Match(text, @"listening\D+?(127\.0\.0\.1:\d+)") is { Success: true } match ? match.Groups[1].Value : null, TimeSpan.FromMinutes(2));
        using var client = new HttpClient { BaseAddress = new Uri($"http://{address}") };
        for (int round = 0; round < 10; round++)
        {
            var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => client.GetAsync(new Uri("/fresh", UriKind.Relative), TestContext.Current.CancellationToken)));
            Assert.All(answers, answer => Assert.Equal(200, (int)answer.StatusCode));
        }

        using var trapped = await client.GetAsync(new Uri("/wild", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Equal(500, (int)trapped.StatusCode);
        Assert.Equal(2, process.Printed.Split(Notice).Length);
        Assert.Equal(0, await process.TerminateAsync());
    }
}
