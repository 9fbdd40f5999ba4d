// proxy_get_shared_data and proxy_set_shared_data, on the store that all instances of the plugin share.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Bimetal.Plugins.Streams;

namespace Bimetal.Plugins.ProxyWasm.Functions;

internal static unsafe class SharedDataFunctions
{
    // SAFETY: see HostFunctionEntry.Address.
    public static HostFunctionEntry[] Entries =>
    [
        new("proxy_get_shared_data", "iiiii", HostFunctionEntry.Address(&Get), ReturnsData: true),
        new("proxy_set_shared_data", "iiiii", HostFunctionEntry.Address(&Set)),
    ];

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Get(nint context, ulong* slots) => HostCall.Run(context, slots, &Get);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Set(nint context, ulong* slots) => HostCall.Run(context, slots, &Set);

    private static HostStatus Get(ref HostCall call)
    {
        if (!call.TryBytes(0, out var key) || !call.Guest.Memory.IsInside(call.Argument(4), sizeof(uint))) return HostStatus.InvalidMemoryAccess;
        if (!call.Guest.Plugin.State.Data.TryGet(key, out var value, out uint cas)) return HostStatus.NotFound;
        var status = call.ReturnBytes(value.Span, 2, 3);
        return status == HostStatus.Ok ? call.ReturnUInt32(cas, 4) : status;
    }

    private static HostStatus Set(ref HostCall call) => call.TryBytes(0, out var key) && call.TryBytes(2, out var value)
        ? call.Guest.Plugin.State.Data.Set(key, value, call.Argument(4))
        : HostStatus.InvalidMemoryAccess;
}
