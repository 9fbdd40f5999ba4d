// Many nodes on one machine: three published gateways, each on a loopback address of its own, one Redis, one registry (Debian's docker-registry). What
// docs/bundles.md and docs/filters.md say of a fleet is seen to hold, and how well: a shared limit, a new plugin version, and each of the parts lost.

using System.Collections.Concurrent;
using System.Diagnostics;
using Bimetal.Gateway.Tests.Support;
using Bimetal.Testing;

namespace Bimetal.EndToEnd.Tests;

[Trait("Category", "Slow")]
public sealed class FleetTests : IDisposable
{
    private const int Limit = 50;
    private const int Nodes = 3;
    private static readonly TimeSpan s_perToken = TimeSpan.FromHours(1) / Limit;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);
    private readonly TemporaryFolder _folder = new();
    private readonly StampPlugin _stamp;

    public FleetTests() => _stamp = new StampPlugin(_folder);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Fleet_SharesItsLimit_RollsANewVersionThrough_AndLosesItsPartsOneByOne()
    {
        await using var registry = await RunningRegistry.StartAsync();
        await using var redis = await RedisServer.StartAsync();
        await using var upstream = new LoopbackUpstream();
        string reference = $"oci://{registry.Host}/edge/stamp:live";
        await _stamp.PublishAsync("one", "builder", reference);
        var nodes = new List<RunningGateway>();
        try
        {
            for (int node = 0; node < Nodes; node++) nodes.Add(await StartAsync(node, reference, redis, upstream));
            Assert.Equal(Nodes, nodes.Select(node => node.Client.BaseAddress!.Host).Distinct().Count());

            // The limit is one for all three, exactly: its burst passes, and one more for every 72 s that this takes.
            var clock = Stopwatch.StartNew();
            int[] passed = await Task.WhenAll(nodes.Select(node => PassedAsync(node, 2 * Limit)));
            int most = Limit + 1 + (int)(clock.Elapsed / s_perToken);
            Say($"shared limit of {Limit}: {Nodes * 2 * Limit} requests at once in {clock.ElapsedMilliseconds} ms, {passed.Sum()} passed ({string.Join(" + ", passed)})");
            Assert.InRange(passed.Sum(), Limit, most);

            // A new version behind the tag reaches all of them while requests are under way, and none fails.
            await using (var traffic = new Traffic(nodes))
            {
                await UntilAsync(() => traffic.HaveAllSeen("one"));
                await _stamp.PublishAsync("two", "builder", reference);
                clock.Restart();
                await UntilAsync(() => traffic.HaveAllSeen("two"));
                var taken = clock.Elapsed;
                var seen = await traffic.StopAsync();
                Say($"new version: on all nodes {taken.TotalSeconds:0.0} s after the push (interval 1 s), {seen.Sum(one => one.Length)} requests meanwhile, 0 failed");
                Assert.All(seen, one => Assert.Equal(["one", "two"], Changes(one)));
            }

            // The registry is lost: what runs goes on, and a node that starts anew takes what its store has.
            await registry.StopAsync();
            await using (var traffic = new Traffic(nodes.Take(2)))
            {
                await nodes[2].DisposeAsync();
                clock.Restart();
                nodes[2] = await StartAsync(2, reference, redis, upstream);
                var started = clock.Elapsed;
                Assert.Equal("two", await StampPlugin.VersionAsync(nodes[2]));
                Assert.Contains("what it led to before runs", nodes[2].Process.Printed, StringComparison.Ordinal);
                var seen = await traffic.StopAsync();
                Say($"registry lost: {seen.Sum(one => one.Length)} requests, 0 failed; a node started anew in {started.TotalSeconds:0.0} s");
                Assert.All(seen, one => Assert.Equal(["two"], Changes(one)));
            }

            // Redis is lost: each node counts for itself.
            await redis.KillAsync();
            clock.Restart();
            await UntilAsync(async () => (await Task.WhenAll(nodes.Select(node => node.GetAsync("/limited")))).All(answer => answer.Status == 200));
            var alone = clock.Elapsed;
            passed = await Task.WhenAll(nodes.Select(node => PassedAsync(node, 2 * Limit)));
            Say($"Redis lost: every node counts for itself after {alone.TotalMilliseconds:0} ms; of {2 * Limit} more requests a node passed {string.Join(", ", passed)}");
            Assert.All(passed, one => Assert.InRange(one, Limit - 10, Limit + 1));

            // A node is lost: the others do not notice.
            await using (var traffic = new Traffic(nodes.Skip(1)))
            {
                await UntilAsync(() => traffic.HaveAllSeen("two"));
                nodes[0].Kill();
                await Task.Delay(1000, TestContext.Current.CancellationToken);
                var seen = await traffic.StopAsync();
                Say($"a node killed: {seen.Sum(one => one.Length)} requests to the others, 0 failed");
                Assert.All(seen, one => Assert.Equal(["two"], Changes(one)));
            }

            nodes.RemoveAt(0);
        }
        finally
        {
            foreach (var node in nodes) await node.DisposeAsync();
        }
    }

    private static void Say(string text) => TestContext.Current.TestOutputHelper!.WriteLine(text);

    private static IEnumerable<string> Changes(string[] seen) => seen.Where((version, index) => index == 0 || version != seen[index - 1]);

    /// <summary>Asks a node for the limited path, eight requests at a time, and counts what passes.</summary>
    private static async Task<int> PassedAsync(RunningGateway node, int requests)
    {
        int passed = 0, left = requests;
        await Task.WhenAll(Enumerable.Range(0, 8).Select(async _ =>
        {
            while (Interlocked.Decrement(ref left) >= 0)
            {
                int status = (await node.GetAsync("/limited")).Status;
                Assert.True(status is 200 or 429, $"status {status}");
                if (status == 200) Interlocked.Increment(ref passed);
            }
        }));
        return passed;
    }

    private static Task UntilAsync(Func<bool> holds) => UntilAsync(() => Task.FromResult(holds()));

    private static async Task UntilAsync(Func<Task<bool>> holds)
    {
        var clock = Stopwatch.StartNew();
        while (!await holds())
        {
            if (clock.Elapsed > s_patience) throw new TimeoutException("what was waited for did not come");
            await Task.Delay(20);
        }
    }

    private Task<RunningGateway> StartAsync(int node, string reference, RedisServer redis, LoopbackUpstream upstream) => RunningGateway.StartAsync(
        $"127.0.0.{node + 2}",
        _ => $$"""
            redis: { address: "{{redis.Address}}", timeout: 20s }
            signatures: { builders: [{{_stamp.PublicKey("builder")}}], require: true }
            upstreams: { api: { endpoints: [{{upstream.Url}}] } }
            plugins: { stamp: { bundle: "{{reference}}", pull: { interval: 1s } } }
            routes:
              - { match: { path: /limited }, filters: [ { rate_limit: { requests: {{Limit}}, per: 1h, burst: {{Limit}}, key: route, name: fleet, store: redis } } ], upstream: api }
              - { match: { path: /stamped }, filters: [ { plugin: stamp } ], upstream: api }

            """,
        ("BIMETAL_CACHE", Path.Combine(_folder.Path, $"node{node}")));

    /// <summary>One client for each node, asking all the time. A request that fails shows as a version of its own, or ends the test.</summary>
    private sealed class Traffic : IAsyncDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly ConcurrentQueue<string>[] _seen;
        private readonly Task _asking;

        public Traffic(IEnumerable<RunningGateway> nodes)
        {
            RunningGateway[] asked = [.. nodes];
            _seen = [.. asked.Select(_ => new ConcurrentQueue<string>())];
            _asking = Task.WhenAll(asked.Select((node, index) => AskAsync(node, _seen[index])));
        }

        public bool HaveAllSeen(string version) => _seen.All(seen => seen.Contains(version));

        public async Task<string[][]> StopAsync()
        {
            await _stop.CancelAsync();
            await _asking;
            return [.. _seen.Select(seen => seen.ToArray())];
        }

        public async ValueTask DisposeAsync()
        {
            await StopAsync();
            _stop.Dispose();
        }

        private async Task AskAsync(RunningGateway node, ConcurrentQueue<string> versions)
        {
            while (!_stop.IsCancellationRequested)
            {
                versions.Enqueue(await StampPlugin.VersionAsync(node));
                await Task.Delay(2, CancellationToken.None);
            }
        }
    }
}
