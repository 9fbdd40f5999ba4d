// A plugin that misbehaves costs its own stream, is named in one line, and the next stream is fine.

using Bimetal.Plugins.Failure;
using Bimetal.Plugins.Streams;
using Bimetal.Plugins.Tests.Guests;
using Bimetal.Plugins.Tests.Streams;
using Bimetal.Testing;

namespace Bimetal.Plugins.Tests.Failure;

public sealed class FailureTests
{
    private static readonly PluginLimits s_tight = new() { CpuPerCallback = TimeSpan.FromMilliseconds(20), Start = TimeSpan.FromSeconds(5) };

    [Theory]
    [InlineData("trap", FailureKind.Trap, "proxy_on_request_headers trapped: unreachable")]
    [InlineData("peek 0xfffffff0", FailureKind.Trap, "proxy_on_request_headers trapped: out of bounds memory access")]
    [InlineData("poke 0x7ffffff0", FailureKind.Trap, "proxy_on_request_headers trapped: out of bounds memory access")]
    [InlineData("return 5", FailureKind.Trap, "proxy_on_request_headers returned 5, which is not an action")]
    [InlineData("return -1", FailureKind.Trap, "proxy_on_request_headers returned 4294967295, which is not an action")]
    [InlineData("allocator 2; proxy_get_header_map_value 0 1024 0 &s; proxy_get_header_map_pairs 0 &b", FailureKind.Trap, "proxy_on_request_headers broke the ABI: the plugin's allocator returned 0xfffffff0 for 100 bytes, which is outside of its memory")]
    [InlineData("allocator 3; proxy_get_header_map_pairs 0 &b", FailureKind.Trap, "proxy_on_request_headers trapped: unreachable")]
    public async Task Misbehaviour_FailsItsStream_AndNotTheNext(string what, FailureKind kind, string detail)
    {
        await using var plugin = await ScriptPlugin.LoadAsync($"""
            request_headers: proxy_get_header_map_value 0 "x-bad" &s; say "next"; return 0
            request_body: {what}
            response_headers: {what}
            """, InstancePolicy.PerRequest);
        using (var bad = plugin.Begin())
        {
            bad.OnRequestHeaders(endOfStream: false);
            Assert.Null(bad.Failure);
            bad.OnRequestBody(endOfStream: false);
            Assert.Equal(kind, bad.Failure!.Kind);
            Assert.Equal(detail.Replace("request_headers", "request_body", StringComparison.Ordinal), Guest.WithoutPlace(bad.Failure.Detail));
            int lines = plugin.Log.Lines.Length;
            Assert.Equal(FilterAction.Pause, bad.OnResponseHeaders(endOfStream: true));
            bad.OnLog();
            Assert.Equal(lines, plugin.Log.Lines.Length);
        }

        Assert.Contains("next", plugin.RunRequestHeaders());
        Assert.Equal(1, plugin.Plugin.Statistics.FailuresOf(kind));
        Assert.Equal(2, plugin.Plugin.Statistics.Streams);
    }

    [Fact]
    public async Task EndlessLoop_IsATimeout()
    {
        await using var plugin = await ScriptPlugin.LoadAsync("request_headers: loop", limits: s_tight);
        long started = Environment.TickCount64;
        var failure = plugin.FailRequestHeaders();
        Assert.Equal(FailureKind.Timeout, failure.Kind);
        Assert.Equal("proxy_on_request_headers used more than its CPU limit of 20 ms", Guest.WithoutPlace(failure.Detail));
        Assert.True(Environment.TickCount64 - started < 5000);
        Assert.Equal(FailureKind.Timeout, plugin.FailRequestHeaders().Kind);
    }

    [Fact]
    public async Task Recursion_ExhaustsTheStack()
    {
        await using var plugin = await ScriptPlugin.LoadAsync("request_headers: recurse");
        var failure = plugin.FailRequestHeaders();
        Assert.Equal(FailureKind.Trap, failure.Kind);
    }

