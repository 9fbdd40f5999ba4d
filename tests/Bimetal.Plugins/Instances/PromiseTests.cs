// Lines of docs/promises.md about wasm instances that no other test shows.

using Bimetal.Plugins.Failure;
using Bimetal.Plugins.ProxyWasm;
using Bimetal.Plugins.Streams;
using Bimetal.Plugins.Tests.Guests;
using Bimetal.Plugins.Tests.Streams;
using Bimetal.Testing;

namespace Bimetal.Plugins.Tests.Instances;

public sealed class PromiseTests
{
    private static readonly PluginLimits s_limits = new() { CpuPerCallback = TimeSpan.FromSeconds(10), Start = TimeSpan.FromSeconds(10) };

    [Fact]
    public async Task PerRequest_QueueCallback_ChangesWhatNewClonesSee()
    {
        await using var plugin = await ScriptPlugin.LoadAsync(
            "configure: proxy_register_shared_queue \"q\" &i; return 1\nqueue_ready: count; say \"told\"\nrequest_headers: count\nlog: proxy_enqueue_shared_queue 1 \"x\"", InstancePolicy.PerRequest);
        Assert.Equal(["count=1"], plugin.RunRequestHeaders());
        using (var stream = plugin.Begin()) stream.OnLog();
        for (int attempt = 0; !plugin.Log.Lines.Contains("told"); attempt++)
        {
            Assert.True(attempt < 3000, "was not told of the item within 30 s");
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }

        // The snapshot is taken a moment after the callback.
        for (int attempt = 0; plugin.RunRequestHeaders()[0] != "count=2"; attempt++)
        {
            Assert.True(attempt < 3000, "the snapshot was not taken anew within 30 s");
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }
    }

    [Fact]
    public async Task PerRequest_APausedStream_HoldsItsClone()
    {
        await using var plugin = await ScriptPlugin.LoadAsync("request_headers: count; return 1\nresponse_headers: count", InstancePolicy.PerRequest, s_limits with { Instances = 1 });

        // A newer snapshot has instances of its own, beside those of the one before that are still out; a first one comes soon after the load.
        await InstanceTests.WaitUntil(() => ((WasmPlugin)plugin.Plugin).HasStreamContexts);
        var paused = plugin.Begin();
        Assert.Equal(FilterAction.Pause, paused.OnRequestHeaders(endOfStream: true));
        Assert.Null(plugin.Plugin.TryBegin(Headers.Request(), out var failure));
        Assert.Equal(FailureKind.Load, failure!.Kind);

        // What it was is still there when the stream goes on, and gone with it.
        paused.OnResponseHeaders(endOfStream: true);
        Assert.Equal(["count=1", "count=2"], plugin.Log.Lines);
        paused.Dispose();
        Assert.Equal(["count=1"], plugin.RunRequestHeaders());
    }

    [Fact]
    public async Task Clones_NeverDrawTheSameRandomBytes()
    {
        const int Together = 64, Rounds = 8;
        await using var plugin = await ScriptPlugin.LoadAsync("", InstancePolicy.PerRequest, bundle: Guest.FromWat("draws.wasm", Drawing("", "(call $draw) (i32.const 1)")));
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (int round = 0; round < Rounds; round++)
        {
            // Clones side by side, and clones that were reset.
            var streams = Enumerable.Range(0, Together).Select(_ => plugin.Begin()).ToList();
            foreach (var stream in streams)
            {
                stream.OnRequestHeaders(endOfStream: true);
                Assert.True(seen.Add(Convert.ToHexString(stream.LocalResponse!.Body.Span)));
                stream.Dispose();
            }
        }

        Assert.Equal(Together * Rounds, seen.Count);
    }

    [Fact]
    public async Task PerRequest_RandomInATick_IsReported()
    {
        var time = new VirtualTime(DateTimeOffset.UnixEpoch);
        var log = new TestLog();
        const string Tick = """
            (func (export "proxy_on_configure") (param i32 i32) (result i32) (drop (call $period (i32.const 100))) (i32.const 1))
            (func (export "proxy_on_tick") (param i32) (drop (call $random (i32.const 0) (i32.const 8))))
            """;
        await using var plugin = await ScriptPlugin.LoadAsync("", InstancePolicy.PerRequest, time: time, bundle: Guest.FromWat("tick-draws.wasm", Drawing(Tick, "(i32.const 0)")), log: log);
        Assert.Empty(log.LinesAt(PluginLogLevel.Warn));
        for (int tick = 0; tick < 3; tick++) time.Advance(TimeSpan.FromMilliseconds(100));
        Assert.Contains("drew random bytes", Assert.Single(log.LinesAt(PluginLogLevel.Warn)), StringComparison.Ordinal);
    }

    private static string Drawing(string functions, string onRequestHeaders) => $"""
        (module
          (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
          (import "env" "proxy_send_local_response" (func $answer (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
          (import "env" "proxy_set_tick_period_milliseconds" (func $period (param i32) (result i32)))
          (memory (export "memory") 1)
          (func $draw
            (drop (call $random (i32.const 0) (i32.const 16)))
            (drop (call $answer (i32.const 200) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 16) (i32.const 0) (i32.const 0) (i32.const -1))))
          (func (export "proxy_abi_version_0_2_1"))
          {functions}
          (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) {onRequestHeaders}))
        """;
}
