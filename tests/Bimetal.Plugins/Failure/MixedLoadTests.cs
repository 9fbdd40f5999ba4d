// Good and hostile plugins side by side on many threads, with the garbage collector running: what one does costs no other anything.

using Bimetal.Plugins.Failure;
using Bimetal.Plugins.Tests.Guests;
using Bimetal.Plugins.Tests.Streams;

namespace Bimetal.Plugins.Tests.Failure;

public sealed class MixedLoadTests
{
    [Theory]
    [InlineData(InstancePolicy.PerRequest)]
    [InlineData(InstancePolicy.Shared)]
    public async Task HostilePlugins_CostOthersNothing(InstancePolicy instance)
    {
        var limits = new PluginLimits { CpuPerCallback = TimeSpan.FromMilliseconds(5), MemoryBytes = 2 << 20, Start = TimeSpan.FromSeconds(20) };
        await using var good = await ScriptPlugin.LoadAsync(
            """request_headers: count; proxy_replace_header_map_value 0 "x-ok" "yes" """, instance, limits with { CpuPerCallback = TimeSpan.FromSeconds(20) });
        await using var traps = await ScriptPlugin.LoadAsync("request_headers: trap", instance, limits);
        await using var wild = await ScriptPlugin.LoadAsync("request_headers: poke 0xfffffff0", instance, limits);
        await using var loops = await ScriptPlugin.LoadAsync("request_headers: loop", instance, limits);
        await using var bombs = await ScriptPlugin.LoadAsync("request_headers: bomb", instance, limits with { CpuPerCallback = TimeSpan.FromSeconds(20) });
        using var over = new CancellationTokenSource();
        var hostile = new[] { (traps, FailureKind.Trap), (wild, FailureKind.Trap), (loops, FailureKind.Timeout), (bombs, FailureKind.Memory) }
            .Select(pair => Task.Run(() => Run(pair.Item1, pair.Item2, over.Token))).ToList();
        var collector = Task.Run(() => CollectGarbage(over.Token));
        await Task.WhenAll(Enumerable.Range(0, 2).Select(_ => Task.Run(() => RunGood(good))));
        await over.CancelAsync();
        int[] failures = await Task.WhenAll(hostile);
        await collector;
        Assert.All(failures, count => Assert.True(count > 0));
        Assert.Equal(0, Enum.GetValues<FailureKind>().Sum(good.Plugin.Statistics.FailuresOf));
    }

    private static void RunGood(ScriptPlugin plugin)
    {
        for (int request = 0; request < 1000; request++)
        {
            var exchange = Headers.Request();
            using var stream = plugin.Begin(exchange);
            stream.OnRequestHeaders(endOfStream: true);
            Assert.Null(stream.Failure);
            Assert.Equal("yes", exchange.RequestHeaders.Value("x-ok"));
        }
    }

    /// <summary>Runs a plugin that fails until the test is over, and counts how often it did, always as expected.</summary>
    private static int Run(ScriptPlugin plugin, FailureKind kind, CancellationToken over)
    {
        int failures = 0;
        while (!over.IsCancellationRequested || failures == 0)
        {
            // A shared instance that died is not there for a while.
            using var stream = plugin.Plugin.TryBegin(Headers.Request(), out var failure);
            if (stream is null)
            {
                Assert.Equal(FailureKind.Load, failure!.Kind);
                Thread.Sleep(1);
                continue;
            }

            stream.OnRequestHeaders(endOfStream: true);
            Assert.Equal(kind, stream.Failure!.Kind);
            failures++;
        }

        return failures;
    }

    private static void CollectGarbage(CancellationToken over)
    {
        while (!over.IsCancellationRequested)
        {
            GC.Collect();
            Thread.Sleep(5);
        }
    }
}
