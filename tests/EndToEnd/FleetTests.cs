// Many nodes on one machine: three published gateways, one Redis, one registry (Debian's docker-registry), all on loopback. What docs/bundles.md and
// docs/filters.md say of a fleet is seen to hold: a shared limit, a new plugin version, and each of the parts lost.

using System.Collections.Concurrent;
using System.Security.Cryptography;
using Bimetal.Gateway.Tests.Support;
using Bimetal.Testing;

namespace Bimetal.EndToEnd.Tests;

[Trait("Category", "Slow")]
public sealed class FleetTests : IDisposable
{
    private const int Limit = 50;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Fleet_SharesItsLimit_RollsANewVersionThrough_AndLosesItsPartsOneByOne()
    {
        await using var registry = await RunningRegistry.StartAsync();
        await using var redis = await RedisServer.StartAsync();
        await using var upstream = new LoopbackUpstream();
        string reference = $"oci://{registry.Host}/edge/stamp:live";
        await PublishAsync("one", reference);
        var nodes = new List<RunningGateway>();
        try
        {
            for (int node = 0; node < 3; node++) nodes.Add(await StartAsync(node, reference, redis, upstream));

            // The limit is one for all three: the bucket of 50 fills by one in 72 s.
            int passed = 0;
            for (int request = 0; request < 3 * Limit; request++)
            {
                int status = (await nodes[request % 3].GetAsync("/limited")).Status;
                Assert.True(status is 200 or 429, $"status {status}");
                if (status == 200) passed++;
            }

            Assert.InRange(passed, Limit, Limit + 1);

            // A new version behind the tag reaches all of them while requests are under way, and none fails.
            using var stop = new CancellationTokenSource();
            var versions = new ConcurrentQueue<string>[] { new(), new(), new() };
            var traffic = nodes.Select((node, index) => AskAsync(node, versions[index], stop.Token)).ToArray();
            await UntilAsync(() => versions.All(seen => seen.Contains("one")));
            await PublishAsync("two", reference);
            await UntilAsync(() => versions.All(seen => seen.Contains("two")));
            await stop.CancelAsync();
            await Task.WhenAll(traffic);
            Assert.All(versions, seen => Assert.Equal(["one", "two"], Changes([.. seen])));

            // The registry is lost: what runs goes on, and a node that starts anew takes what its store has.
            await registry.StopAsync();
            Assert.All(await Task.WhenAll(nodes.Select(VersionAsync)), version => Assert.Equal("two", version));
            await nodes[2].DisposeAsync();
            nodes[2] = await StartAsync(2, reference, redis, upstream);
            Assert.Equal("two", await VersionAsync(nodes[2]));
            Assert.Contains("what it led to before runs", nodes[2].Process.Printed, StringComparison.Ordinal);

            // Redis is lost: each node counts for itself.
            await redis.KillAsync();
            await UntilAsync(async () => (await Task.WhenAll(nodes.Select(node => node.GetAsync("/limited")))).All(answer => answer.Status == 200));

            // A node is lost: the others do not notice.
            nodes[0].Kill();
            Assert.All(await Task.WhenAll(nodes.Skip(1).Select(VersionAsync)), version => Assert.Equal("two", version));
            nodes.RemoveAt(0);
        }
        finally
        {
            foreach (var node in nodes) await node.DisposeAsync();
        }
    }

    private static IEnumerable<string> Changes(string[] seen) => seen.Where((version, index) => index == 0 || version != seen[index - 1]);

    private static async Task AskAsync(RunningGateway node, ConcurrentQueue<string> versions, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            versions.Enqueue(await VersionAsync(node));
            await Task.Delay(2, CancellationToken.None);
        }
    }

    private static async Task<string> VersionAsync(RunningGateway node)
    {
        using var response = await node.Client.GetAsync(new Uri("/stamped", UriKind.Relative));
        return (int)response.StatusCode == 200 && response.Headers.TryGetValues("x-stamp", out var values) ? string.Join(',', values) : $"status {(int)response.StatusCode}";
    }

    private static Task UntilAsync(Func<bool> holds) => UntilAsync(() => Task.FromResult(holds()));

    private static async Task UntilAsync(Func<Task<bool>> holds)
    {
        var clock = System.Diagnostics.Stopwatch.StartNew();
        while (!await holds())
        {
            if (clock.Elapsed > s_patience) throw new TimeoutException("what was waited for did not come");
            await Task.Delay(20);
        }
    }

    private Task<RunningGateway> StartAsync(int node, string reference, RedisServer redis, LoopbackUpstream upstream) => RunningGateway.StartAsync(
        _ => $$"""
            redis: { address: "{{redis.Address}}", timeout: 20s }
            signatures: { builders: [{{_folder.Path}}/builder.pub.pem], require: true }
            upstreams: { api: { endpoints: [{{upstream.Url}}] } }
            plugins: { stamp: { bundle: "{{reference}}", pull: { interval: 1s } } }
            routes:
              - { match: { path: /limited }, filters: [ { rate_limit: { requests: {{Limit}}, per: 1h, burst: {{Limit}}, key: route, name: fleet, store: redis } } ], upstream: api }
              - { match: { path: /stamped }, filters: [ { plugin: stamp } ], upstream: api }

            """,
        ("BIMETAL_CACHE", Path.Combine(_folder.Path, $"node{node}")));

    /// <summary>Builds, signs and pushes a version of a plugin, as its author would.</summary>
    private async Task PublishAsync(string version, string reference)
    {
        string key = Path.Combine(_folder.Path, "builder.pem");
        if (!File.Exists(key))
        {
            using var made = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            _folder.Write("builder.pem", made.ExportECPrivateKeyPem());
            _folder.Write("builder.pub.pem", made.ExportSubjectPublicKeyInfoPem());
        }

        string plugin = Directory.CreateDirectory(Path.Combine(_folder.Path, version)).FullName;
        await File.WriteAllTextAsync(Path.Combine(plugin, "plugin.yaml"), $"name: stamp\nversion: 1.0.0\ndescription: {version}\nsources: [stamp.c]\n");
        await File.WriteAllTextAsync(Path.Combine(plugin, "stamp.c"), $$"""
            #include <bimetal_plugin.h>
            static bp_action on(bp_stream s, void *v, bool e)
            {
                (void)v, (void)e;
                bp_header_set(s, BP_RESPONSE_HEADERS, "x-stamp", bp_text("{{version}}"));
                return BP_CONTINUE;
            }
            BP_ON_RESPONSE_HEADERS(on)
            """);
        await RunAsync("build", plugin, "--targets", "wasm", "-o", plugin + ".bimetal", "--key", key);
        await RunAsync("verify", plugin + ".bimetal", "--key", Path.Combine(_folder.Path, "builder.pub.pem"));
        await RunAsync("push", plugin + ".bimetal", reference);
    }

    private static async Task RunAsync(params string[] arguments)
    {
        var result = await BimetalProcess.RunAsync(arguments);
        Assert.True(result.ExitCode == 0, result.All);
    }
}
