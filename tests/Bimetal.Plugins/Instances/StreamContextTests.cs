// Clones come with the context of their stream, unless making it needs the host.

using Bimetal.Plugins.Failure;
using Bimetal.Plugins.ProxyWasm;
using Bimetal.Plugins.Tests.Guests;
using Bimetal.Plugins.Tests.Streams;
using Bimetal.Testing;

namespace Bimetal.Plugins.Tests.Instances;

public sealed class StreamContextTests
{
    [Fact]
    public async Task ContextThatNeedsNoHost_IsInTheSnapshot()
    {
        await using var plugin = await ScriptPlugin.LoadAsync("context_create: bump; grow 0; bump\nrequest_headers: count", InstancePolicy.PerRequest);
        await InstanceTests.WaitUntil(() => ((WasmPlugin)plugin.Plugin).NeedsHostForContexts);    // grow says what it did
        await using var quiet = await ScriptPlugin.LoadAsync("context_create: bump; bump\nrequest_headers: count", InstancePolicy.PerRequest);
        await InstanceTests.WaitUntil(() => ((WasmPlugin)quiet.Plugin).HasStreamContexts);
        Assert.False(((WasmPlugin)quiet.Plugin).NeedsHostForContexts);
        for (int request = 0; request < 3; request++)
        {
            Assert.Equal(["count=3"], quiet.RunRequestHeaders());
            Assert.Equal(["grow=2", "count=3"], plugin.RunRequestHeaders().Select(line => line.StartsWith("grow", StringComparison.Ordinal) ? "grow=2" : line));
        }
    }

    [Fact]
    public async Task ContextThatCallsTheHost_DoesSoOncePerStream_AndNotAtTheStart()
    {
        await using var plugin = await ScriptPlugin.LoadAsync("""context_create: proxy_enqueue_shared_queue 1 "x"; count; print "made" """, InstancePolicy.PerRequest);
        await InstanceTests.WaitUntil(() => ((WasmPlugin)plugin.Plugin).NeedsHostForContexts);
        Assert.Empty(plugin.Log.Lines);
        for (int request = 0; request < 3; request++)
        {
            plugin.Log.Clear();
            plugin.Begin().Dispose();
            Assert.Equal(3, plugin.Log.Lines.Length);
        }
    }

    [Theory]
    [InlineData("trap", FailureKind.Trap)]
    [InlineData("loop", FailureKind.Timeout)]
    public async Task ContextThatFails_FailsEachStream(string command, FailureKind kind)
    {
        var limits = new PluginLimits { CpuPerCallback = TimeSpan.FromMilliseconds(20), Start = TimeSpan.FromSeconds(10) };
        await using var plugin = await ScriptPlugin.LoadAsync($"context_create: {command}", InstancePolicy.PerRequest, limits);
        for (int request = 0; request < 2; request++)
        {
            Assert.Null(plugin.Plugin.TryBegin(Headers.Request(), out var failure));
            Assert.Equal(kind, failure!.Kind);
        }
    }

    /// <summary>What a tick taught the service instance is in the contexts that are made after it.</summary>
    [Fact]
    public async Task ContextsAreMadeAnew_WhenTheServiceInstanceHasTicked()
    {
        var time = new VirtualTime(DateTimeOffset.UnixEpoch);
        await using var plugin = await ScriptPlugin.LoadAsync(
            "configure: proxy_set_tick_period_milliseconds 100; return 1\ntick: bump\ncontext_create: bump\nrequest_headers: count", InstancePolicy.PerRequest, time: time);
        await InstanceTests.WaitUntil(() => ((WasmPlugin)plugin.Plugin).HasStreamContexts);
        Assert.Equal(["count=2"], plugin.RunRequestHeaders());
        time.Advance(TimeSpan.FromMilliseconds(100));
        Assert.Equal(["count=3"], plugin.RunRequestHeaders());
        await InstanceTests.WaitUntil(() => ((WasmPlugin)plugin.Plugin).HasStreamContexts);
        Assert.Equal(["count=3"], plugin.RunRequestHeaders());
    }

    /// <summary>A clone is thrown away: what its plugin would free there need not be freed.</summary>
    [Theory]
    [InlineData(InstancePolicy.PerRequest, 1, 0)]
    [InlineData(InstancePolicy.PerRequest, 0, 1)]
    [InlineData(InstancePolicy.Shared, 1, 1)]
    public async Task Delete_OfAPluginThatSaysItOnlyFrees_IsLeftOutInAClone(InstancePolicy instance, int says, int deletes)
    {
        // Its proxy_on_delete traps.
        string module = Guest.FromWat($"deletes{instance}{says}.wasm", $$"""
            (module
              (memory (export "memory") 1)
              (func (export "proxy_abi_version_0_2_1"))
              (func (export "bimetal_delete_frees") (result i32) (i32.const {{says}}))
              (func (export "proxy_on_delete") (param i32) unreachable))
            """);
        await using var plugin = await ScriptPlugin.LoadAsync("", instance, bundle: module);
        plugin.Begin().Dispose();
        Assert.Equal(deletes, plugin.Plugin.Statistics.FailuresOf(FailureKind.Trap));
    }
}
