// proxy_get_current_time_nanoseconds and proxy_set_tick_period_milliseconds.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Bimetal.Plugins.Streams;

namespace Bimetal.Plugins.ProxyWasm.Functions;

internal static unsafe class ClockFunctions
{
    // SAFETY: see HostFunctionEntry.Address.
    public static HostFunctionEntry[] Entries =>
    [
        new("proxy_get_current_time_nanoseconds", "i", HostFunctionEntry.Address(&GetTime)),
        new("proxy_set_tick_period_milliseconds", "i", HostFunctionEntry.Address(&SetTickPeriod)),
    ];

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int GetTime(nint context, ulong* slots) => HostCall.Run(context, slots, &GetTime);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int SetTickPeriod(nint context, ulong* slots) => HostCall.Run(context, slots, &SetTickPeriod);

    private static HostStatus GetTime(ref HostCall call)
    {
        long ticks = call.Guest.Plugin.Services.Time.GetUtcNow().UtcTicks - DateTimeOffset.UnixEpoch.UtcTicks;
        return call.ReturnUInt64((ulong)(ticks * TimeSpan.NanosecondsPerTick), 0);
    }

    private static HostStatus SetTickPeriod(ref HostCall call)
    {
        call.Guest.Plugin.SetTickPeriod(call.Guest, call.Argument(0));
        return HostStatus.Ok;
    }
}
