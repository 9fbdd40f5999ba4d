// Hot swap in the published gateway: versions and configurations change under load, no request fails, and nothing grows.

using System.Globalization;
using System.Text.RegularExpressions;
using Bimetal.Testing;

namespace Bimetal.EndToEnd.Tests;

[Trait("Category", "Slow")]
public sealed partial class SwapTests(ITestOutputHelper output)
{
    private const int Swaps = 1000;
    private const int WarmSwaps = 200;

    /// <summary>Answers with a status of its own, and its configuration.</summary>
    private static byte[] Version(int status) => Wat.ToWasm(
        $"""
        (module
          (import "env" "proxy_get_buffer_bytes" (func $bytes (param i32 i32 i32 i32 i32) (result i32)))
          (import "env" "proxy_send_local_response" (func $answer (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
          (memory (export "memory") 2)
          (func (export "proxy_abi_version_0_2_1"))
          (func (export "proxy_on_memory_allocate") (param i32) (result i32) (i32.const 65536))
          (func (export "proxy_on_configure") (param i32 i32) (result i32)
            (i32.eqz (call $bytes (i32.const 7) (i32.const 0) (local.get 1) (i32.const 520) (i32.const 524))))
          (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
            (drop (call $answer (i32.const {status}) (i32.const 0) (i32.const 0) (i32.load (i32.const 520)) (i32.load (i32.const 524)) (i32.const 0) (i32.const 0) (i32.const -1)))
            (i32.const 1)))
        """);

    [Theory]
    [InlineData("per-request")]
    [InlineData("shared")]
    public async Task ThousandSwaps_UnderLoad_FailNoRequest_AndNothingGrows(string instance)
    {
        string folder = "";
        string Configuration(int swap) => $$"""
            admin: { address: 127.0.0.1:0 }
            upstreams: { up: { endpoints: [http://127.0.0.1:9] } }
            plugins: { p: { bundle: {{folder}}/{{(swap % 2 == 0 ? "even" : "odd")}}.wasm, instance: {{instance}}, config: "{{swap}}" } }
            routes: [ { match: { path: "/{rest...}" }, filters: [ { plugin: p } ], upstream: up } ]

            """;
        await using var gateway = await RunningGateway.StartAsync(place =>
        {
            folder = place.Path;
            place.Write("even.wasm", Version(201));
            place.Write("odd.wasm", Version(202));
            return Configuration(0);
        });
        using var admin = new HttpClient { BaseAddress = new Uri(AdminAddress().Match(gateway.Process.Printed).Groups[1].Value) };
        using var stop = new CancellationTokenSource();
        var load = Enumerable.Range(0, 4).Select(_ => LoadAsync(gateway, stop.Token)).ToList();
        var warm = default(Footprint);
        for (int swap = 1; swap <= Swaps; swap++)
        {
            await SwapAsync(gateway, admin, Configuration(swap));
            Assert.Equal((swap % 2 == 0 ? 201 : 202, swap.ToString(CultureInfo.InvariantCulture)), await gateway.GetAsync("/x"));
            if (swap == WarmSwaps) warm = await Footprint.OfAsync(gateway.Process.Id);
        }

        var end = await Footprint.OfAsync(gateway.Process.Id);
        await stop.CancelAsync();
        int served = (await Task.WhenAll(load)).Sum();
        output.WriteLine($"{instance}: {served} requests during {Swaps} swaps, 0 failed; after {WarmSwaps} swaps {warm}, after {Swaps} {end}");
        Assert.True(served > Swaps, $"only {served} requests");
        end.AssertFlatSince(warm);
    }

