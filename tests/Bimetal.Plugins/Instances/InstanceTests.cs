// Per-request instances forget, shared ones remember; ticks; what happens when an instance dies.

using Bimetal.Plugins.Failure;
using Bimetal.Plugins.ProxyWasm;
using Bimetal.Plugins.Streams;
using Bimetal.Plugins.Tests.Guests;
using Bimetal.Plugins.Tests.Streams;
using Bimetal.Testing;

namespace Bimetal.Plugins.Tests.Instances;

public sealed class InstanceTests
{
    private static readonly PluginLimits s_limits = new() { CpuPerCallback = TimeSpan.FromSeconds(10), Start = TimeSpan.FromSeconds(10) };

    [Fact]
    public async Task PerRequest_GlobalsDoNotSurvive_ButTheConfigurationDoes()
    {
        await using var plugin = await ScriptPlugin.LoadAsync("configure: count; return 1\nrequest_headers: count; count", InstancePolicy.PerRequest);
        for (int request = 0; request < 5; request++) Assert.Equal(["count=2", "count=3"], plugin.RunRequestHeaders());
    }

    [Fact]
    public async Task PerRequest_MemoryThatGrew_IsGoneInTheNext()
    {
        await using var plugin = await ScriptPlugin.LoadAsync("request_headers: grow 3; grow 0", InstancePolicy.PerRequest);
        string[] first = plugin.RunRequestHeaders();
        Assert.Equal(first, plugin.RunRequestHeaders());
    }

    [Fact]
    public async Task PerRequest_AStreamKeepsItsGlobals()
    {
        await using var plugin = await ScriptPlugin.LoadAsync("request_headers: count\nresponse_headers: count\nlog: count", InstancePolicy.PerRequest);
        using var stream = plugin.Begin();
        stream.OnRequestHeaders(endOfStream: true);
        stream.OnResponseHeaders(endOfStream: true);
        stream.OnLog();
        Assert.Equal(["count=1", "count=2", "count=3"], plugin.Log.Lines);
    }

    [Fact]
    public async Task PerRequest_InstancesRunOut_AtTheirLimit()
    {
        await using var plugin = await ScriptPlugin.LoadAsync("", InstancePolicy.PerRequest, s_limits with { Instances = 2 });
        await WaitUntil(() => ((WasmPlugin)plugin.Plugin).HasStreamContexts);
        using var first = plugin.Begin();
        var second = plugin.Begin();
        Assert.Null(plugin.Plugin.TryBegin(Headers.Request(), out var failure));
        Assert.Equal(FailureKind.Load, failure!.Kind);
        Assert.Equal("all of its 2 instances are in use (limits.instances)", failure.Detail);
        second.Dispose();
        using var third = plugin.Begin();
    }

    [Fact]
    public async Task PerRequest_AfterATimeout_TheInstanceIsUsableAgain()
    {
        var limits = s_limits with { CpuPerCallback = TimeSpan.FromMilliseconds(20), Instances = 1 };
        await using var plugin = await ScriptPlugin.LoadAsync("request_headers: count; return 0\nrequest_body: loop", InstancePolicy.PerRequest, limits);
        using (var stream = plugin.Begin())
        {
            stream.OnRequestBody(endOfStream: false);
            Assert.Equal(FailureKind.Timeout, stream.Failure!.Kind);
        }

        Assert.Equal(["count=1"], plugin.RunRequestHeaders());
    }

    [Fact]
    public async Task Shared_GlobalsAreKept()
    {
        await using var plugin = await ScriptPlugin.LoadAsync("request_headers: count", InstancePolicy.Shared);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (int request = 0; request < 20; request++) seen.Add(plugin.RunRequestHeaders().Single());
        Assert.Contains(seen, line => int.Parse(line.AsSpan("count=".Length)) >= 20 / Environment.ProcessorCount);
    }

    [Fact]
    public async Task Shared_StreamsHaveTheirOwnContexts()
    {
        await using var plugin = await ScriptPlugin.LoadAsync("""request_headers: proxy_get_header_map_value 0 "x-id" &s""", InstancePolicy.Shared);
        var streams = Enumerable.Range(0, 10).Select(id => plugin.Begin(Headers.Request(("x-id", $"{id}")))).ToList();
        foreach (var stream in streams) stream.OnRequestHeaders(endOfStream: true);
        Assert.Equal(Enumerable.Range(0, 10).Select(id => $"proxy_get_header_map_value=0 {id}"), plugin.Log.Lines);
        foreach (var stream in streams) stream.Dispose();
    }

