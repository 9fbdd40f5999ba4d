// Shared data, queues and metrics of a plugin.

using Bimetal.Plugins.ProxyWasm.State;
using Bimetal.Plugins.Streams;

namespace Bimetal.Plugins.Tests.ProxyWasm;

public sealed class PluginStateTests
{
    [Fact]
    public void SharedData_SwapNeedsTheCurrentNumber()
    {
        var data = new SharedDataStore();
        Assert.Equal(HostStatus.Ok, data.Set("k"u8, "1"u8, 0));
        Assert.True(data.TryGet("k"u8, out _, out uint first));
        Assert.NotEqual(0u, first);
        Assert.Equal(HostStatus.Ok, data.Set("k"u8, "2"u8, first));
        Assert.Equal(HostStatus.CasMismatch, data.Set("k"u8, "3"u8, first));
        Assert.True(data.TryGet("k"u8, out var value, out _));
        Assert.Equal("2"u8.ToArray(), value.ToArray());
        Assert.Equal(HostStatus.CasMismatch, data.Set("absent"u8, "x"u8, 5));
    }

    [Fact]
    public async Task SharedData_SwapsFromManyThreads_LoseNothing()
    {
        var data = new SharedDataStore();
        data.Set("n"u8, BitConverter.GetBytes(0), 0);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            for (int added = 0; added < 1000;)
            {
                data.TryGet("n"u8, out var value, out uint cas);
                if (data.Set("n"u8, BitConverter.GetBytes(BitConverter.ToInt32(value.Span) + 1), cas) == HostStatus.Ok) added++;
            }
        })));
        data.TryGet("n"u8, out var total, out _);
        Assert.Equal(4000, BitConverter.ToInt32(total.Span));
    }

    [Fact]
    public void SharedData_StopsAtItsByteLimit()
    {
        var data = new SharedDataStore();
        byte[] chunk = new byte[1 << 20];
        int stored = 0;
        while (stored < 100 && data.Set([(byte)stored], chunk, 0) == HostStatus.Ok) stored++;
        Assert.Equal((new PluginQuotas().SharedDataBytes / chunk.Length) - 1, stored);
        Assert.Equal(HostStatus.Ok, data.Set([0], default, 0));
        Assert.Equal(HostStatus.Ok, data.Set([(byte)stored], chunk, 0));
    }

    [Fact]
    public void Queues_GiveItemsBackInOrder()
    {
        var queues = new SharedQueues();
        Assert.True(queues.TryRegister("q"u8, listener: null, out uint id));
        Assert.True(queues.TryRegister("q"u8, listener: null, out uint again));
        Assert.Equal(id, again);
        Assert.True(queues.TryResolve("q"u8, out uint resolved));
        Assert.Equal(id, resolved);
        Assert.False(queues.TryResolve("other"u8, out _));
        queues.Enqueue(id, "1"u8);
        queues.Enqueue(id, "2"u8);
        Assert.Equal(HostStatus.Ok, queues.Dequeue(id, out var item));
        Assert.Equal("1"u8.ToArray(), item.ToArray());
        Assert.Equal(HostStatus.Ok, queues.Dequeue(id, out _));
        Assert.Equal(HostStatus.Empty, queues.Dequeue(id, out _));
        Assert.Equal(HostStatus.NotFound, queues.Dequeue(id + 1, out _));
        Assert.Equal(HostStatus.NotFound, queues.Enqueue(0, default));
    }

    [Fact]
    public void Queues_StopAtTheirItemLimit()
    {
        var queues = new SharedQueues();
        queues.TryRegister("q"u8, listener: null, out uint id);
        for (int item = 0; item < SharedQueues.MaximumItemCount; item++) Assert.Equal(HostStatus.Ok, queues.Enqueue(id, default));
        Assert.Equal(HostStatus.InternalFailure, queues.Enqueue(id, default));
    }

    [Fact]
    public void Metrics_OfEachKind_KeepTheirRules()
    {
        var metrics = new PluginMetrics();
        Assert.True(metrics.TryDefine(PluginMetricKind.Counter, "c"u8, out uint counter));
        Assert.True(metrics.TryDefine(PluginMetricKind.Gauge, "g"u8, out uint gauge));
        Assert.True(metrics.TryDefine(PluginMetricKind.Histogram, "h"u8, out uint histogram));
        Assert.True(metrics.TryDefine(PluginMetricKind.Counter, "c"u8, out uint again));
        Assert.Equal(counter, again);
        Assert.Equal(HostStatus.Ok, metrics.Find(counter)!.Increment(3));
        Assert.Equal(HostStatus.BadArgument, metrics.Find(counter)!.Increment(-1));
        Assert.Equal(HostStatus.Ok, metrics.Find(gauge)!.Increment(-4));
        Assert.Equal(HostStatus.BadArgument, metrics.Find(histogram)!.Increment(1));
        metrics.Find(histogram)!.Record(1000);
        Assert.Equal(3, metrics.Find(counter)!.Value);
        Assert.Equal(-4, metrics.Find(gauge)!.Value);
        Assert.Equal(1, metrics.Find(histogram)!.Histogram!.Count);
        Assert.Null(metrics.Find(0));
        Assert.Null(metrics.Find(99));
    }
}
