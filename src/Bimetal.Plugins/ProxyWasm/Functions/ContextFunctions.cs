// proxy_set_effective_context, proxy_done, proxy_get_status and proxy_call_foreign_function.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Bimetal.Plugins.Streams;

namespace Bimetal.Plugins.ProxyWasm.Functions;

internal static unsafe class ContextFunctions
{
    // SAFETY: see HostFunctionEntry.Address.
    public static HostFunctionEntry[] Entries =>
    [
        new("proxy_set_effective_context", "i", HostFunctionEntry.Address(&SetEffectiveContext)),
        new("proxy_done", "", HostFunctionEntry.Address(&Done)),
        new("proxy_get_status", "iii", HostFunctionEntry.Address(&GetStatus)),
        new("proxy_call_foreign_function", "iiiiii", HostFunctionEntry.Address(&CallForeignFunction), ReturnsData: true),
    ];

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int SetEffectiveContext(nint context, ulong* slots) => HostCall.Run(context, slots, &SetEffectiveContext);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Done(nint context, ulong* slots) => HostCall.Run(context, slots, &Done);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int GetStatus(nint context, ulong* slots) => HostCall.Run(context, slots, &GetStatus);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int CallForeignFunction(nint context, ulong* slots) => HostCall.Run(context, slots, &CallForeignFunction);

    private static HostStatus SetEffectiveContext(ref HostCall call) =>
        call.Guest.TrySetEffectiveContext(call.Argument(0)) ? HostStatus.Ok : HostStatus.BadArgument;

    private static HostStatus Done(ref HostCall call) =>
        call.Guest.EffectiveStream?.TryFinish() == true ? HostStatus.Ok : HostStatus.NotFound;

    /// <summary>The status of gRPC callouts, of which there are none: 0 and an empty message.</summary>
    private static HostStatus GetStatus(ref HostCall call)
    {
        var status = call.ReturnUInt32(0, 0);
        return status == HostStatus.Ok ? call.ReturnBytes(default, 1, 2) : status;
    }

    private static HostStatus CallForeignFunction(ref HostCall call)
    {
        if (!call.TryBytes(0, out var name) || !call.TryBytes(2, out var argument)) return HostStatus.InvalidMemoryAccess;
        var status = call.Guest.Plugin.Services.ForeignFunctions.Call(name, argument, out byte[] result);
        return status == HostStatus.Ok ? call.ReturnBytes(result, 4, 5) : status;
    }
}
