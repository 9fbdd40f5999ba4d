// The host that modules import from: the same functions and objects as in oracle.cjs.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Bimetal.Fuzz.Generator;
using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Modules;
using Bimetal.Wasm.Runtime;

namespace Bimetal.Fuzz.Running;

/// <summary>The imports of one instance.</summary>
internal sealed unsafe class FuzzHost : IDisposable
{
    private readonly List<GuestObject> _objects = [];

    /// <summary>What was handed to the function "mix" so far.</summary>
    internal ulong Sum { get; private set; }

    /// <summary>Whether the start function is done; before that the memory cannot be grown from outside.</summary>
    internal bool IsStarted { get; set; }

    internal ImportSet ImportsOf(WasmModule module)
    {
        var imports = new ImportSet();
        foreach (var import in module.Imports)
        {
            string[] words = import.Name.Split('.');
            switch (import.Kind)
            {
                case ExternalKind.Function:
                    imports.Define("env", import.Name, new HostFunction(module.Types[(int)import.TypeIndex], Entry(import.Name)));
                    break;
                case ExternalKind.Memory:
                    imports.Define("env", import.Name, Keep(GuestMemory.Create(import.Memory!.Value)));
                    break;
                case ExternalKind.Table:
                    imports.Define("env", import.Name, Keep(GuestTable.Create(import.Table!.Value)));
                    break;
                default:
                    imports.Define("env", import.Name, Keep(GuestGlobal.Create(import.Global!.Value, GlobalBits(import.Global.Value.ValueType, int.Parse(words[^1])))));
                    break;
            }
        }

        return imports;
    }

    public void Dispose() => _objects.ForEach(owned => owned.Dispose());

    private T Keep<T>(T made)
        where T : GuestObject
    {
        _objects.Add(made);
        return made;
    }

    private static UInt128 GlobalBits(ValueType type, int index) => type switch
    {
        ValueType.I32 => (uint)(12345678 + index),
        ValueType.I64 => 0x123456789abcdefUL + (ulong)index,
        ValueType.F32 => BitConverter.SingleToUInt32Bits(1.5f + index),
        _ => BitConverter.DoubleToUInt64Bits(-2.25 - index),
    };

    private static nint Entry(string name) => name switch
    {
        HostNames.Mix => (nint)(delegate* unmanaged[Cdecl]<nint, ulong*, int>)&Mix,
        HostNames.Scale => (nint)(delegate* unmanaged[Cdecl]<nint, ulong*, int>)&Scale,
        HostNames.Grow => (nint)(delegate* unmanaged[Cdecl]<nint, ulong*, int>)&Grow,

        // A reference of the host's own is the number that it stands for.
        _ => (nint)(delegate* unmanaged[Cdecl]<nint, ulong*, int>)&Keep,
    };

    private static FuzzHost Of(nint context) => (FuzzHost)Instance.FromContext(context).HostState!;

    // SAFETY: the slots are those of the function's type, and nothing here throws.
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Mix(nint context, ulong* slots)
    {
        var host = Of(context);
        slots[0] = host.Sum = unchecked((host.Sum * 31) + (uint)slots[0]) ^ slots[1];
        return (int)TrapCode.None;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Scale(nint context, ulong* slots)
    {
        double scaled = (BitConverter.UInt64BitsToDouble(slots[0]) * 0.5) + BitConverter.UInt32BitsToSingle((uint)slots[1]);
        slots[0] = BitConverter.DoubleToUInt64Bits(double.IsNaN(scaled) ? 0 : scaled);
        return (int)TrapCode.None;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Grow(nint context, ulong* slots)
    {
        var memory = Instance.FromContext(context).Memory!;
        slots[0] = Of(context).IsStarted && memory.TryGrow((uint)slots[0] & 3, out uint before) ? before : uint.MaxValue;
        return (int)TrapCode.None;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Keep(nint context, ulong* slots)
    {
        slots[0] = (uint)slots[0];
        return (int)TrapCode.None;
    }
}
