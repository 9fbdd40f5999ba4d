// What ends a pause or an exchange: continue, close, local responses. continue_request, continue_response and clear_route_cache are of
// ABI 0.1.0; its text gives them no result, its SDKs a status, so both shapes are accepted.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Bimetal.Plugins.Streams;

namespace Bimetal.Plugins.ProxyWasm.Functions;

internal static unsafe class StreamFunctions
{
    private const uint RequestStream = 0;
    private const uint ResponseStream = 1;
    private const uint MaximumStreamType = 3;

    // SAFETY: see HostFunctionEntry.Address.
    public static HostFunctionEntry[] Entries =>
    [
        new("proxy_continue_stream", "i", HostFunctionEntry.Address(&ContinueStream)),
        new("proxy_close_stream", "i", HostFunctionEntry.Address(&CloseStream)),
        new("proxy_send_local_response", "iiiiiiii", HostFunctionEntry.Address(&SendLocalResponse)),
        new("proxy_continue_request", "", HostFunctionEntry.Address(&ContinueRequest), VoidEntry: HostFunctionEntry.Address(&ContinueRequestVoid)),
        new("proxy_continue_response", "", HostFunctionEntry.Address(&ContinueResponse), HostFunctionEntry.Address(&ContinueResponseVoid)),
        new("proxy_clear_route_cache", "", HostFunctionEntry.Address(&ClearRouteCache), HostFunctionEntry.Address(&ClearRouteCacheVoid)),
    ];

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int ContinueStream(nint context, ulong* slots) => HostCall.Run(context, slots, &ContinueStream);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int CloseStream(nint context, ulong* slots) => HostCall.Run(context, slots, &CloseStream);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int SendLocalResponse(nint context, ulong* slots) => HostCall.Run(context, slots, &SendLocalResponse);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int ContinueRequest(nint context, ulong* slots) => HostCall.Run(context, slots, &ContinueRequest);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int ContinueRequestVoid(nint context, ulong* slots) => HostCall.RunVoid(context, &ContinueRequest);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int ContinueResponse(nint context, ulong* slots) => HostCall.Run(context, slots, &ContinueResponse);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int ContinueResponseVoid(nint context, ulong* slots) => HostCall.RunVoid(context, &ContinueResponse);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int ClearRouteCache(nint context, ulong* slots) => HostCall.Run(context, slots, &ClearRouteCache);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int ClearRouteCacheVoid(nint context, ulong* slots) => HostCall.RunVoid(context, &ClearRouteCache);

    private static HostStatus ContinueStream(ref HostCall call) => call.Argument(0) switch
    {
        RequestStream => ContinueRequest(ref call),
        ResponseStream => ContinueResponse(ref call),
        <= MaximumStreamType => HostStatus.Unimplemented,
        _ => HostStatus.BadArgument,
    };

    private static HostStatus ContinueRequest(ref HostCall call) => call.View?.Continue(isRequest: true) ?? HostStatus.BadArgument;

    private static HostStatus ContinueResponse(ref HostCall call) => call.View?.Continue(isRequest: false) ?? HostStatus.BadArgument;

    private static HostStatus CloseStream(ref HostCall call) => call.Argument(0) switch
    {
        RequestStream or ResponseStream => call.View?.Reset() ?? HostStatus.BadArgument,
        <= MaximumStreamType => HostStatus.Unimplemented,
        _ => HostStatus.BadArgument,
    };

    /// <summary>The route was chosen before the first filter ran, and this gateway does not choose again.</summary>
    private static HostStatus ClearRouteCache(ref HostCall call) => HostStatus.Ok;

    private static HostStatus SendLocalResponse(ref HostCall call)
    {
        if (!call.TryBytes(1, out _) || !call.TryBytes(3, out var body) || !call.TryBytes(5, out var pairs)) return HostStatus.InvalidMemoryAccess;
        if (call.View is not { } view) return HostStatus.BadArgument;
        if (!view.MayAnswer(body.Length)) return HostStatus.BadArgument;
        var headers = new HeaderMap();
        if (!HeaderPairs.TryRead(pairs, headers)) return HostStatus.BadArgument;
        return view.SendLocalResponse((int)Math.Min(call.Argument(0), int.MaxValue), headers, body.ToArray(), (int)call.Argument(7));
    }
}
