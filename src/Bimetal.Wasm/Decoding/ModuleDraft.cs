// What the sections have filled in so far; becomes a WasmModule at the end.

using System.Collections.Immutable;
using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Decoding;

internal sealed class ModuleDraft(ReadOnlyMemory<byte> bytes, DecodeLimits limits)
{
    internal DecodeLimits Limits { get; } = limits;

    internal ImmutableArray<FunctionType>.Builder Types { get; } = ImmutableArray.CreateBuilder<FunctionType>();

    internal ImmutableArray<Import>.Builder Imports { get; } = ImmutableArray.CreateBuilder<Import>();

    internal ImmutableArray<uint>.Builder ImportedFunctionTypes { get; } = ImmutableArray.CreateBuilder<uint>();

    /// <summary>Entries of the function section: the type of each function defined here.</summary>
    internal List<uint> FunctionTypes { get; } = [];

    internal ImmutableArray<Function>.Builder Functions { get; } = ImmutableArray.CreateBuilder<Function>();

    internal ImmutableArray<TableType>.Builder Tables { get; } = ImmutableArray.CreateBuilder<TableType>();

    internal ImmutableArray<MemoryType>.Builder Memories { get; } = ImmutableArray.CreateBuilder<MemoryType>();

    internal ImmutableArray<GlobalType>.Builder GlobalTypes { get; } = ImmutableArray.CreateBuilder<GlobalType>();

    internal ImmutableArray<Global>.Builder Globals { get; } = ImmutableArray.CreateBuilder<Global>();

    internal ImmutableArray<Export>.Builder Exports { get; } = ImmutableArray.CreateBuilder<Export>();

    internal uint? StartFunction { get; set; }

    internal ImmutableArray<ElementSegment>.Builder Elements { get; } = ImmutableArray.CreateBuilder<ElementSegment>();

    internal int ElementItemCount { get; set; }

    internal ImmutableArray<DataSegment>.Builder DataSegments { get; } = ImmutableArray.CreateBuilder<DataSegment>();

    internal uint? DataCount { get; set; }

    internal ImmutableArray<CustomSection>.Builder CustomSections { get; } = ImmutableArray.CreateBuilder<CustomSection>();

    internal ImmutableDictionary<uint, string>.Builder FunctionNames { get; } = ImmutableDictionary.CreateBuilder<uint, string>();

    internal long LocalCount { get; set; }

    /// <summary>Function indices outside of function bodies and the start section; may name functions that do not exist.</summary>
    internal HashSet<uint> ReferencedFunctions { get; } = [];

    internal List<int> FunctionOffsets { get; } = [];

    internal List<int> ImportOffsets { get; } = [];

    internal List<int> TableOffsets { get; } = [];

    internal List<int> MemoryOffsets { get; } = [];

    internal List<int> ExportOffsets { get; } = [];

    internal List<int> ElementOffsets { get; } = [];

    internal List<int> DataOffsets { get; } = [];

    internal int StartOffset { get; set; }

    internal int ImportedTableCount { get; set; }

    internal int ImportedMemoryCount { get; set; }

    internal int FunctionCount => ImportedFunctionTypes.Count + FunctionTypes.Count;

    internal WasmModule Finish() => new()
    {
        Bytes = bytes,
        Types = Types.DrainToImmutable(),
        Imports = Imports.DrainToImmutable(),
        ReferencedFunctions = [.. ReferencedFunctions.Where(index => index < (uint)FunctionCount).Order()],
        ImportedTableCount = ImportedTableCount,
        ImportedMemoryCount = ImportedMemoryCount,
        ImportedGlobalCount = GlobalTypes.Count - Globals.Count,
        ImportedFunctionTypes = ImportedFunctionTypes.DrainToImmutable(),
        Functions = Functions.DrainToImmutable(),
        Tables = Tables.DrainToImmutable(),
        Memories = Memories.DrainToImmutable(),
        GlobalTypes = GlobalTypes.DrainToImmutable(),
        Globals = Globals.DrainToImmutable(),
        Exports = Exports.DrainToImmutable(),
        StartFunction = StartFunction,
        Elements = Elements.DrainToImmutable(),
        DataSegments = DataSegments.DrainToImmutable(),
        DataCount = DataCount,
        CustomSections = CustomSections.DrainToImmutable(),
        FunctionNames = FunctionNames.ToImmutable(),
        ItemOffsets = new ItemOffsets
        {
            Imports = [.. ImportOffsets],
            Functions = [.. FunctionOffsets],
            Tables = [.. TableOffsets],
            Memories = [.. MemoryOffsets],
            Exports = [.. ExportOffsets],
            Start = StartOffset,
            Elements = [.. ElementOffsets],
            DataSegments = [.. DataOffsets],
        },
    };
}