    [Fact]
    public async Task NativeSwaps_BetweenTwoDigests_AreFlat_AndEachNewOneIsCounted()
    {
        const int NativeSwaps = 100, Distinct = 5;
        string source = Path.Combine(Repository.Root, "tests/Plugins/caller");
        var built = await BimetalProcess.RunAsync(["build", source]);
        Assert.True(built.ExitCode == 0, built.Error);
        byte[] library = await File.ReadAllBytesAsync(Path.Combine(source, "build/linux-x64/plugin.so"));
        await using var upstream = new LoopbackUpstream();
        string folder = "";
        string Configuration(int version) => $$"""
            admin: { address: 127.0.0.1:0 }
            upstreams: { up: { endpoints: [{{upstream.Url}}] } }
            plugins: { p: { bundle: {{folder}}/{{version}}.so, trust: first-party, metal: native } }
            routes: [ { match: { path: "/{rest...}" }, filters: [ { plugin: p } ], upstream: up } ]

            """;
        await using var gateway = await RunningGateway.StartAsync(place =>
        {
            folder = place.Path;

            // The same code with another digest: what follows the sections of an ELF file is nobody's.
            for (int version = 0; version < 2 + Distinct; version++) place.Write($"{version}.so", [.. library, (byte)version]);
            return Configuration(0);
        });
        using var admin = new HttpClient { BaseAddress = new Uri(AdminAddress().Match(gateway.Process.Printed).Groups[1].Value) };
        using var stop = new CancellationTokenSource();
        var load = Enumerable.Range(0, 2).Select(_ => LoadAsync(gateway, stop.Token)).ToList();
        int warm = 0;
        for (int swap = 1; swap <= NativeSwaps; swap++)
        {
            await SwapAsync(gateway, admin, Configuration(swap % 2));
            if (swap == NativeSwaps / 5) warm = await ImagesAsync(admin);
        }

        int flat = await ImagesAsync(admin);
        for (int version = 2; version < 2 + Distinct; version++) await SwapAsync(gateway, admin, Configuration(version));
        int grown = await ImagesAsync(admin);
        await stop.CancelAsync();
        int served = (await Task.WhenAll(load)).Sum();
        output.WriteLine($"{served} requests, 0 failed; images after {NativeSwaps / 5} swaps {warm}, after {NativeSwaps} {flat}, after {Distinct} more digests {grown}");

        // A swap that comes before the one before it has drained needs an image more: once, not for each.
        Assert.InRange(warm, 2, 4);
        Assert.InRange(flat, warm, 4);
        Assert.Equal(flat + Distinct, grown);
    }

    private static async Task SwapAsync(RunningGateway gateway, HttpClient admin, string configuration)
    {
        gateway.Rewrite(configuration);
        using var answer = await admin.PostAsync(new Uri("/reload", UriKind.Relative), null);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
    }

    private static async Task<int> ImagesAsync(HttpClient admin)
    {
        string text = await admin.GetStringAsync(new Uri("/metrics", UriKind.Relative));
        return int.Parse(Images().Match(text).Groups[1].Value, CultureInfo.InvariantCulture);
    }

    /// <summary>Requests one after the other until told to stop; the first that fails ends the test.</summary>
    private static async Task<int> LoadAsync(RunningGateway gateway, CancellationToken stop)
    {
        int served = 0;
        for (; !stop.IsCancellationRequested; served++) Assert.InRange((await gateway.GetAsync("/load")).Status, 200, 202);
        return served;
    }

    /// <summary>What a process holds: the least of a few looks, because requests come and go.</summary>
    private readonly record struct Footprint(long ResidentKib, int Descriptors, int Mappings)
    {
        /// <summary>A collection that has not come yet, and the heaps of a few threads.</summary>
        private const long ResidentSlackKib = 24 << 10;

        /// <summary>Connections that come and go.</summary>
        private const int DescriptorSlack = 16;

        /// <summary>Idle address space for memories (64 slots at most, two mappings each), stacks.</summary>
        private const int MappingSlack = 160;

        public static async Task<Footprint> OfAsync(int process)
        {
            var least = new Footprint(long.MaxValue, int.MaxValue, int.MaxValue);
            for (int look = 0; look < 10; look++, await Task.Delay(100))
            {
                string line = File.ReadLines($"/proc/{process}/status").First(static text => text.StartsWith("VmRSS:", StringComparison.Ordinal));
                least = new Footprint(
                    Math.Min(least.ResidentKib, long.Parse(Digits().Match(line).Value, CultureInfo.InvariantCulture)),
                    Math.Min(least.Descriptors, Directory.EnumerateFileSystemEntries($"/proc/{process}/fd").Count()),
                    Math.Min(least.Mappings, File.ReadLines($"/proc/{process}/maps").Count()));
            }

            return least;
        }

        public void AssertFlatSince(Footprint before)
        {
            Assert.InRange(ResidentKib, 0, before.ResidentKib + ResidentSlackKib);
            Assert.InRange(Descriptors, 0, before.Descriptors + DescriptorSlack);
            Assert.InRange(Mappings, 0, before.Mappings + MappingSlack);
        }

        public override string ToString() => $"{ResidentKib} KiB, {Descriptors} descriptors, {Mappings} mappings";
    }

    [GeneratedRegex(@"admin listening on (http://127\.0\.0\.1:\d+)")]
    private static partial Regex AdminAddress();

    [GeneratedRegex(@"^bimetal_native_images (\d+)", RegexOptions.Multiline)]
    private static partial Regex Images();

    [GeneratedRegex(@"\d+")]
    private static partial Regex Digits();
}