    [Fact]
    public async Task MemoryBomb_IsAMemoryFailure_AndGrowthStopsAtTheLimit()
    {
        var limits = new PluginLimits { MemoryBytes = 4 << 20, CpuPerCallback = TimeSpan.FromSeconds(10) };
        await using var plugin = await ScriptPlugin.LoadAsync("request_headers: bomb\nresponse_headers: grow 1000; grow 1", limits: limits);
        var failure = plugin.FailRequestHeaders();
        Assert.Equal(FailureKind.Memory, failure.Kind);
        Assert.Matches(@"^proxy_on_request_headers trapped: unreachable \(memory: \d+ KiB of 4096\)$", Guest.WithoutPlace(failure.Detail));
        using var stream = plugin.Begin();
        stream.OnResponseHeaders(endOfStream: true);
        Assert.Null(stream.Failure);
        Assert.Equal("grow=4294967295", plugin.Log.Lines[^2]);
        Assert.NotEqual("grow=4294967295", plugin.Log.Lines[^1]);
    }

    [Fact]
    public async Task AllocatorThatRefuses_GivesTheGuestAStatus()
    {
        await using var plugin = await ScriptPlugin.LoadAsync("""request_headers: allocator 1; proxy_get_property "plugin_name" &s""");
        Assert.Equal(["proxy_get_property=10"], plugin.RunRequestHeaders());
    }

    [Fact]
    public void StreamCpuLimit_IsUsedUpByAllCallbacksTogether()
    {
        var limits = new CpuLimits(new PluginLimits { CpuPerCallback = TimeSpan.FromMilliseconds(5), CpuPerStream = TimeSpan.FromMilliseconds(8) });
        var budget = default(CpuBudget);
        budget.Begin(limits);
        Assert.Equal(TimeSpan.FromMilliseconds(5), budget.Limit);
        Burn(TimeSpan.FromMilliseconds(4));
        budget.End();
        budget.Begin(limits);
        Assert.InRange(budget.Limit, TimeSpan.FromTicks(1), TimeSpan.FromMilliseconds(4));
        Burn(TimeSpan.FromMilliseconds(10));
        budget.End();
        budget.Begin(limits);
        Assert.Equal(TimeSpan.FromTicks(1), budget.Limit);

        static void Burn(TimeSpan cpu)
        {
            var start = ThreadCpuClock.Now;
            while (ThreadCpuClock.Now - start < cpu)
            {
            }
        }
    }

    [Fact]
    public async Task StreamCpuLimit_StopsALoop()
    {
        var limits = new PluginLimits { CpuPerCallback = null, CpuPerStream = TimeSpan.FromMilliseconds(30), Start = TimeSpan.FromSeconds(5) };
        await using var plugin = await ScriptPlugin.LoadAsync("context_create: count\nrequest_headers: loop", limits: limits);
        var failure = plugin.FailRequestHeaders();

        // The stream's first callback, the creation of its context, took a little; it needs the host, so it comes with the stream.
        Assert.Matches(@"^proxy_on_request_headers used more than its CPU limit of 2\d\.\d+ ms$", Guest.WithoutPlace(failure.Detail));
    }

    [Fact]
    public async Task ContextCreateThatTraps_MeansNoStream()
    {
        await using var plugin = await ScriptPlugin.LoadAsync("context_create: trap");
        Assert.Null(plugin.Plugin.TryBegin(Headers.Request(), out var failure));
        Assert.Equal(FailureKind.Trap, failure!.Kind);
        Assert.Matches("^proxy_on_context_create trapped: unreachable in .+ at 0x[0-9a-f]+, called by .*proxy_on_context_create", failure.Detail);
    }

    [Fact]
    public async Task Backoff_GrowsWithDeathsThatFollowSoon()
    {
        var time = new VirtualTime(DateTimeOffset.UnixEpoch);
        var backoff = new Backoff(time);
        var delays = new List<double>();
        for (int death = 0; death < 12; death++)
        {
            backoff.Started();
            delays.Add(backoff.Next().TotalMilliseconds);
        }

        Assert.Equal([0, 100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000, 30000], delays);
        backoff.Started();
        time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(TimeSpan.Zero, backoff.Next());
        await Task.CompletedTask;
    }
}
