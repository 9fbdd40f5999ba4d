// The header map functions: proxy_get_header_map_pairs and _size, proxy_set_header_map_pairs, and those on single values.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Bimetal.Plugins.Streams;

namespace Bimetal.Plugins.ProxyWasm.Functions;

internal static unsafe class HeaderFunctions
{
    private const uint CalloutHeadersType = 6;
    private const uint CalloutTrailersType = 7;

    /// <summary>Greatest number of <c>proxy_map_type_t</c>; 4 and 5 belong to gRPC callouts.</summary>
    private const uint MaximumMapType = CalloutTrailersType;

    // SAFETY: see HostFunctionEntry.Address.
    public static HostFunctionEntry[] Entries =>
    [
        new("proxy_get_header_map_value", "iiiii", HostFunctionEntry.Address(&GetValue), ReturnsData: true),
        new("proxy_add_header_map_value", "iiiii", HostFunctionEntry.Address(&AddValue)),
        new("proxy_replace_header_map_value", "iiiii", HostFunctionEntry.Address(&ReplaceValue)),
        new("proxy_remove_header_map_value", "iii", HostFunctionEntry.Address(&RemoveValue)),
        new("proxy_get_header_map_pairs", "iii", HostFunctionEntry.Address(&GetPairs), ReturnsData: true),
        new("proxy_set_header_map_pairs", "iii", HostFunctionEntry.Address(&SetPairs)),
        new("proxy_get_header_map_size", "ii", HostFunctionEntry.Address(&GetSize)),
    ];

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int GetValue(nint context, ulong* slots) => HostCall.Run(context, slots, &GetValue);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int AddValue(nint context, ulong* slots) => HostCall.Run(context, slots, &AddValue);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int ReplaceValue(nint context, ulong* slots) => HostCall.Run(context, slots, &ReplaceValue);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int RemoveValue(nint context, ulong* slots) => HostCall.Run(context, slots, &RemoveValue);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int GetPairs(nint context, ulong* slots) => HostCall.Run(context, slots, &GetPairs);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int SetPairs(nint context, ulong* slots) => HostCall.Run(context, slots, &SetPairs);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int GetSize(nint context, ulong* slots) => HostCall.Run(context, slots, &GetSize);

    private static HostStatus GetValue(ref HostCall call)
    {
        if (call.Argument(0) > MaximumMapType) return HostStatus.BadArgument;
        if (!call.TryBytes(1, out var name)) return HostStatus.InvalidMemoryAccess;
        if (ReadableMap(ref call) is not { } map) return HostStatus.BadArgument;
        if (map.TryGet(name, out var value)) return call.ReturnBytes(value.Span, 3, 4);

        // ABI 0.1.0 has no "not found" here: what is missing is empty.
        return call.Guest.Plugin.Module.Abi == ProxyAbi.V0_1_0 ? call.ReturnBytes(default, 3, 4) : HostStatus.NotFound;
    }

    private static HostStatus AddValue(ref HostCall call)
    {
        if (call.Argument(0) > MaximumMapType) return HostStatus.BadArgument;
        if (!call.TryBytes(1, out var name)) return HostStatus.InvalidMemoryAccess;
        if (!call.TryBytes(3, out var value)) return HostStatus.InvalidMemoryAccess;
        return HasStreamMap(ref call, out var kind) ? call.View!.AddHeader(kind, name, value) : HostStatus.BadArgument;
    }

    private static HostStatus ReplaceValue(ref HostCall call)
    {
        if (call.Argument(0) > MaximumMapType) return HostStatus.BadArgument;
        if (!call.TryBytes(1, out var name)) return HostStatus.InvalidMemoryAccess;
        if (!call.TryBytes(3, out var value)) return HostStatus.InvalidMemoryAccess;
        return HasStreamMap(ref call, out var kind) ? call.View!.ReplaceHeader(kind, name, value) : HostStatus.BadArgument;
    }

    private static HostStatus RemoveValue(ref HostCall call)
    {
        if (call.Argument(0) > MaximumMapType) return HostStatus.BadArgument;
        if (!call.TryBytes(1, out var name)) return HostStatus.InvalidMemoryAccess;
        return HasStreamMap(ref call, out var kind) ? call.View!.RemoveHeader(kind, name) : HostStatus.BadArgument;
    }

    private static HostStatus GetPairs(ref HostCall call)
    {
        if (call.Argument(0) > MaximumMapType) return HostStatus.BadArgument;
        if (ReadableMap(ref call) is not { } map) return call.ReturnBytes(default, 1, 2);
        var status = call.TryReserve(HeaderPairs.SizeOf(map), 1, 2, out var target);
        if (status == HostStatus.Ok) HeaderPairs.Write(map, target);
        return status;
    }

    private static HostStatus SetPairs(ref HostCall call)
    {
        if (call.Argument(0) > MaximumMapType) return HostStatus.BadArgument;
        if (!call.TryBytes(1, out var pairs)) return HostStatus.InvalidMemoryAccess;
        var fields = new HeaderMap();
        if (!HasStreamMap(ref call, out var kind) || !HeaderPairs.TryRead(pairs, fields)) return HostStatus.BadArgument;
        return call.View!.ReplaceAllHeaders(kind, fields);
    }

    private static HostStatus GetSize(ref HostCall call)
    {
        if (call.Argument(0) > MaximumMapType) return HostStatus.BadArgument;
        return call.ReturnUInt32(ReadableMap(ref call) is { } map ? HeaderPairs.SizeOf(map) : 0, 1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool HasStreamMap(ref HostCall call, out HeaderMapKind kind)
    {
        kind = (HeaderMapKind)call.Argument(0);
        return call.Argument(0) <= (uint)HeaderMapKind.ResponseTrailers && call.View is not null;
    }

    private static HeaderMap? ReadableMap(ref HostCall call)
    {
        uint type = call.Argument(0);
        if (type <= (uint)HeaderMapKind.ResponseTrailers) return call.View?.ReadableMap((HeaderMapKind)type);
        return type switch
        {
            CalloutHeadersType => call.Guest.CalloutResponse?.Headers,
            CalloutTrailersType => call.Guest.CalloutResponse?.Trailers,
            _ => null,
        };
    }
}
