// The instance context: the one block of memory that compiled guest code and the runtime share. The compiler emits loads at these
// offsets, the runtime fills them in. Any change here raises AbiVersion.Current, which is part of the code cache's key.
//
//   0x00  header (see ContextHeader)
//   ....  globals          16 bytes each: the value, or for an imported global a pointer to the exporter's 16 bytes
//   ....  type ids          4 bytes each: process-wide number of each function type of the module
//   ....  host functions    8 bytes each: target of the thunk of each imported function, null when a guest function is linked
//   ....  tables            8 bytes each: pointer to a TableRecord
//   ....  function records 32 bytes each: all imported functions, then the functions that can be referenced

using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Abi;

public static class AbiVersion
{
    /// <summary>Raised with every change of a layout or calling convention in this folder.</summary>
    public const uint Current = 6;
}

/// <summary>Byte offsets in the fixed head of an instance context.</summary>
public static class ContextHeader
{
    /// <summary>Base address of memory 0; never changes during an instance's life. Null without a memory.</summary>
    public const int MemoryBase = 0;

    /// <summary>Pointer to the <see cref="MemoryRecordLayout"/> of memory 0, which importers share with the exporter.</summary>
    public const int Memory = 8;

    /// <summary>Lowest stack pointer (u64) that guest code may have; set by the runtime at every entry.</summary>
    public const int StackLimit = 16;

    /// <summary>u32: nonzero <see cref="TrapCode"/> when the guest must stop, on its way back from a host call or where it polls.</summary>
    public const int Interrupt = 24;

    /// <summary><c>void raise(context, u32 trapCode)</c>, never returns: ends the current entry with that code.</summary>
    public const int Raise = 32;

    /// <summary>u64 owned by the host: how host functions find their instance.</summary>
    public const int HostData = 40;

    /// <summary>
    /// Pointers to the runtime's own operations, each with the host function signature <c>int f(context, u64* buffer)</c>:
    /// arguments in the buffer, one slot each, result in slot 0, returns a <see cref="TrapCode"/>.
    /// </summary>
    public const int Builtins = 48;

    /// <summary>Bytes of the header; the variable part begins here.</summary>
    public const int Size = 128;

    public static int OffsetOf(Builtin builtin) => Builtins + (8 * (int)builtin);
}

/// <summary>Operations that guest code asks the runtime for. Slots of the argument buffer in brackets.</summary>
public enum Builtin
{
    /// <summary>[memory, delta pages] -> [old pages, or 0xFFFFFFFF].</summary>
    MemoryGrow = 0,

    /// <summary>[data segment, memory, destination, source, length]; checks bounds before any write.</summary>
    MemoryInit = 1,

    /// <summary>[data segment].</summary>
    DataDrop = 2,

    /// <summary>[table, reference, delta] -> [old size, or 0xFFFFFFFF].</summary>
    TableGrow = 3,

    /// <summary>[table, index, reference, length].</summary>
    TableFill = 4,

    /// <summary>[destination table, source table, destination, source, length].</summary>
    TableCopy = 5,

    /// <summary>[element segment, table, destination, source, length].</summary>
    TableInit = 6,

    /// <summary>[element segment].</summary>
    ElementDrop = 7,
}

/// <summary>A linear memory as guest code sees it.</summary>
public static class MemoryRecordLayout
{
    public const int Base = 0;

    /// <summary>Current length in bytes (u64), a multiple of 65,536; changes with <c>memory.grow</c>.</summary>
    public const int LengthBytes = 8;

    public const int Size = 16;
}

/// <summary>A table as guest code sees it.</summary>
public static class TableRecordLayout
{
    /// <summary>Address of the elements, each a <see cref="FunctionRecordLayout"/>; changes only with <c>table.grow</c>.</summary>
    public const int Elements = 0;

    /// <summary>Current number of elements (u32).</summary>
    public const int Length = 8;

    public const int Size = 16;
}

/// <summary>
/// A function that can be referenced; also one element of a table (a copy, so that an indirect call needs no second load).
/// A reference value is the address of a record of an instance context, which is what <see cref="Self"/> holds: <c>table.get</c>
/// reads it, <c>table.set</c> copies the whole record. A null element is all zero. An externref element uses only <see cref="Self"/>,
/// which holds the host's non-zero handle.
/// </summary>
public static class FunctionRecordLayout
{
    /// <summary>Address of the code: <c>results code(context, parameters…)</c>.</summary>
    public const int Code = 0;

    /// <summary>Context that the code expects: the callee's own instance.</summary>
    public const int Context = 8;

    /// <summary>Process-wide number of the function's type (u32), never 0.</summary>
    public const int TypeId = 16;

    /// <summary>i32: how far behind <see cref="Code"/> the same function's entry for tail calls is; 0 when it has none.</summary>
    public const int TailOffset = 20;

    public const int Self = 24;

    public const int Size = 32;
}

/// <summary>Offsets of the variable part of the instance context of one module. Deterministic: compiler and runtime each compute it.</summary>
public sealed class ContextLayout
{
    private readonly Dictionary<uint, int> _recordIndexOfFunction = [];

    public ContextLayout(WasmModule module)
    {
        Globals = ContextHeader.Size;
        TypeIds = Globals + (16 * module.GlobalTypes.Length);
        HostFunctions = Align(TypeIds + (4 * module.Types.Length), 8);
        Tables = HostFunctions + (8 * module.ImportedFunctionCount);
        FunctionRecords = Align(Tables + (8 * module.Tables.Length), 32);
        for (uint index = 0; index < (uint)module.ImportedFunctionCount; index++) _recordIndexOfFunction.Add(index, (int)index);
        foreach (uint index in module.ReferencedFunctions) _recordIndexOfFunction.TryAdd(index, _recordIndexOfFunction.Count);
        FunctionRecordCount = _recordIndexOfFunction.Count;
        SizeBytes = FunctionRecords + (FunctionRecordLayout.Size * FunctionRecordCount);
    }

    public int Globals { get; }

    public int TypeIds { get; }

    public int HostFunctions { get; }

    public int Tables { get; }

    public int FunctionRecords { get; }

    public int FunctionRecordCount { get; }

    /// <summary>Bytes of the whole context; allocate it 64-byte aligned.</summary>
    public int SizeBytes { get; }

    public int GlobalOffset(uint globalIndex) => Globals + (16 * (int)globalIndex);

    public int TypeIdOffset(uint typeIndex) => TypeIds + (4 * (int)typeIndex);

    public int HostFunctionOffset(uint functionIndex) => HostFunctions + (8 * (int)functionIndex);

    public int TableOffset(uint tableIndex) => Tables + (8 * (int)tableIndex);

    /// <summary>Offset of the record of a function that is imported or in <see cref="WasmModule.ReferencedFunctions"/>.</summary>
    public int FunctionRecordOffset(uint functionIndex) => FunctionRecords + (FunctionRecordLayout.Size * _recordIndexOfFunction[functionIndex]);

    /// <summary>Function index of each record, in record order.</summary>
    public IEnumerable<uint> RecordedFunctions => _recordIndexOfFunction.OrderBy(pair => pair.Value).Select(pair => pair.Key);

    private static int Align(int offset, int alignment) => (offset + alignment - 1) & -alignment;
}
