// The metric functions, on the plugin's registry.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Bimetal.Plugins.ProxyWasm.State;
using Bimetal.Plugins.Streams;

namespace Bimetal.Plugins.ProxyWasm.Functions;

internal static unsafe class MetricFunctions
{
    // SAFETY: see HostFunctionEntry.Address.
    public static HostFunctionEntry[] Entries =>
    [
        new("proxy_define_metric", "iiii", HostFunctionEntry.Address(&Define)),
        new("proxy_record_metric", "il", HostFunctionEntry.Address(&Record)),
        new("proxy_increment_metric", "il", HostFunctionEntry.Address(&Increment)),
        new("proxy_get_metric", "ii", HostFunctionEntry.Address(&Get)),
    ];

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Define(nint context, ulong* slots) => HostCall.Run(context, slots, &Define);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Record(nint context, ulong* slots) => HostCall.Run(context, slots, &Record);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Increment(nint context, ulong* slots) => HostCall.Run(context, slots, &Increment);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Get(nint context, ulong* slots) => HostCall.Run(context, slots, &Get);

    private static HostStatus Define(ref HostCall call)
    {
        if (call.Argument(0) > (uint)PluginMetricKind.Histogram) return HostStatus.BadArgument;
        if (!call.TryBytes(1, out var name) || !call.TryTarget(3, sizeof(uint), out _)) return HostStatus.InvalidMemoryAccess;
        return call.Guest.Plugin.State.Metrics.TryDefine((PluginMetricKind)call.Argument(0), name, out uint id)
            ? call.ReturnUInt32(id, 3)
            : HostStatus.InternalFailure;
    }

    private static HostStatus Record(ref HostCall call)
    {
        if (call.Guest.Plugin.State.Metrics.Find(call.Argument(0)) is not { } metric) return HostStatus.NotFound;
        metric.Record(call.LongArgument(1));
        return HostStatus.Ok;
    }

    private static HostStatus Increment(ref HostCall call) =>
        call.Guest.Plugin.State.Metrics.Find(call.Argument(0))?.Increment((long)call.LongArgument(1)) ?? HostStatus.NotFound;

    private static HostStatus Get(ref HostCall call)
    {
        if (call.Guest.Plugin.State.Metrics.Find(call.Argument(0)) is not { } metric) return HostStatus.NotFound;
        return metric.Histogram is null ? call.ReturnUInt64((ulong)metric.Read(), 1) : HostStatus.BadArgument;
    }
}
