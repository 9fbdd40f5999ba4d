// What one plugin may use of the host: every quota of docs/limits.md refuses what passes it, and the table says what the code has.

using System.Globalization;
using System.Text;
using Bimetal.Plugins.Failure;
using Bimetal.Plugins.ProxyWasm.State;
using Bimetal.Plugins.Streams;
using Bimetal.Plugins.Tests.Guests;
using Bimetal.Plugins.Tests.Streams;
using Bimetal.Testing;

namespace Bimetal.Plugins.Tests;

public sealed class QuotaTests
{
    private static readonly PluginQuotas s_small = new()
    {
        SharedKeys = 2, SharedDataBytes = 100, Queues = 1, QueueDataBytes = 10, Metrics = 1, Callouts = 1, LogBytesPerSecond = 20, HeldBodyBytes = 1000,
    };

    [Fact]
    public void Table_SaysWhatTheCodeHas()
    {
        var defaults = new PluginQuotas();
        (string Name, long Value)[] known =
        [
            ("shared_keys", defaults.SharedKeys), ("shared_data", defaults.SharedDataBytes), ("queues", defaults.Queues), ("queue_data", defaults.QueueDataBytes),
            ("metrics", defaults.Metrics), ("callouts", defaults.Callouts), ("log_rate", defaults.LogBytesPerSecond), ("held_bodies", defaults.HeldBodyBytes),
        ];
        string[][] rows = [.. File.ReadLines(Path.Combine(Repository.Root, "docs/limits.md")).Where(line => line.StartsWith("| limits.", StringComparison.Ordinal)).Select(line => line.Split('|', StringSplitOptions.TrimEntries))];
        Assert.Equal(known.Select(one => ("limits." + one.Name, one.Value.ToString("N0", CultureInfo.InvariantCulture))), rows.Select(row => (row[1], row[2])));
        var tests = typeof(QuotaTests).GetMethods().Select(method => method.Name).ToHashSet(StringComparer.Ordinal);
        Assert.All(rows, row => Assert.Contains(row[5].Trim('`'), tests));
    }

    [Fact]
    public void SharedKeys_OneMore_IsRefusedAndTheOthersStay()
    {
        var data = new SharedDataStore { Quotas = s_small };
        Assert.Equal(HostStatus.Ok, data.Set("a"u8, "1"u8, 0));
        Assert.Equal(HostStatus.Ok, data.Set("b"u8, "1"u8, 0));
        Assert.Equal(HostStatus.InternalFailure, data.Set("c"u8, "1"u8, 0));
        Assert.Equal(HostStatus.Ok, data.Set("a"u8, "2"u8, 0));
        Assert.True(data.TryGet("b"u8, out _, out _));
    }

    [Fact]
    public void SharedData_OneByteMore_IsRefused()
    {
        var data = new SharedDataStore { Quotas = s_small };
        Assert.Equal(HostStatus.InternalFailure, data.Set("k"u8, new byte[100], 0));
        Assert.Equal(HostStatus.Ok, data.Set("k"u8, new byte[99], 0));

        // What a smaller quota no longer allows stays, and can shrink.
        data.Quotas = s_small with { SharedDataBytes = 10 };
        Assert.Equal(HostStatus.Ok, data.Set("k"u8, new byte[50], 0));
        Assert.Equal(HostStatus.InternalFailure, data.Set("k"u8, new byte[51], 0));
    }

    [Fact]
    public void Queues_OneMore_IsRefused()
    {
        var queues = new SharedQueues { Quotas = s_small };
        Assert.True(queues.TryRegister("a"u8, listener: null, out _));
        Assert.True(queues.TryRegister("a"u8, listener: null, out _));
        Assert.False(queues.TryRegister("b"u8, listener: null, out _));
    }

    [Fact]
    public void QueueData_OneByteMore_IsRefusedUntilSomethingIsTaken()
    {
        var queues = new SharedQueues { Quotas = s_small };
        queues.TryRegister("a"u8, listener: null, out uint id);
        Assert.Equal(HostStatus.Ok, queues.Enqueue(id, new byte[6]));
        Assert.Equal(HostStatus.InternalFailure, queues.Enqueue(id, new byte[5]));
        queues.Dequeue(id, out _);
        Assert.Equal(HostStatus.Ok, queues.Enqueue(id, new byte[5]));
    }

    [Fact]
    public void Metrics_OneMore_IsRefused()
    {
        var metrics = new PluginMetrics { Quotas = s_small };
        Assert.True(metrics.TryDefine(PluginMetricKind.Counter, "a"u8, out uint id));
        Assert.True(metrics.TryDefine(PluginMetricKind.Counter, "a"u8, out uint again));
        Assert.Equal(id, again);
        Assert.False(metrics.TryDefine(PluginMetricKind.Gauge, "a"u8, out _));
    }

    [Fact]
    public async Task Quotas_OfTheConfiguration_HoldForAGuestsOwnCalls()
    {
        const string Script = "request_headers: proxy_set_shared_data \"a\" \"1\" 0; proxy_set_shared_data \"b\" \"1\" 0; proxy_set_shared_data \"c\" \"1\" 0";
        var limits = new PluginLimits { CpuPerCallback = TimeSpan.FromSeconds(10), Start = TimeSpan.FromSeconds(10), Quotas = s_small with { LogBytesPerSecond = 1 << 20 } };
        await using var plugin = await ScriptPlugin.LoadAsync(Script, limits: limits);
        Assert.Equal(["proxy_set_shared_data=0", "proxy_set_shared_data=0", "proxy_set_shared_data=10"], plugin.RunRequestHeaders());
    }

