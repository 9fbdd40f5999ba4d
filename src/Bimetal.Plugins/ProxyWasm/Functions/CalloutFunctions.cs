// HTTP and gRPC callouts: this host makes none yet, and says so with the ABI's own status. SDKs declare them with different parameters,
// and none is read, so any will do.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Bimetal.Plugins.Streams;

namespace Bimetal.Plugins.ProxyWasm.Functions;

internal static unsafe class CalloutFunctions
{
    private static readonly string[] s_names =
        ["proxy_http_call", "proxy_grpc_call", "proxy_grpc_stream", "proxy_grpc_send", "proxy_grpc_cancel", "proxy_grpc_close"];

    // SAFETY: see HostFunctionEntry.Address.
    public static HostFunctionEntry[] Entries =>
        [.. s_names.Select(name => new HostFunctionEntry(name, Parameters: null, HostFunctionEntry.Address(&Refuse)))];

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Refuse(nint context, ulong* slots) => HostCall.Run(context, slots, &Refuse);

    private static HostStatus Refuse(ref HostCall call) => HostStatus.Unimplemented;
}
