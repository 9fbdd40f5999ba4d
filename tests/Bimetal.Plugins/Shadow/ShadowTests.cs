// Shadows: both metals of reference plugins do the same; what differs is found, whatever it is; and nothing that a shadow does gets out.

using System.Text;
using Bimetal.Plugins.Bundles;
using Bimetal.Plugins.Bundles.Cases;
using Bimetal.Plugins.Failure;
using Bimetal.Plugins.ProxyWasm.State;
using Bimetal.Plugins.Shadow;
using Bimetal.Plugins.Streams;
using Bimetal.Testing;

namespace Bimetal.Plugins.Tests.Shadow;

public sealed class ShadowTests
{
    /// <summary>One reads clocks, one shared data, one bodies.</summary>
    [Theory]
    [InlineData("token-auth", Metal.Wasm)]
    [InlineData("token-auth", Metal.Native)]
    [InlineData("rate-decision", Metal.Wasm)]
    [InlineData("rate-decision", Metal.Native)]
    [InlineData("event-window", Metal.Native)]
    public async Task ReferencePlugins_DoTheSameOnBothMetals(string name, Metal primaryMetal)
    {
        var cancellation = TestContext.Current.CancellationToken;
        var folder = PluginFolder.Open(Path.Combine(Repository.Root, "plugins", name));
        await PluginBuilder.EnsureAsync(folder, cancellation: cancellation);
        foreach (var group in CaseReader.ReadAll(folder).GroupBy(one => one.Configuration))
        {
            var config = new PluginConfig
            {
                Name = name,
                Bundle = folder.Path,
                Trust = Trust.FirstParty,
                Metal = primaryMetal == Metal.Native ? MetalChoice.Native : MetalChoice.Wasm,
                Instance = InstancePolicy.PerRequest,
                Configuration = Encoding.UTF8.GetBytes(group.Key),
                Limits = new PluginLimits { CpuPerCallback = TimeSpan.FromSeconds(5) },
            };
            var clock = new CaseClock();
            clock.Set(group.First().Clock);
            var services = new PluginHostServices { Time = clock };
            await using var primary = await PluginLoader.LoadAsync(config, ShadowPlugin.Taped(services), cancellation);
            await using var shadow = await ShadowPlugin.LoadAsync(config, new ShadowConfig(primaryMetal == Metal.Native ? Metal.Wasm : Metal.Native, 1), services, cancellation);
            var sampled = new SampledPlugin(primary, shadow) { Name = name };
            int run = 0;
            foreach (var one in group)
            {
                clock.Set(one.Clock);
                CaseExchange.Run(sampled, one);
                run++;

                // The clock of the next case must not be there already, if the tape were not used.
                clock.Set(DateTimeOffset.UnixEpoch);
                await shadow.SettleAsync(cancellation);
            }

            var counts = shadow.Counts;
            Assert.True(counts.Different == 0, counts.Example);
            Assert.Equal(run, counts.Compared + shadow.Dropped);
            Assert.True(counts.Compared > 0);
        }
    }

    [Fact]
    public async Task SameCode_IsNoDifference()
    {
        await using var shadow = ShadowPlugin.Of(new LambdaPlugin(Standard) { Name = "s" }, 1);
        Assert.Null(await CompareAsync(Standard, shadow));
        Assert.Equal((1, 0, 0), (shadow.Counts.Compared, shadow.Counts.Different, shadow.Dropped));
    }

    [Theory]
    [InlineData("field", "RequestHeaders: request fields: x-one")]
    [InlineData("action", "RequestHeaders: the primary wanted Continue, the shadow Pause")]
    [InlineData("body", "RequestBody: the request body")]
    [InlineData("answer", "RequestHeaders: one gave an answer of its own")]
    [InlineData("fail", "RequestHeaders: the primary did not fail, the shadow failed (Trap)")]
    [InlineData("clock", "RequestHeaders: the shadow made another host call than the primary: clock, and the primary made: shared data read")]
    [InlineData("write", "RequestHeaders: the shadow gave another value: shared data write")]
    [InlineData("silent", "RequestHeaders: the shadow made 2 of the 3 host calls that the primary made; the next one was: shared data write")]
    public async Task EachDifference_IsFoundAndNamed(string what, string expected)
    {
        await using var shadow = ShadowPlugin.Of(new LambdaPlugin((callback, stream, fail, host) => Different(what, callback, stream, fail, host)) { Name = "s" }, 1);
        Assert.Equal(expected, await CompareAsync(Standard, shadow));
        Assert.Equal(1, shadow.Counts.Different);
    }