    [Fact]
    public void LogRate_LinesBeyondIt_AreLeftOutAndCounted()
    {
        var time = new VirtualTime(DateTimeOffset.UnixEpoch);
        var log = new TestLog();
        var services = new PluginHostServices { Log = log, Time = time };
        var state = new PluginStates().Of("p", s_small);
        for (int line = 0; line < 5; line++) state.Log(services, "p", PluginLogLevel.Info, "eight by"u8);
        Assert.Equal(2, log.Lines.Length);
        time.Advance(TimeSpan.FromSeconds(1));
        state.Log(services, "p", PluginLogLevel.Info, "again"u8);
        Assert.Equal("again", log.Lines[^1]);
        Assert.Equal(["3 lines were left out: limits.log_rate is 20 bytes a second"], log.LinesAt(PluginLogLevel.Warn));
    }

    [Fact]
    public void HeldBodies_BeyondIt_AreRefusedUntilAStreamEnds()
    {
        var quota = new ByteQuota { LimitBytes = s_small.HeldBodyBytes };
        var first = new BodyBuffer(1 << 20, quota);
        var second = new BodyBuffer(1 << 20, quota);
        Assert.True(first.TryAppend(new byte[600]));
        Assert.False(second.TryAppend(new byte[600]));
        Assert.True(second.IsQuotaUsedUp);
        Assert.Equal(0, second.Length);
        first.Release();
        Assert.True(second.TryAppend(new byte[600]));
        Assert.False(second.IsQuotaUsedUp);
        second.Release();
        Assert.Equal(0, quota.UsedBytes);
    }

    [Fact]
    public async Task HeldBodies_AreGivenBackWithTheStream()
    {
        await using var plugin = await ScriptPlugin.LoadAsync("request_headers: return 1; request_body: return 1");
        var state = ((Bimetal.Plugins.ProxyWasm.WasmPlugin)plugin.Plugin).State;
        var stream = plugin.Begin();
        Assert.True(stream.RequestBody.TryAppend(Encoding.ASCII.GetBytes("held")));
        Assert.True(state.HeldBodies.UsedBytes >= 4);
        stream.Dispose();
        Assert.Equal(0, state.HeldBodies.UsedBytes);
    }

    [Theory]
    [InlineData(InstancePolicy.PerRequest)]
    [InlineData(InstancePolicy.Shared)]
    public async Task PluginMemory_AtTheStart_RefusesThePlugin(InstancePolicy instance)
    {
        var states = new PluginStates();
        states.Memory.LimitBytes = 65_536;
        var error = await Assert.ThrowsAsync<PluginLoadException>(() => ScriptPlugin.LoadAsync("request_headers: return 0", instance, states: states));
        Assert.Contains("would pass plugin_memory", error.Message, StringComparison.Ordinal);
        Assert.Equal(0, states.Memory.UsedBytes);
    }

    [Fact]
    public async Task PluginMemory_OneCloneMore_IsRefused_UntilOneIsBack()
    {
        var states = new PluginStates();
        await using (var plugin = await ScriptPlugin.LoadAsync("request_headers: return 0", InstancePolicy.PerRequest, states: states))
        {
            states.Memory.LimitBytes = states.Memory.UsedBytes;
            var streams = Enumerable.Range(0, plugin.Plugin.Instances.Existing).Select(_ => plugin.Begin()).ToList();
            Assert.Null(plugin.Plugin.TryBegin(Headers.Request(), out var failure));
            Assert.Equal(FailureKind.Load, failure!.Kind);
            Assert.Contains("would pass plugin_memory", failure.Detail, StringComparison.Ordinal);
            streams[0].Dispose();
            streams[0] = plugin.Begin();
            foreach (var stream in streams) stream.Dispose();
        }

        Assert.Equal(0, states.Memory.UsedBytes);
    }

    [Fact]
    public async Task PluginMemory_Growth_IsRefused_AndWhatWasGrownComesBack()
    {
        var states = new PluginStates();
        await using var plugin = await ScriptPlugin.LoadAsync("request_headers: grow 3; grow 3", InstancePolicy.PerRequest, states: states);
        long before = states.Memory.UsedBytes;
        states.Memory.LimitBytes = before + (4 * 65_536);
        string[] answers = plugin.RunRequestHeaders();
        Assert.NotEqual("grow=4294967295", answers[0]);
        Assert.Equal("grow=4294967295", answers[1]);
        Assert.Equal(before, states.Memory.UsedBytes);
    }

    [Fact]
    public async Task Callouts_BeyondTheQuota_AreRefused()
    {
        var limits = new PluginLimits { CpuPerCallback = TimeSpan.FromSeconds(10), Start = TimeSpan.FromSeconds(10), Quotas = s_small };
        await using var plugin = await ScriptPlugin.LoadAsync("request_headers: return 0", limits: limits);
        var wasm = (Bimetal.Plugins.ProxyWasm.WasmPlugin)plugin.Plugin;
        Assert.True(wasm.State.TryBeginCallout());
        Assert.False(wasm.State.TryBeginCallout());
        wasm.State.EndCallout();
        Assert.True(wasm.State.TryBeginCallout());
    }
}
