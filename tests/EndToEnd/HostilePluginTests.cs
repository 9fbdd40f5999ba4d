// Plugins that loop, trap, overflow or eat memory, in the published gateway: each costs its own request and nothing else.

using System.Diagnostics;
using System.Text;

namespace Bimetal.EndToEnd.Tests;

public sealed class HostilePluginTests
{
    private const int Rounds = 40;

    private static readonly (string Name, byte[] Module, string Instance)[] Plugins =
    [
        ("polite", HostilePlugins.Polite, "per-request"),
        ("loop", HostilePlugins.EndlessLoop, "per-request"),
        ("trap", HostilePlugins.Trap, "per-request"),
        ("overflow", HostilePlugins.StackOverflow, "per-request"),
        ("memory", HostilePlugins.MemoryBomb, "per-request"),
        ("wild", HostilePlugins.WildPointer, "per-request"),
        ("remembers", HostilePlugins.Remembers, "per-request"),
    ];

    [Fact]
    public async Task EachHostilePlugin_CostsOnlyItsOwnRequests()
    {
        var cancellation = TestContext.Current.CancellationToken;
        await using var upstream = new LoopbackUpstream();
        await using var gateway = await StartAsync(upstream);
        string[] hostile = ["loop", "trap", "overflow", "memory", "wild"];
        for (int round = 0; round < Rounds; round++)
        {
            var answers = await Task.WhenAll(hostile.Concat(["polite", "remembers", "polite"]).Select(name => gateway.GetAsync($"/{name}/x")));
            Assert.All(answers[..hostile.Length], answer => Assert.Equal(500, answer.Status));
            Assert.All(answers[hostile.Length..], answer => Assert.Equal((200, answer.Body), (answer.Status, answer.Body)));
            cancellation.ThrowIfCancellationRequested();
        }

        // What failed never reached the upstream.
        Assert.Equal(3 * Rounds, upstream.Requests);
    }

    [Fact]
    public async Task EndlessLoops_AreStopped_WhileOtherRequestsGoOn()
    {
        await using var upstream = new LoopbackUpstream();
        await using var gateway = await StartAsync(upstream);
        await gateway.GetAsync("/polite/warm");
        var looping = Task.WhenAll(Enumerable.Range(0, 20).Select(_ => gateway.GetAsync("/loop/x")));
        int served = 0;
        while (!looping.IsCompleted && served < 10_000)
        {
            Assert.Equal(200, (await gateway.GetAsync("/polite/x")).Status);
            served++;
        }

        Assert.All(await looping, answer => Assert.Equal(500, answer.Status));
        Assert.True(served > 0);
    }

    [Fact]
    public async Task EndlessLoop_IsStopped_WithinItsLimitPlus20Ms()
    {
        await using var upstream = new LoopbackUpstream();
        await using var gateway = await StartAsync(upstream);
        await gateway.GetAsync("/loop/warm");
        var times = new List<double>();
        for (int request = 0; request < 21; request++)
        {
            long start = Stopwatch.GetTimestamp();
            Assert.Equal(500, (await gateway.GetAsync("/loop/x")).Status);
            times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }

        // limits.cpu is 10 ms here. It is CPU time; the wall clock of a request also holds what other processes do meanwhile, so that
        // only the fastest one can be held against it. The self-test measures the CPU time of every stop.
        Assert.InRange(times.Min(), 9, 30);
    }

    private static Task<RunningGateway> StartAsync(LoopbackUpstream upstream) => RunningGateway.StartAsync(folder =>
    {
        var text = new StringBuilder().Append($"upstreams:\n  up: {{ endpoints: [{upstream.Url}] }}\nplugins:\n");
        foreach (var (name, module, instance) in Plugins)
        {
            folder.Write($"{name}.wasm", module);
            text.Append($"  {name}: {{ bundle: {name}.wasm, instance: {instance}, limits: {{ cpu: 10ms }} }}\n");
        }

        text.Append("routes:\n");
        foreach (var (name, _, _) in Plugins)
            text.Append($"  - match: {{ path: \"/{name}/{{rest...}}\" }}\n    filters: [ {{ plugin: {name} }} ]\n    upstream: up\n");
        return text.ToString();
    });
}
