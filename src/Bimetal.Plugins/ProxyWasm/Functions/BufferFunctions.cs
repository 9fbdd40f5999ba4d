// The buffer functions, and proxy_get_configuration of ABI 0.1.0.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Bimetal.Plugins.Streams;

namespace Bimetal.Plugins.ProxyWasm.Functions;

internal static unsafe class BufferFunctions
{
    private const uint RequestBodyType = 0;
    private const uint ResponseBodyType = 1;
    private const uint CalloutBodyType = 4;
    private const uint VmConfigurationType = 6;
    private const uint PluginConfigurationType = 7;
    private const uint MaximumBufferType = 8;

    // SAFETY: see HostFunctionEntry.Address.
    public static HostFunctionEntry[] Entries =>
    [
        new("proxy_get_buffer_bytes", "iiiii", HostFunctionEntry.Address(&GetBytes), ReturnsData: true),
        new("proxy_set_buffer_bytes", "iiiii", HostFunctionEntry.Address(&SetBytes)),
        new("proxy_get_buffer_status", "iii", HostFunctionEntry.Address(&GetStatus)),
        new("proxy_get_configuration", "ii", HostFunctionEntry.Address(&GetConfiguration), ReturnsData: true),
    ];

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int GetBytes(nint context, ulong* slots) => HostCall.Run(context, slots, &GetBytes);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int SetBytes(nint context, ulong* slots) => HostCall.Run(context, slots, &SetBytes);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int GetStatus(nint context, ulong* slots) => HostCall.Run(context, slots, &GetStatus);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int GetConfiguration(nint context, ulong* slots) => HostCall.Run(context, slots, &GetConfiguration);

    private static HostStatus GetBytes(ref HostCall call)
    {
        if (call.Argument(0) > MaximumBufferType) return HostStatus.BadArgument;
        if (!TryRead(ref call, out var bytes)) return HostStatus.NotFound;
        uint start = Math.Min(call.Argument(1), (uint)bytes.Length);
        uint length = Math.Min(call.Argument(2), (uint)bytes.Length - start);
        call.Guest.BodyBytesHandedOut += length;
        return call.ReturnBytes(bytes.Slice((int)start, (int)length), 3, 4);
    }

    private static HostStatus SetBytes(ref HostCall call)
    {
        if (call.Argument(0) > MaximumBufferType) return HostStatus.BadArgument;
        if (!call.TryBytes(3, out var replacement)) return HostStatus.InvalidMemoryAccess;
        if (Body(ref call) is not { } body) return HostStatus.NotFound;

        // Both numbers may lie beyond the end: "at the end" and "to the end" are written so.
        int start = (int)Math.Min(call.Argument(1), int.MaxValue);
        int length = (int)Math.Min(call.Argument(2), int.MaxValue);
        return body.TryReplace(start, length, replacement) ? HostStatus.Ok : HostStatus.BadArgument;
    }

    private static HostStatus GetStatus(ref HostCall call)
    {
        if (call.Argument(0) > MaximumBufferType) return HostStatus.BadArgument;
        if (!TryRead(ref call, out var bytes)) return HostStatus.NotFound;
        return call.TryTarget(2, sizeof(uint), out _) && call.ReturnUInt32((uint)bytes.Length, 1) == HostStatus.Ok
            ? call.ReturnUInt32(0, 2)
            : HostStatus.InvalidMemoryAccess;
    }

    private static HostStatus GetConfiguration(ref HostCall call)
    {
        var configuration = call.Guest.ConfigurationCallback switch
        {
            GuestCallback.Configure => call.Guest.Plugin.Configuration.Span,
            GuestCallback.VmStart => call.Guest.Plugin.VmConfiguration.Span,
            _ => default,
        };
        return call.ReturnBytes(configuration, 0, 1);
    }

    private static bool TryRead(ref HostCall call, out ReadOnlySpan<byte> bytes)
    {
        bytes = default;
        var configuring = call.Guest.ConfigurationCallback;
        switch (call.Argument(0))
        {
            case CalloutBodyType:
                if (call.Guest.CalloutResponse is { } response) bytes = response.Body.Span;
                return call.Guest.CalloutResponse is not null;
            case VmConfigurationType:
                if (configuring == GuestCallback.VmStart) bytes = call.Guest.Plugin.VmConfiguration.Span;
                return configuring == GuestCallback.VmStart;
            case PluginConfigurationType:
                if (configuring == GuestCallback.Configure) bytes = call.Guest.Plugin.Configuration.Span;
                return configuring == GuestCallback.Configure;
            default:
                var body = Body(ref call);
                if (body is not null) bytes = body.Span;
                return body is not null;
        }
    }

    private static BodyBuffer? Body(ref HostCall call) => call.Argument(0) switch
    {
        RequestBodyType => call.View?.Body(isRequest: true),
        ResponseBodyType => call.View?.Body(isRequest: false),
        _ => null,
    };
}
