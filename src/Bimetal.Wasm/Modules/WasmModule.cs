// A decoded module: plain data, index spaces resolved (imports first), nothing executed. Made by the decoder, checked by the
// validator, read by the compiler and the runtime.

using System.Collections.Immutable;

namespace Bimetal.Wasm.Modules;

/// <summary>One import. <paramref name="TypeIndex"/> is meaningful for functions; the other types are null unless <paramref name="Kind"/> says so.</summary>
public sealed record Import(string Module, string Name, ExternalKind Kind, uint TypeIndex, TableType? Table, MemoryType? Memory, GlobalType? Global);

/// <summary>One export; <paramref name="Index"/> counts in the index space of <paramref name="Kind"/>, imports included.</summary>
public sealed record Export(string Name, ExternalKind Kind, uint Index);

/// <summary>A function defined here. Offsets are bytes from the start of the module.</summary>
/// <param name="TypeIndex">Index of its function type.</param>
/// <param name="Locals">Declared locals without parameters, as runs of one type.</param>
/// <param name="BodyOffset">First byte of the instructions.</param>
/// <param name="BodyLength">Bytes of the instructions, the final <c>end</c> included.</param>
public sealed record Function(uint TypeIndex, ImmutableArray<LocalRun> Locals, int BodyOffset, int BodyLength);

public readonly record struct LocalRun(uint Count, ValueType Type);

/// <summary>A global defined here, with its constant initialiser expression.</summary>
public sealed record Global(GlobalType Type, ConstantExpression Initializer);

/// <summary>A constant expression, kept as the byte range of its instructions, the final <c>end</c> included.</summary>
public readonly record struct ConstantExpression(int Offset, int Length);

public enum SegmentMode : byte
{
    Passive,
    Active,
    Declarative,
}

/// <summary>An element segment: each element is a constant expression, or a plain function index.</summary>
public sealed record ElementSegment(
    SegmentMode Mode,
    ValueType ElementType,
    uint TableIndex,
    ConstantExpression Offset,
    ImmutableArray<ElementItem> Items);

/// <summary>One element: a function index, or an expression when <see cref="Expression"/> is not null.</summary>
public readonly record struct ElementItem(uint FunctionIndex, ConstantExpression? Expression);

/// <summary>A data segment; its bytes are <paramref name="DataLength"/> bytes at <paramref name="DataOffset"/> of the module.</summary>
public sealed record DataSegment(SegmentMode Mode, uint MemoryIndex, ConstantExpression Offset, int DataOffset, int DataLength);

/// <summary>A custom section; its bytes are not interpreted except for the name section.</summary>
public sealed record CustomSection(string Name, int DataOffset, int DataLength);

/// <summary>A decoded WebAssembly module.</summary>
public sealed class WasmModule
{
    /// <summary>The whole binary; every offset in this model counts from its start.</summary>
    public required ReadOnlyMemory<byte> Bytes { get; init; }

    public ImmutableArray<FunctionType> Types { get; init; } = [];

    public ImmutableArray<Import> Imports { get; init; } = [];

    /// <summary>Functions defined here (not the imported ones).</summary>
    public ImmutableArray<Function> Functions { get; init; } = [];

    /// <summary>All tables, imported ones first.</summary>
    public ImmutableArray<TableType> Tables { get; init; } = [];

    /// <summary>All memories, imported ones first.</summary>
    public ImmutableArray<MemoryType> Memories { get; init; } = [];

    /// <summary>Types of all globals, imported ones first.</summary>
    public ImmutableArray<GlobalType> GlobalTypes { get; init; } = [];

    /// <summary>Globals defined here (not the imported ones).</summary>
    public ImmutableArray<Global> Globals { get; init; } = [];

    public ImmutableArray<Export> Exports { get; init; } = [];

    public uint? StartFunction { get; init; }

    public ImmutableArray<ElementSegment> Elements { get; init; } = [];

    public ImmutableArray<DataSegment> DataSegments { get; init; } = [];

    /// <summary>Content of the data count section, when there is one.</summary>
    public uint? DataCount { get; init; }

    public ImmutableArray<CustomSection> CustomSections { get; init; } = [];

    /// <summary>Function names of the name section by index in the function index space; empty when there is none.</summary>
    public ImmutableDictionary<uint, string> FunctionNames { get; init; } = ImmutableDictionary<uint, string>.Empty;

    /// <summary>
    /// Functions that a reference can be made of, ascending and distinct: those in exports, element segments and global initialisers.
    /// </summary>
    public ImmutableArray<uint> ReferencedFunctions { get; init; } = [];

    /// <summary>Type index of each imported function.</summary>
    public ImmutableArray<uint> ImportedFunctionTypes { get; init; } = [];

    public int ImportedFunctionCount => ImportedFunctionTypes.Length;

    public int ImportedTableCount { get; init; }

    public int ImportedMemoryCount { get; init; }

    public int ImportedGlobalCount { get; init; }

    internal ItemOffsets ItemOffsets { get; init; } = new();

    /// <summary>Size of the function index space.</summary>
    public int FunctionCount => ImportedFunctionTypes.Length + Functions.Length;

    /// <summary>Type index of a function of the index space.</summary>
    public uint TypeIndexOf(uint functionIndex) => functionIndex < (uint)ImportedFunctionTypes.Length
        ? ImportedFunctionTypes[(int)functionIndex]
        : Functions[(int)functionIndex - ImportedFunctionTypes.Length].TypeIndex;

    public FunctionType TypeOf(uint functionIndex) => Types[(int)TypeIndexOf(functionIndex)];

    /// <summary>The bytes of a range that the decoder has checked.</summary>
    public ReadOnlySpan<byte> Slice(int offset, int length) => Bytes.Span.Slice(offset, length);
}
