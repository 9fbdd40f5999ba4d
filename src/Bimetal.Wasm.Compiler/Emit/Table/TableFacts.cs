// What is known of the tables of a module before it runs: their size, whose functions they hold, of which type those are. Modules whose
// table nobody else sees and no instruction writes to, as C compilers make them, get the cheapest indirect calls.

using System.Collections.Immutable;
using Bimetal.Wasm.Instructions;
using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Compiler.Emit.Table;

/// <summary>Facts about one table.</summary>
/// <param name="HasFixedSize">Whether it always has its minimum size, and its elements always the same address.</param>
/// <param name="Functions">Of a closed table, to which only active segments write and only null and functions that the module defines: those functions by type. Null when it is not closed.</param>
/// <param name="Run">The only elements that are not null, if they are known, lie side by side, and are all of one type.</param>
internal readonly record struct TableFacts(bool HasFixedSize, ImmutableDictionary<FunctionType, ImmutableSortedSet<uint>>? Functions, ElementRun? Run)
{
    public bool IsClosed => Functions is not null;

    /// <summary>Whether a function of a closed table has this type if it is not null.</summary>
    public bool HoldsOnly(FunctionType type) => Functions is { Count: 1 } && Functions.ContainsKey(type);
}

/// <summary>Elements side by side.</summary>
/// <param name="First">Index of the first one.</param>
/// <param name="Functions">The function in each.</param>
internal sealed record ElementRun(uint First, ImmutableArray<uint> Functions);

/// <summary>Collects the instructions that write to tables, then looks at segments and exports.</summary>
internal sealed class TableWriters(int tableCount)
{
    // Which element holds what is of no use where calls stay indirect anyway.
    private const uint LongestKnownTable = 64;

    private readonly bool[] _growing = new bool[tableCount];
    private readonly bool[] _written = new bool[tableCount];

    public void Note(ref readonly Instruction instruction)
    {
        switch (instruction.Opcode)
        {
            case Opcode.TableGrow:
                _growing[instruction.Index] = true;
                break;
            // The table that is written to is the first index of table.copy, the second one of table.init.
            case Opcode.TableSet or Opcode.TableFill or Opcode.TableCopy:
                _written[instruction.Index] = true;
                break;
            case Opcode.TableInit:
                _written[instruction.SecondIndex] = true;
                break;
        }
    }

    public ImmutableArray<TableFacts> Judge(WasmModule module)
    {
        var facts = ImmutableArray.CreateBuilder<TableFacts>(module.Tables.Length);
        for (int table = 0; table < module.Tables.Length; table++) facts.Add(Judge(module, table));
        return facts.MoveToImmutable();
    }

    private TableFacts Judge(WasmModule module, int table)
    {
        bool isShared = table < module.ImportedTableCount || module.Exports.Any(export => export.Kind == ExternalKind.Table && export.Index == (uint)table);
        if (isShared || _growing[table]) return default;
        var limits = module.Tables[table].Limits;
        bool hasFixedSize = limits.Minimum == limits.Maximum;
        if (_written[table] || module.Tables[table].ElementType != ValueType.FuncRef) return new TableFacts(hasFixedSize, null, null);
        var segments = new List<(ElementSegment Segment, uint?[] Items)>();
        foreach (var segment in module.Elements.Where(segment => segment.Mode == SegmentMode.Active && segment.TableIndex == (uint)table))
        {
            if (OwnFunctions(module, segment) is not { } items) return new TableFacts(hasFixedSize, null, null);
            segments.Add((segment, items));
        }

        var functions = segments.SelectMany(segment => segment.Items).OfType<uint>().Distinct().GroupBy(module.TypeOf)
            .ToImmutableDictionary(group => group.Key, group => group.ToImmutableSortedSet());
        return new TableFacts(hasFixedSize, functions, functions.Count == 1 ? FindRun(module, limits.Minimum, segments) : null);
    }

    // The functions of a segment, null for a null reference; null when it holds anything else.
    private static uint?[]? OwnFunctions(WasmModule module, ElementSegment segment)
    {
        var items = new uint?[segment.Items.Length];
        for (int index = 0; index < items.Length; index++)
        {
            var instruction = default(Instruction);
            if (segment.Items[index].Expression is not { } expression) items[index] = segment.Items[index].FunctionIndex;
            else if (!TryReadOnly(module, expression, ref instruction)) return null;
            else if (instruction.Opcode == Opcode.RefFunc) items[index] = instruction.Index;
            else if (instruction.Opcode != Opcode.RefNull) return null;
            if (items[index] < (uint)module.ImportedFunctionCount) return null;
        }

        return items;
    }

    // A segment that does not fit ends an instantiation half-way: then other instances could call functions of this one by way of a table
    // that they share with it. So what the elements are is known only if each segment is sure to fit, and there is no such table.
    private static ElementRun? FindRun(WasmModule module, uint length, List<(ElementSegment Segment, uint?[] Items)> segments)
    {
        if (length > LongestKnownTable || module.ImportedTableCount > 0) return null;
        var elements = new uint?[length];
        foreach (var (segment, items) in segments)
        {
            var offset = default(Instruction);
            if (!TryReadOnly(module, segment.Offset, ref offset) || offset.Opcode != Opcode.I32Const) return null;
            uint start = (uint)offset.Constant;
            if (start > length || length - start < (uint)items.Length) return null;
            items.CopyTo(elements, (int)start);
        }

        int first = Array.FindIndex(elements, element => element is not null);
        int end = Array.FindLastIndex(elements, element => element is not null) + 1;
        if (first < 0 || Array.IndexOf(elements, null, first, end - first) >= 0) return null;
        return new ElementRun((uint)first, [.. elements[first..end].OfType<uint>()]);
    }

    // Reads a constant expression of a single instruction.
    private static bool TryReadOnly(WasmModule module, ConstantExpression expression, ref Instruction instruction)
    {
        var reader = new InstructionReader(module.Bytes.Span, expression.Offset, expression.Length);
        var end = default(Instruction);
        return reader.Read(ref instruction) is null && reader.Read(ref end) is null && end.Opcode == Opcode.End;
    }
}
