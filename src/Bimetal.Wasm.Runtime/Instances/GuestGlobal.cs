// A global variable, owned by an instance or made by the host; importers share it.

using System.Runtime.InteropServices;
using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Runtime;

/// <summary>A global. Values are raw bits: i32 zero-extended, floats as their bit pattern, references as in <see cref="GuestTable"/>.</summary>
public sealed unsafe class GuestGlobal : GuestObject
{
    private const nuint CellBytes = 16;

    // SAFETY: the cell is 16 bytes, either in the context of the owner, which lives as long as the group, or freed by FreeNative.
    private GuestGlobal(GlobalType type, byte* cell)
    {
        Type = type;
        Cell = cell;
    }

    public GlobalType Type { get; }

    /// <summary>The value; the bits above the type's width are zero.</summary>
    public UInt128 Value
    {
        get => ReadCell(LiveCell, Type.ValueType);
        set => WriteCell(LiveCell, value);
    }

    internal byte* Cell { get; }

    private byte* LiveCell
    {
        get
        {
            ObjectDisposedException.ThrowIf(IsFreed, this);
            return Cell;
        }
    }

    /// <summary>A global of the host's own, for imports.</summary>
    public static GuestGlobal Create(GlobalType type, UInt128 value)
    {
        var global = new GuestGlobal(type, (byte*)NativeMemory.AlignedAlloc(CellBytes, CellBytes));
        global.Group = new LinkGroup(global, context: null);
        global.Value = value;
        return global;
    }

    /// <summary>A view of a cell that belongs to <paramref name="owner"/>.</summary>
    internal static GuestGlobal Of(GlobalType type, byte* cell, GuestObject owner) => new(type, cell) { Owner = owner };

    internal static UInt128 ReadCell(byte* cell, ValueType type) => type switch
    {
        ValueType.I32 or ValueType.F32 => *(uint*)cell,
        ValueType.V128 => new UInt128(((ulong*)cell)[1], ((ulong*)cell)[0]),
        _ => *(ulong*)cell,
    };

    internal static void WriteCell(byte* cell, UInt128 value)
    {
        ((ulong*)cell)[0] = (ulong)value;
        ((ulong*)cell)[1] = (ulong)(value >> 64);
    }

    internal override void FreeNative() => NativeMemory.AlignedFree(Cell);
}
