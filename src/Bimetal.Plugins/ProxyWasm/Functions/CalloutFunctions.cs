// proxy_http_call. gRPC callouts are not made, and say so with the ABI's own status: SDKs declare them with different parameters, and none is
// read, so any will do.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Bimetal.Plugins.Callouts;
using Bimetal.Plugins.Streams;

namespace Bimetal.Plugins.ProxyWasm.Functions;

internal static unsafe class CalloutFunctions
{
    private static readonly string[] s_refused = ["proxy_grpc_call", "proxy_grpc_stream", "proxy_grpc_send", "proxy_grpc_cancel", "proxy_grpc_close"];

    // SAFETY: see HostFunctionEntry.Address.
    public static HostFunctionEntry[] Refused =>
        [.. s_refused.Select(name => new HostFunctionEntry(name, Parameters: null, HostFunctionEntry.Address(&Refuse)))];

    // SAFETY: see HostFunctionEntry.Address.
    public static HostFunctionEntry[] Entries =>
        [new("proxy_http_call", "iiiiiiiiii", HostFunctionEntry.Address(&HttpCall)), .. Refused];

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Refuse(nint context, ulong* slots) => HostCall.Run(context, slots, &Refuse);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int HttpCall(nint context, ulong* slots) => HostCall.Run(context, slots, &HttpCall);

    private static HostStatus Refuse(ref HostCall call) => HostStatus.Unimplemented;

    private static HostStatus HttpCall(ref HostCall call)
    {
        if (!call.TryBytes(0, out var upstream) || !call.TryBytes(2, out var pairs) || !call.TryBytes(4, out var body)
            || !call.TryBytes(6, out var trailerPairs) || !call.TryTarget(9, sizeof(uint), out _))
        {
            return HostStatus.InvalidMemoryAccess;
        }

        var plugin = call.Guest.Plugin;
        var headers = new HeaderMap();
        var trailers = new HeaderMap();
        if (!HeaderPairs.TryRead(pairs, headers) || !HeaderPairs.TryRead(trailerPairs, trailers)) return HostStatus.BadArgument;
        var request = CalloutRules.Check(plugin.Services.HttpCaller, plugin.Limits.BodyBufferBytes, upstream, headers, body, trailers, call.Argument(8));
        if (request is null) return HostStatus.BadArgument;
        return call.Guest.Callouts.TryStart(request, plugin.SourceOf(call.Guest)) is { } id ? call.ReturnUInt32(id, 9) : HostStatus.InternalFailure;
    }
}
