// Metrics, queues and the tick for native plugins: the same stores as those of the wasm metal, under the same quotas.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Bimetal.Plugins.ProxyWasm.State;
using Bimetal.Plugins.Streams;

namespace Bimetal.Plugins.Native;

internal static unsafe partial class NativeHost
{
    // SAFETY: as said in NativeHost.cs.
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int MetricDefine(nint handle, uint kind, byte* name, nuint nameLength, uint* metric)
    {
        NativePlugin? plugin = null;
        try
        {
            plugin = NativePlugin.FromHandle(handle);
            if (plugin is null || metric is null || kind > (uint)PluginMetricKind.Histogram || !TryRead(name, nameLength, out var nameBytes)) return BadArgument;
            if (!plugin.State.Metrics.TryDefine((PluginMetricKind)kind, nameBytes, out uint id)) return Internal;
            *metric = id;
            return Ok;
        }
        catch (Exception exception)
        {
            return Caught(plugin, exception);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int MetricIncrement(nint handle, uint metric, long offset)
    {
        var plugin = NativePlugin.FromHandle(handle);
        if (plugin is null) return BadArgument;
        return plugin.State.Metrics.Find(metric) is { } found ? (int)found.Increment(offset) : NotFound;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int MetricRecord(nint handle, uint metric, ulong value)
    {
        var plugin = NativePlugin.FromHandle(handle);
        if (plugin is null) return BadArgument;
        if (plugin.State.Metrics.Find(metric) is not { } found) return NotFound;
        found.Record(value);
        return Ok;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int MetricGet(nint handle, uint metric, ulong* value)
    {
        var plugin = NativePlugin.FromHandle(handle);
        if (plugin is null || value is null) return BadArgument;
        if (plugin.State.Metrics.Find(metric) is not { } found) return NotFound;
        if (found.Kind == PluginMetricKind.Histogram) return BadArgument;
        *value = (ulong)found.Read();
        return Ok;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int QueueOpen(nint handle, byte* name, nuint nameLength, uint* queue)
    {
        NativePlugin? plugin = null;
        try
        {
            plugin = NativePlugin.FromHandle(handle);
            if (plugin is null || queue is null || !TryRead(name, nameLength, out var nameBytes)) return BadArgument;
            if (!plugin.State.Queues.TryRegister(nameBytes, plugin.CreateQueueListener(), out uint id)) return Internal;
            *queue = id;
            return Ok;
        }
        catch (Exception exception)
        {
            return Caught(plugin, exception);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int QueuePush(nint handle, uint queue, byte* item, nuint length)
    {
        NativePlugin? plugin = null;
        try
        {
            plugin = NativePlugin.FromHandle(handle);
            return plugin is null || !TryRead(item, length, out var bytes) ? BadArgument : (int)plugin.State.Queues.Enqueue(queue, bytes);
        }
        catch (Exception exception)
        {
            return Caught(plugin, exception);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int QueuePop(nint handle, uint queue, byte* item, nuint capacity, nuint* length)
    {
        NativePlugin? plugin = null;
        try
        {
            plugin = NativePlugin.FromHandle(handle);
            if (plugin is null || length is null || (item is null && capacity != 0)) return BadArgument;
            var status = plugin.State.Queues.Dequeue(queue, out var taken);
            if (status != HostStatus.Ok) return (int)status;

            // SAFETY: item has room for capacity bytes, says bimetal.h; at most that many are written.
            var part = taken.Span[..(int)Math.Min(capacity, (nuint)taken.Length)];
            part.CopyTo(new Span<byte>(item, part.Length));
            *length = (nuint)taken.Length;
            return Ok;
        }
        catch (Exception exception)
        {
            return Caught(plugin, exception);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int TickEvery(nint handle, uint periodMs)
    {
        NativePlugin? plugin = null;
        try
        {
            plugin = NativePlugin.FromHandle(handle);
            return plugin is null ? BadArgument : (int)plugin.SetTickPeriod(periodMs);
        }
        catch (Exception exception)
        {
            return Caught(plugin, exception);
        }
    }
}
