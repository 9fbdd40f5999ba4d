// The host module "spectest" which the scripts import from.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Engine.Values;
using Bimetal.Wasm.Modules;
using Bimetal.Wasm.Runtime;

namespace Bimetal.Wasm.Engine.Wast;

/// <summary>One script's own copy of the host module.</summary>
internal sealed unsafe class SpectestModule : IDisposable
{
    private const string Name = "spectest";

    private readonly GuestMemory _memory = GuestMemory.Create(new MemoryType(new SizeLimits(1, 2)));
    private readonly GuestTable _table = GuestTable.Create(new TableType(ValueType.FuncRef, new SizeLimits(10, 20)));
    private readonly (string Name, GuestGlobal Global)[] _globals =
    [
        ("global_i32", Constant(GuestValue.I32(666))),
        ("global_i64", Constant(GuestValue.I64(666))),
        ("global_f32", Constant(GuestValue.F32(666.6f))),
        ("global_f64", Constant(GuestValue.F64(666.6))),
    ];

    internal void DefineIn(ImportSet imports)
    {
        imports.Define(Name, "memory", _memory).Define(Name, "table", _table);
        foreach (var (name, global) in _globals) imports.Define(Name, name, global);
        nint print = (nint)(delegate* unmanaged[Cdecl]<nint, ulong*, int>)&Print;
        imports.Define(Name, "print", new HostFunction(FunctionType.Of([]), print))
            .Define(Name, "print_i32", new HostFunction(FunctionType.Of([ValueType.I32]), print))
            .Define(Name, "print_i64", new HostFunction(FunctionType.Of([ValueType.I64]), print))
            .Define(Name, "print_f32", new HostFunction(FunctionType.Of([ValueType.F32]), print))
            .Define(Name, "print_f64", new HostFunction(FunctionType.Of([ValueType.F64]), print))
            .Define(Name, "print_i32_f32", new HostFunction(FunctionType.Of([ValueType.I32, ValueType.F32]), print))
            .Define(Name, "print_f64_f64", new HostFunction(FunctionType.Of([ValueType.F64, ValueType.F64]), print));
    }

    public void Dispose()
    {
        _memory.Dispose();
        _table.Dispose();
        foreach (var (_, global) in _globals) global.Dispose();
    }

    private static GuestGlobal Constant(GuestValue value) => GuestGlobal.Create(new GlobalType(value.Type, IsMutable: false), value.Bits);

    // What a script prints tests nothing.
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Print(nint context, ulong* buffer) => (int)TrapCode.None;
}
