// Typed access to an instance context, by the offsets of Abi/ContextLayout.cs.

using System.Runtime.InteropServices;
using Bimetal.Wasm.Abi;

namespace Bimetal.Wasm.Runtime;

/// <summary>The context block of one instance: allocated outside of the GC heap, 64-byte aligned, freed by its owner.</summary>
internal readonly unsafe struct ContextBlock
{
    private const nuint Alignment = 64;

    private ContextBlock(byte* address, ContextLayout layout)
    {
        Address = address;
        Layout = layout;
    }

    public byte* Address { get; }

    public ContextLayout Layout { get; }

    public int LengthBytes => Layout.SizeBytes;

    public Span<byte> Bytes => new(Address, Layout.SizeBytes);

    public Span<byte> GlobalBytes => new(Address + Layout.Globals, Layout.TypeIds - Layout.Globals);

    // SAFETY (all accessors): the layout's offsets lie within SizeBytes for every index of the module, and indices come from a
    // validated module. The block stays allocated until its instance's group is freed.
    public static ContextBlock Allocate(ContextLayout layout)
    {
        var address = (byte*)NativeMemory.AlignedAlloc((nuint)layout.SizeBytes, Alignment);
        new Span<byte>(address, layout.SizeBytes).Clear();
        *(ulong*)(address + ContextHeader.StackLimit) = ulong.MaxValue;    // nothing runs before an entry has set it
        return new ContextBlock(address, layout);
    }

    public void Free() => NativeMemory.AlignedFree(Address);

    public byte** MemoryBase => (byte**)(Address + ContextHeader.MemoryBase);

    public MemoryRecord** Memory => (MemoryRecord**)(Address + ContextHeader.Memory);

    public nint* HostData => (nint*)(Address + ContextHeader.HostData);

    public void** Raise => (void**)(Address + ContextHeader.Raise);

    public nint* Builtin(Builtin builtin) => (nint*)(Address + ContextHeader.OffsetOf(builtin));

    /// <summary>The 16 bytes of a global: its value, or the address of the exporter's 16 bytes.</summary>
    public byte* Global(uint index) => Address + Layout.GlobalOffset(index);

    public uint* TypeId(uint index) => (uint*)(Address + Layout.TypeIdOffset(index));

    public nint* HostFunction(uint index) => (nint*)(Address + Layout.HostFunctionOffset(index));

    public TableRecord** Table(uint index) => (TableRecord**)(Address + Layout.TableOffset(index));

    public FunctionRecord* Function(uint functionIndex) => (FunctionRecord*)(Address + Layout.FunctionRecordOffset(functionIndex));

    public Span<FunctionRecord> Functions => new(Address + Layout.FunctionRecords, Layout.FunctionRecordCount);
}

/// <summary><see cref="MemoryRecordLayout"/>.</summary>
[StructLayout(LayoutKind.Sequential, Size = MemoryRecordLayout.Size)]
internal unsafe struct MemoryRecord
{
    public byte* Base;
    public ulong LengthBytes;
}

/// <summary><see cref="TableRecordLayout"/>.</summary>
[StructLayout(LayoutKind.Sequential, Size = TableRecordLayout.Size)]
internal unsafe struct TableRecord
{
    public FunctionRecord* Elements;
    public uint Length;
}

/// <summary><see cref="FunctionRecordLayout"/>: a function that can be referenced, or an element of a table.</summary>
[StructLayout(LayoutKind.Sequential, Size = FunctionRecordLayout.Size)]
internal struct FunctionRecord
{
    public nint Code;
    public nint Context;
    public uint TypeId;
    public int TailOffset;
    public ulong Self;
}
