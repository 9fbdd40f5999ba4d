// proxy_get_property and proxy_set_property; which properties there are is PropertyLookup's business.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Bimetal.Plugins.Streams;

namespace Bimetal.Plugins.ProxyWasm.Functions;

internal static unsafe class PropertyFunctions
{
    // SAFETY: see HostFunctionEntry.Address.
    public static HostFunctionEntry[] Entries =>
    [
        new("proxy_get_property", "iiii", HostFunctionEntry.Address(&Get), ReturnsData: true),
        new("proxy_set_property", "iiii", HostFunctionEntry.Address(&Set)),
    ];

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Get(nint context, ulong* slots) => HostCall.Run(context, slots, &Get);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Set(nint context, ulong* slots) => HostCall.Run(context, slots, &Set);

    [SkipLocalsInit]
    private static HostStatus Get(ref HostCall call)
    {
        if (!call.TryBytes(0, out var path)) return HostStatus.InvalidMemoryAccess;
        Span<byte> scratch = stackalloc byte[PropertyLookup.ScratchBytes];
        return PropertyLookup.TryGet(call.View, call.Guest.Plugin.Identity, path, scratch, out var value)
            ? call.ReturnBytes(value, 2, 3)
            : HostStatus.NotFound;
    }

    private static HostStatus Set(ref HostCall call)
    {
        if (!call.TryBytes(0, out var path) || !call.TryBytes(2, out var value)) return HostStatus.InvalidMemoryAccess;
        if (call.View is not { } view) return HostStatus.NotFound;
        return view.SetProperty(path, value);
    }
}