    [Fact]
    public async Task Shared_ATrap_FailsItsStreams_AndIsReplaced()
    {
        await using var plugin = await ScriptPlugin.LoadAsync("request_headers: say \"fine\"\nrequest_body: trap", InstancePolicy.Shared);
        var streams = Enumerable.Range(0, 8).Select(_ => plugin.Begin()).ToList();
        var woken = new HashSet<PluginStream>();
        foreach (var stream in streams) stream.OnRequestHeaders(endOfStream: false);
        streams[0].OnRequestBody(endOfStream: false);
        Assert.Equal("proxy_on_request_body trapped: unreachable", Guest.WithoutPlace(streams[0].Failure!.Detail));
        var collateral = streams.Skip(1).Where(stream => stream.Failure is not null).ToList();
        Assert.All(collateral, stream => Assert.EndsWith("(in another request on the same shared instance)", stream.Failure!.Detail, StringComparison.Ordinal));
        Assert.True(Environment.ProcessorCount > 1 || collateral.Count == 7);
        foreach (var stream in streams) stream.Dispose();

        // The next one starts in the background, at once.
        await WaitUntil(() => plugin.Plugin.TryBegin(Headers.Request(), out _) is { } stream && Run(stream));
        Assert.Contains("fine", plugin.Log.Lines);

        static bool Run(PluginStream stream)
        {
            stream.OnRequestHeaders(endOfStream: true);
            stream.Dispose();
            return stream.Failure is null;
        }
    }

    [Fact]
    public async Task Shared_AHeldStream_IsWokenWhenItsInstanceDies()
    {
        await using var plugin = await ScriptPlugin.LoadAsync("request_headers: return 1\nrequest_body: trap", InstancePolicy.Shared);

        // Enough streams that every instance has several.
        var streams = Enumerable.Range(0, 16 * Environment.ProcessorCount).Select(_ => plugin.Begin()).ToList();
        int woken = 0;
        foreach (var stream in streams)
        {
            stream.Waiter = new Told(_ => woken++);
            stream.OnRequestHeaders(endOfStream: false);
        }

        foreach (var stream in streams) stream.OnRequestBody(endOfStream: false);
        Assert.All(streams, stream => Assert.Equal(FailureKind.Trap, stream.Failure!.Kind));
        Assert.InRange(woken, streams.Count - Environment.ProcessorCount, streams.Count - 1);
        foreach (var stream in streams) stream.Dispose();
    }

