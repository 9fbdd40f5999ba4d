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
                    var type = module.Types[(int)import.TypeIndex];
                    imports.Define(import.Module, import.Name, new HostFunction(type, Entry(import.Name, type)));
                    break;
                case ExternalKind.Memory:
                    imports.Define(import.Module, import.Name, Keep(GuestMemory.Create(import.Memory!.Value)));
                    break;
                case ExternalKind.Table:
                    imports.Define(import.Module, import.Name, Keep(GuestTable.Create(import.Table!.Value)));
                    break;
                default:
                    imports.Define(import.Module, import.Name, Keep(GuestGlobal.Create(import.Global!.Value, GlobalBits(import.Global.Value.ValueType, words))));
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

    private static UInt128 GlobalBits(ValueType type, string[] words)
    {
        // Some object of the host's.
        if (type == ValueType.ExternRef) return 1;
        int index = int.Parse(words[^1]);
        return type switch
        {
            ValueType.I32 => (uint)(12345678 + index),
            ValueType.I64 => 0x123456789abcdefUL + (ulong)index,
            ValueType.F32 => BitConverter.SingleToUInt32Bits(1.5f + index),
            _ => BitConverter.DoubleToUInt64Bits(-2.25 - index),
        };
    }

    private static nint Entry(string name, FunctionType type) => name switch
    {
        "log-i32" or "log-i64" => (nint)(delegate* unmanaged[Cdecl]<nint, ulong*, int>)&Log,
        "log-f32" => (nint)(delegate* unmanaged[Cdecl]<nint, ulong*, int>)&LogSingle,
        "log-f64" => (nint)(delegate* unmanaged[Cdecl]<nint, ulong*, int>)&LogDouble,
        HostNames.Mix => (nint)(delegate* unmanaged[Cdecl]<nint, ulong*, int>)&Mix,
        HostNames.Scale => (nint)(delegate* unmanaged[Cdecl]<nint, ulong*, int>)&Scale,
        HostNames.Grow => (nint)(delegate* unmanaged[Cdecl]<nint, ulong*, int>)&Grow,

        // A reference of the host's own is the number that it stands for.
        HostNames.Wrap or HostNames.Unwrap => (nint)(delegate* unmanaged[Cdecl]<nint, ulong*, int>)&Keep,
        _ when ResultSlots(type) == 0 => (nint)(delegate* unmanaged[Cdecl]<nint, ulong*, int>)&Nothing,
        _ when ResultSlots(type) == 1 => (nint)(delegate* unmanaged[Cdecl]<nint, ulong*, int>)&Zero,
        _ => throw new ArgumentException($"There is no host function {name} {type}."),
    };

    private static void Add(nint context, ulong bits)
    {
        var host = Of(context);
        host.Sum = unchecked((host.Sum * 31) + bits);
    }

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

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Log(nint context, ulong* slots)
    {
        Add(context, slots[0]);
        return (int)TrapCode.None;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int LogSingle(nint context, ulong* slots)
    {
        double number = BitConverter.UInt32BitsToSingle((uint)slots[0]);
        Add(context, double.IsNaN(number) ? 1 : BitConverter.DoubleToUInt64Bits(number));
        return (int)TrapCode.None;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int LogDouble(nint context, ulong* slots)
    {
        Add(context, double.IsNaN(BitConverter.UInt64BitsToDouble(slots[0])) ? 1 : slots[0]);
        return (int)TrapCode.None;
    }

    // The rest stands for functions that do nothing.
    private static int ResultSlots(FunctionType type) => type.Results.Sum(result => result.SlotCount());

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Nothing(nint context, ulong* slots) => (int)TrapCode.None;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Zero(nint context, ulong* slots)
    {
        slots[0] = 0;
        return (int)TrapCode.None;
    }
}