    [Fact]
    public async Task Tape_GivesTheShadowWhatThePrimaryGot_AndWritesNothing()
    {
        var store = new SharedDataStore();
        store.Set("k"u8, "primary"u8, 0);
        var seen = new List<string>();
        FilterAction Reads(StreamCallback callback, StreamView view, Action<FailureKind> fail, Host host)
        {
            store.TryGet("k"u8, out var value, out _);
            lock (seen) seen.Add($"{callback} {host.Time.GetUtcNow().Ticks} {Encoding.ASCII.GetString(value.Span)} {store.Set("k"u8, "next"u8, 0)}");
            return FilterAction.Continue;
        }

        await using var shadow = ShadowPlugin.Of(new LambdaPlugin(Reads) { Name = "s" }, 1);
        Assert.Null(await CompareAsync(Reads, shadow));
        Assert.Equal(4, seen.Count);
        Assert.Equal(seen[..2], seen[2..]);
        Assert.StartsWith("RequestHeaders ", seen[0], StringComparison.Ordinal);
        Assert.EndsWith(" primary Ok", seen[0], StringComparison.Ordinal);
        Assert.EndsWith(" next Ok", seen[1], StringComparison.Ordinal);

        // What the shadow wrote did not raise the number, either.
        store.TryGet("k"u8, out _, out uint cas);
        Assert.Equal(3u, cas);
    }

    [Fact]
    public async Task QueuesAndMetrics_AreReplayed_AndStayAsTheyWere()
    {
        var state = new PluginState();
        state.Queues.TryRegister("jobs"u8, null, out uint jobs);
        state.Queues.TryRegister("done"u8, null, out uint done);
        state.Metrics.TryDefine(PluginMetricKind.Counter, "requests"u8, out uint requests);
        state.Queues.Enqueue(jobs, "first"u8);
        state.Queues.Enqueue(jobs, "second"u8);
        var counter = state.Metrics.Find(requests)!;
        var seen = new List<string>();
        FilterAction Works(StreamCallback callback, StreamView view, Action<FailureKind> fail, Host host)
        {
            var status = state.Queues.Dequeue(jobs, out var item);
            counter.Increment(2);
            lock (seen) seen.Add($"{callback} {status} {Encoding.ASCII.GetString(item.Span)} {counter.Read()} {state.Queues.Enqueue(done, item.Span)}");
            return FilterAction.Continue;
        }

        await using var shadow = ShadowPlugin.Of(new LambdaPlugin(Works) { Name = "s" }, 1);
        Assert.Null(await CompareAsync(Works, shadow));
        Assert.Equal(["RequestHeaders Ok first 2 Ok", "RequestBody Ok second 4 Ok"], seen[..2]);
        Assert.Equal(seen[..2], seen[2..]);
        Assert.Equal(4, counter.Value);
        Assert.Equal(HostStatus.Empty, state.Queues.Dequeue(jobs, out _));
        Assert.Equal(HostStatus.Ok, state.Queues.Dequeue(done, out _));
        Assert.Equal(HostStatus.Ok, state.Queues.Dequeue(done, out _));
        Assert.Equal(HostStatus.Empty, state.Queues.Dequeue(done, out _));
    }

    [Theory]
    [InlineData("metric", "RequestHeaders: the shadow gave another value: metric change")]
    [InlineData("queue", "RequestHeaders: the shadow gave another value: queue write")]
    [InlineData("other", "RequestHeaders: the shadow made another host call than the primary: metric change, and the primary made: queue write")]
    public async Task QueuesAndMetrics_ThatDiffer_AreFoundAndNamed(string what, string expected)
    {
        var state = new PluginState();
        state.Queues.TryRegister("jobs"u8, null, out uint jobs);
        state.Metrics.TryDefine(PluginMetricKind.Counter, "requests"u8, out uint requests);
        FilterAction Works(bool isShadow)
        {
            if (!isShadow || what != "other") state.Queues.Enqueue(jobs, isShadow && what == "queue" ? "other"u8 : "job"u8);
            state.Metrics.Find(requests)!.Increment(isShadow && what == "metric" ? 2 : 1);
            return FilterAction.Continue;
        }

        await using var shadow = ShadowPlugin.Of(new LambdaPlugin((_, _, _, _) => Works(isShadow: true)) { Name = "s" }, 1);
        Assert.Equal(expected, await CompareAsync((_, _, _, _) => Works(isShadow: false), shadow));
    }

