// Tables and references.

using Bimetal.Fuzz.Model;
using Bimetal.Wasm.Instructions;
using Bimetal.Wasm.Modules;

namespace Bimetal.Fuzz.Generator;

internal sealed partial class FunctionGenerator
{
    private int[] TablesOf(ValueType type) => [.. Enumerable.Range(0, _shape.Tables.Count).Where(table => _shape.Tables[table].ElementType == type)];

    private int[] WrittenTables() => [.. Enumerable.Range(0, _shape.Tables.Count).Where(table => _shape.Tables[table].IsWritten)];

    private Node TableGet(int table, int depth) =>
        new(_shape.Tables[table].ElementType, TableIndex(table, depth), Code.Of(Opcode.TableGet, table));

    private Node TableGrow(int table, int depth) =>
        new(ValueType.I32, Clean(_shape.Tables[table].ElementType, depth), SmallCount(depth), Code.Of(Opcode.TableGrow, table));

    // Mostly an index of the table at its least size.
    private Node TableIndex(int table, int depth)
    {
        int length = (int)_shape.Tables[table].Minimum;
        if (length == 0 || _dice.Chance(IsCareful ? 3 : 20)) return Clean(ValueType.I32, depth);
        if (_dice.Chance(10)) return new Node(ValueType.I32, Code.I32(length - (_dice.Chance(IsCareful ? 95 : 50) ? 1 : 0)));
        return _dice.Chance(50)
            ? new Node(ValueType.I32, Code.I32(_dice.Next(length)))
            : new Node(ValueType.I32, Clean(ValueType.I32, depth), Code.I32(length), Code.Of(Opcode.I32RemU));
    }

    private Node TableStatement(int depth)
    {
        int[] tables = WrittenTables();
        if (tables.Length == 0) return new Node(null);
        int table = _dice.Pick(tables);
        var type = _shape.Tables[table].ElementType;
        int[] segments = [.. Enumerable.Range(0, _shape.Module.Elements.Count).Where(index => _shape.Module.Elements[index].Type == type)];
        return _dice.Weighted<Node>(
            (40, () => new Node(null, TableIndex(table, depth), Clean(type, depth), Code.Of(Opcode.TableSet, table))),
            (15, () => new Node(null, TableIndex(table, depth), Clean(type, depth), TableCount(depth), Code.Of(Opcode.TableFill, table))),
            (20, () => TableCopy(table, _dice.Pick(TablesOf(type)), depth)),
            (segments.Length > 0 ? 20 : 0, () => new Node(null, TableIndex(table, depth), TableCount(depth), TableCount(depth), Code.Of(Opcode.TableInit, _dice.Pick(segments), table))),
            (segments.Length > 0 ? 3 : 0, () => new Node(null, Code.Of(Opcode.ElemDrop, _dice.Pick(segments)))),
            (10, () => new Node(null, TableGrow(table, depth), Code.Of(Opcode.Drop))));
    }

    private Node TableCopy(int target, int source, int depth) =>
        new(null, TableIndex(target, depth), TableIndex(source, depth), TableCount(depth), Code.Of(Opcode.TableCopy, target, source));

    private Node TableCount(int depth) => _dice.Chance(IsCareful ? 3 : 15) ? Clean(ValueType.I32, depth) : new Node(ValueType.I32, Code.I32(_dice.Next(IsCareful ? 3 : 6)));
}
