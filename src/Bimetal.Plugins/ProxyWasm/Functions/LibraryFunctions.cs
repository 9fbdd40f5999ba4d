// Two functions that the C++ SDK's library imports beside the ABI.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Bimetal.Wasm.Abi;

namespace Bimetal.Plugins.ProxyWasm.Functions;

internal static unsafe class LibraryFunctions
{
    // SAFETY: see HostFunctionEntry.Address.
    public static HostFunctionEntry[] Entries =>
    [
        new("emscripten_notify_memory_growth", "i", Entry: 0, VoidEntry: HostFunctionEntry.Address(&NotifyMemoryGrowth)),
        new("pthread_equal", "ii", HostFunctionEntry.Address(&PthreadEqual)),
    ];

    /// <summary>The runtime knows of growth already.</summary>
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int NotifyMemoryGrowth(nint context, ulong* slots) => (int)TrapCode.None;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int PthreadEqual(nint context, ulong* slots)
    {
        // SAFETY: the buffer has the function's two argument slots; its result goes into the first.
        slots[0] = (uint)slots[0] == (uint)slots[1] ? 1UL : 0UL;
        return (int)TrapCode.None;
    }
}
