// Host functions of these tests, written as the engine's own are: managed code that guests call, and that lets no exception out.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Modules;
using Bimetal.Wasm.Runtime;

namespace Bimetal.Wasm.Runtime.Tests;

internal static unsafe class HostFunctions
{
    /// <summary>(i32, i32) -> i32.</summary>
    public static HostFunction Add => new(FunctionType.Of([ValueType.I32, ValueType.I32], ValueType.I32), (nint)(delegate* unmanaged[Cdecl]<nint, ulong*, int>)&AddEntry);

    /// <summary>() -> (): calls the delegate in the instance's HostState.</summary>
    public static HostFunction Invoke => new(FunctionType.Of([]), (nint)(delegate* unmanaged[Cdecl]<nint, ulong*, int>)&InvokeEntry);

    // SAFETY: two argument slots, one result slot.
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int AddEntry(nint context, ulong* buffer)
    {
        buffer[0] = (uint)buffer[0] + (uint)buffer[1];
        return (int)TrapCode.None;
    }

    // SAFETY: the buffer is not touched.
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int InvokeEntry(nint context, ulong* buffer)
    {
        var instance = Instance.FromContext(context);
        try
        {
            return (int)((Func<TrapCode>)instance.HostState!)();
        }
        catch (Exception exception)
        {
            instance.HostException = exception;
            return (int)TrapCode.HostError;
        }
    }
}
