// Lines of docs/promises.md that take a whole process: what ends the gateway, what it writes when it starts, what it answers at a limit.

using Bimetal.Testing;

namespace Bimetal.EndToEnd.Tests;

public sealed class PromiseTests
{
    private const string Crashing = """
        #include <bimetal_plugin.h>
        static bp_action on_request_headers(bp_stream stream, void *state, bool end_of_stream)
        {
            (void)stream, (void)state, (void)end_of_stream;
            *(volatile int *)0 = 1;
            return BP_CONTINUE;
        }
        BP_ON_REQUEST_HEADERS(on_request_headers)
        """;

    [Fact]
    public async Task CrashOfANativePlugin_IsACrashOfTheGateway()
    {
        await using var upstream = new LoopbackUpstream();
        await using var gateway = await StartCrashingAsync(upstream, "native");
        await Assert.ThrowsAsync<HttpRequestException>(() => gateway.GetAsync("/x"));
        Assert.NotEqual(0, await gateway.Process.WaitForExitAsync(TimeSpan.FromSeconds(30)));
    }

    [Fact]
    public async Task NativePlugin_HasALineInTheStartLog()
    {
        const string Line = "plugin crashing runs native";
        await using var upstream = new LoopbackUpstream();
        await using (var gateway = await StartCrashingAsync(upstream, "native")) Assert.Contains(Line, gateway.Process.Printed, StringComparison.Ordinal);

        // The same source on the other metal: no line, and the write to address 0 is one to the plugin's own memory.
        await using var sandboxed = await StartCrashingAsync(upstream, "wasm");
        Assert.DoesNotContain(Line, sandboxed.Process.Printed, StringComparison.Ordinal);
        Assert.Equal(200, (await sandboxed.GetAsync("/x")).Status);
    }

    [Fact]
    public async Task Instances_OneMoreThanTheLimit_Is503()
    {
        await using var upstream = new LoopbackUpstream();
        await using var gateway = await RunningGateway.StartAsync(folder =>
        {
            folder.Write("waits.wasm", HostilePlugins.Waits);
            return $$"""
                upstreams: { up: { endpoints: [{{upstream.Url}}] } }
                plugins: { waits: { bundle: waits.wasm, limits: { instances: 1, pause: 2s } } }
                routes: [ { match: { path: "/{rest...}" }, filters: [ { plugin: waits } ], upstream: up } ]

                """;
        });

        // Each holds its clone until its pause is over, which is a 503 of its own.
        var held = Enumerable.Range(0, 4).Select(_ => gateway.GetAsync("/x")).ToList();
        var clock = System.Diagnostics.Stopwatch.StartNew();
        Assert.Equal(503, (await await Task.WhenAny(held)).Status);
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(2), "the answer came only when the pause was over");
        await gateway.Process.WaitForAsync(text => text.Contains("limits.instances", StringComparison.Ordinal) ? text : null);
        Assert.All(await Task.WhenAll(held), answer => Assert.Equal(503, answer.Status));
        Assert.Equal(0, upstream.Requests);
    }

    /// <summary>One instance has 128 KiB.</summary>
    [Fact]
    public async Task PluginMemory_UsedUp_Is503()
    {
        await using var upstream = new LoopbackUpstream();
        await using var gateway = await RunningGateway.StartAsync(folder =>
        {
            folder.Write("waits.wasm", HostilePlugins.Waits);
            return $$"""
                plugin_memory: 2MiB
                upstreams: { up: { endpoints: [{{upstream.Url}}] } }
                plugins: { waits: { bundle: waits.wasm, limits: { pause: 5s } } }
                routes: [ { match: { path: "/{rest...}" }, filters: [ { plugin: waits } ], upstream: up } ]

                """;
        });
        var clock = System.Diagnostics.Stopwatch.StartNew();
        var held = Enumerable.Range(0, 24).Select(_ => gateway.GetAsync("/x")).ToList();
        Assert.Equal(503, (await await Task.WhenAny(held)).Status);
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(4), "the answer came only when a pause was over");
        await gateway.Process.WaitForAsync(text => text.Contains("would pass plugin_memory", StringComparison.Ordinal) ? text : null);
        await Task.WhenAll(held);
    }

    private static async Task<RunningGateway> StartCrashingAsync(LoopbackUpstream upstream, string metal)
    {
        using var sources = new TemporaryFolder();
        string plugin = sources.Path;
        sources.Write("plugin.yaml", "name: crashing\nversion: 0.1.0\nsources: [crashing.c]\nlatency_budget: 1ms\n");
        sources.Write("crashing.c", Crashing);
        var built = await BimetalProcess.RunAsync(["build", plugin]);
        Assert.True(built.ExitCode == 0, built.Error);
        return await RunningGateway.StartAsync(_ =>
            $$"""
            upstreams: { up: { endpoints: [{{upstream.Url}}] } }
            plugins: { crashing: { bundle: {{plugin}}, trust: first-party, metal: {{metal}} } }
            routes: [ { match: { path: "/{rest...}" }, filters: [ { plugin: crashing } ], upstream: up } ]

            """);
    }
}