    [Fact]
    public async Task Shared_FromManyThreads_NothingIsLost()
    {
        await using var plugin = await ScriptPlugin.LoadAsync("""request_headers: proxy_add_header_map_value 0 "x-seen" "1" """, InstancePolicy.Shared);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            for (int request = 0; request < 100; request++)
            {
                var exchange = Headers.Request();
                using var stream = plugin.Begin(exchange);
                stream.OnRequestHeaders(endOfStream: true);
                Assert.Equal("1", exchange.RequestHeaders.Value("x-seen"));
            }
        })));
        Assert.Equal(400, plugin.Plugin.Statistics.Streams);
    }

    [Fact]
    public async Task Shared_AStreamCanActForAnother_ThatIsHeld()
    {
        await using var plugin = await ScriptPlugin.LoadAsync("""
            request_headers: return 1
            response_headers: proxy_set_effective_context 2; proxy_get_header_map_value 0 "x-id" &s; proxy_continue_stream 0
            """, InstancePolicy.Shared);
        using var held = plugin.Begin(Headers.Request(("x-id", "held")));
        bool? continued = null;
        held.Waiter = new Told(isRequest => continued = isRequest);
        held.OnRequestHeaders(endOfStream: true);
        for (int attempt = 0; attempt < 100 && continued is null; attempt++)
        {
            // Until a stream comes to lie in the same instance.
            using var other = plugin.Begin();
            other.OnResponseHeaders(endOfStream: true);
        }

        Assert.True(continued);
        Assert.Contains("proxy_get_header_map_value=0 held", plugin.Log.Lines);
    }

    [Fact]
    public async Task Shared_DoneThatIsNotYet_KeepsTheContextUntilProxyDone()
    {
        await using var plugin = await ScriptPlugin.LoadAsync("""
            done: return 0
            log: say "logged"
            delete: say "deleted"
            response_headers: proxy_set_effective_context 2; proxy_done; proxy_done
            """, InstancePolicy.Shared);
        using (var first = plugin.Begin()) first.OnLog();
        Assert.Empty(plugin.Log.Lines);
        for (int attempt = 0; attempt < 100 && plugin.Log.Lines.Length < 5; attempt++)
        {
            plugin.Log.Clear();
            using var other = plugin.Begin();
            other.OnResponseHeaders(endOfStream: true);
        }

        Assert.Equal(["proxy_set_effective_context=0", "proxy_done=0", "proxy_done=1", "logged", "deleted"], plugin.Log.Lines);
    }

    [Fact]
    public async Task PerRequest_CallbacksOfTheEnd_ComeInOrder()
    {
        await using var plugin = await ScriptPlugin.LoadAsync("done: say \"done\"\nlog: say \"log\"\ndelete: say \"delete\"", InstancePolicy.PerRequest);
        using (var stream = plugin.Begin()) stream.OnLog();
        Assert.Equal(["done", "log", "delete"], plugin.Log.Lines);
    }

    [Fact]
    public async Task PerRequest_Ticks_ChangeWhatNewClonesSee()
    {
        var time = new VirtualTime(DateTimeOffset.UnixEpoch);
        await using var plugin = await ScriptPlugin.LoadAsync(
            "configure: proxy_set_tick_period_milliseconds 100; return 1\ntick: count\nrequest_headers: count", InstancePolicy.PerRequest, time: time);
        Assert.Equal(["count=1"], plugin.RunRequestHeaders());
        using var older = plugin.Begin();
        time.Advance(TimeSpan.FromMilliseconds(250));
        Assert.Equal(["count=3"], plugin.RunRequestHeaders());
        plugin.Log.Clear();
        older.OnRequestHeaders(endOfStream: true);
        Assert.Equal(["count=1"], plugin.Log.Lines);
    }

    [Fact]
    public async Task PerRequest_TicksThatAreDueDuringTheStart_WaitForItsEnd()
    {
        var log = new TestLog
        {
            Written = line =>
            {
                if (line == "slow") Thread.Sleep(100);
            },
        };
        await using var plugin = await ScriptPlugin.LoadAsync(
            "configure: proxy_set_tick_period_milliseconds 10; say \"slow\"; return 1\ntick: say \"tick\"", InstancePolicy.PerRequest, log: log);
        await WaitUntil(() => log.Lines.Contains("tick"));
        Assert.Empty(log.LinesAt(PluginLogLevel.Error));
    }

    [Fact]
    public async Task PerRequest_ATickThatTraps_LeavesRequestsServed()
    {
        var time = new VirtualTime(DateTimeOffset.UnixEpoch);
        await using var plugin = await ScriptPlugin.LoadAsync(
            "configure: proxy_set_tick_period_milliseconds 100; return 1\ntick: trap\nrequest_headers: say \"served\"", InstancePolicy.PerRequest, time: time);
        time.Advance(TimeSpan.FromMilliseconds(150));
        Assert.Equal(["proxy_on_tick trapped: unreachable"], plugin.Log.LinesAt(PluginLogLevel.Error).Select(Guest.WithoutPlace));

        // The service instance starts anew in the background and may log while this runs.
        Assert.Contains("served", plugin.RunRequestHeaders());
    }

    [Fact]
    public async Task Shared_Ticks_RunInTheInstances()
    {
        var time = new VirtualTime(DateTimeOffset.UnixEpoch);
        await using var plugin = await ScriptPlugin.LoadAsync(
            "configure: proxy_set_tick_period_milliseconds 100; return 1\ntick: count\nrequest_headers: count", InstancePolicy.Shared, time: time);
        time.Advance(TimeSpan.FromMilliseconds(350));
        Assert.Equal(["count=4"], plugin.RunRequestHeaders());
    }

    [Fact]
    public async Task Unloaded_BeginsNoStream_AndFailsOpenOnes()
    {
        var plugin = await ScriptPlugin.LoadAsync("", InstancePolicy.Shared);
        using var open = plugin.Begin();
        await plugin.DisposeAsync();
        Assert.Null(plugin.Plugin.TryBegin(Headers.Request(), out var failure));
        Assert.Equal(FailureKind.Load, failure!.Kind);
        Assert.Equal(FilterAction.Pause, open.OnRequestHeaders(endOfStream: true));
        Assert.Equal(FailureKind.Load, open.Failure!.Kind);
    }

    [Fact]
    public async Task PerRequest_Unloaded_AnOpenStreamGoesOn()
    {
        var plugin = await ScriptPlugin.LoadAsync("request_headers: say \"still here\"", InstancePolicy.PerRequest);
        using var open = plugin.Begin();
        await plugin.DisposeAsync();
        Assert.Null(plugin.Plugin.TryBegin(Headers.Request(), out _));
        open.OnRequestHeaders(endOfStream: true);
        Assert.Equal(["still here"], plugin.Log.Lines);
    }

    internal static async Task WaitUntil(Func<bool> condition)
    {
        for (int attempt = 0; attempt < 500; attempt++)
        {
            if (condition()) return;
            await Task.Delay(10);
        }

        Assert.Fail("did not come true within 5 seconds");
    }
}