    [Fact]
    public async Task ExamplesSayWhere_NotWhat()
    {
        await using var shadow = ShadowPlugin.Of(new LambdaPlugin((callback, stream, fail, host) =>
        {
            var action = Standard(callback, stream, fail, host);
            stream.Stream.RequestHeaders.SetCopy("authorization"u8, "Bearer secret-of-the-shadow"u8);
            return action;
        }) { Name = "s" }, 1);
        string? example = await CompareAsync(Standard, shadow);
        Assert.Contains("authorization", example);
        Assert.DoesNotContain("secret", example, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TooLargeExchange_IsDropped_NotCompared()
    {
        await using var shadow = ShadowPlugin.Of(new LambdaPlugin(Standard) { Name = "s" }, 1);
        await CompareAsync(Standard, shadow, bodyBytes: 3 << 20);
        Assert.Equal((0, 1), (shadow.Counts.Compared, shadow.Dropped));
    }

    [Fact]
    public async Task NothingSampled_CostsNothing_AndComparesNothing()
    {
        await using var shadow = ShadowPlugin.Of(new LambdaPlugin(Standard) { Name = "s" }, 0);
        await CompareAsync(Standard, shadow);
        Assert.Equal((0, 0), (shadow.Counts.Compared, shadow.Dropped));
    }

    [Fact]
    public async Task ThirdParty_NeverShadowsNative()
    {
        var config = new PluginConfig { Name = "p", Bundle = "/p" };
        var error = await Assert.ThrowsAsync<PluginLoadException>(() => ShadowPlugin.LoadAsync(config, new ShadowConfig(Metal.Native, 1), new PluginHostServices { Engine = Guests.Guest.Engine }, TestContext.Current.CancellationToken));
        Assert.Contains("never runs native, not as a shadow either", error.Message);
    }

    private static FilterAction Standard(StreamCallback callback, StreamView view, Action<FailureKind> fail, Host host)
    {
        if (callback == StreamCallback.RequestHeaders)
        {
            view.ReplaceHeader(HeaderMapKind.RequestHeaders, "x-one"u8, "1"u8);
            host.Data.TryGet("k"u8, out _, out _);
            long now = host.Time.GetUtcNow().Ticks;
            host.Data.Set("k"u8, BitConverter.GetBytes(now), 0);
        }
        else if (callback == StreamCallback.RequestBody)
        {
            view.RequestBody.TryReplace(0, 1, "X"u8);
        }

        return FilterAction.Continue;
    }

    private static FilterAction Different(string what, StreamCallback callback, StreamView view, Action<FailureKind> fail, Host host)
    {
        bool isHeaders = callback == StreamCallback.RequestHeaders;
        if (isHeaders && what == "clock") host.Time.GetUtcNow();
        if (isHeaders && what is "write" or "silent")
        {
            view.ReplaceHeader(HeaderMapKind.RequestHeaders, "x-one"u8, "1"u8);
            host.Data.TryGet("k"u8, out _, out _);
            host.Time.GetUtcNow();
            if (what == "write") host.Data.Set("k"u8, "other"u8, 0);
            return FilterAction.Continue;
        }

        var action = Standard(callback, view, fail, host);
        if (isHeaders && what == "field") view.ReplaceHeader(HeaderMapKind.RequestHeaders, "x-one"u8, "2"u8);
        if (isHeaders && what == "answer") view.SendLocalResponse(403, new HeaderMap(), default, -1);
        if (isHeaders && what == "fail") fail(FailureKind.Trap);
        if (!isHeaders && what == "body") view.RequestBody.TryReplace(0, 1, "Y"u8);
        return isHeaders && what == "action" ? FilterAction.Pause : action;
    }

    /// <summary>Runs one exchange on the primary and waits for the shadow; the first difference.</summary>
    private static async Task<string?> CompareAsync(LambdaCallback primary, ShadowPlugin shadow, int bodyBytes = 10)
    {
        var plugin = new LambdaPlugin(primary) { Name = "p" };
        var exchange = new HttpStream();
        exchange.RequestHeaders.AddCopy(":method"u8, "POST"u8);
        using (var stream = plugin.TryBegin(exchange, out _)!)
        {
            shadow.Sample(stream);
            stream.OnRequestHeaders(endOfStream: false);
            stream.RequestBody.TryAppend(new byte[bodyBytes]);
            stream.OnRequestBody(endOfStream: true);

            // The exchange goes on after the plugin's part: the shadow must not see it.
            exchange.RequestHeaders.Clear();
        }

        await shadow.SettleAsync(TestContext.Current.CancellationToken);
        return shadow.Counts.Example;
    }

    private sealed record Host(SharedDataStore Data, TimeProvider Time);

    private delegate FilterAction LambdaCallback(StreamCallback callback, StreamView view, Action<FailureKind> fail, Host host);

    private sealed class LambdaPlugin(LambdaCallback callback) : Plugin
    {
        private static readonly TimeProvider Clock = new TapedTime(TimeProvider.System);

        private readonly Host _host = new(new SharedDataStore(), Clock);

        public override Metal Metal => Metal.Wasm;

        public override PluginStream? TryBegin(HttpStream stream, out PluginFailure? failure)
        {
            failure = null;
            return new LambdaStream(this, stream, callback, _host);
        }

        public override ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }

    private sealed class LambdaStream(LambdaPlugin plugin, HttpStream stream, LambdaCallback made, Host host) : PluginStream(plugin, stream, 8 << 20)
    {
        protected override FilterAction Invoke(StreamCallback callback, int size, bool endOfStream)
        {
            View.Enter(callback, endOfStream);
            return View.Leave(made(callback, View, kind => Fail(new PluginFailure(kind, "the test wants it")), host));
        }

        protected override void Release()
        {
        }
    }

    /// <summary>A plugin all of whose streams are offered to its shadow.</summary>
    private sealed class SampledPlugin(Plugin plugin, ShadowPlugin shadow) : Plugin
    {
        public override Metal Metal => plugin.Metal;

        public override PluginStream? TryBegin(HttpStream stream, out PluginFailure? failure)
        {
            var begun = plugin.TryBegin(stream, out failure);
            if (begun is not null) shadow.Sample(begun);
            return begun;
        }

        public override ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
