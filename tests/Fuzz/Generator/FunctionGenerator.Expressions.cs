// Expressions: a tree of instructions for a value of a wanted type.

using Bimetal.Fuzz.Model;
using Bimetal.Wasm.Instructions;
using Bimetal.Wasm.Modules;

namespace Bimetal.Fuzz.Generator;

internal sealed partial class FunctionGenerator
{
    private Expression Any(ValueType type, int depth)
    {
        _budget--;
        if (depth <= 0 || IsSpent || _dice.Chance(12)) return Terminal(type);
        if (type is ValueType.FuncRef or ValueType.ExternRef) return new Expression(Reference(type, depth - 1), Looseness.None);
        var expression = _dice.Weighted<Expression>(
            (58, () => Operation(type, depth - 1)),
            (_shape.HasMemory ? 8 : 0, () => Load(type, depth - 1)),
            (6, () => Select(type, depth - 1)),
            (6, () => Strict(Conditional(type, depth - 1))),
            (5, () => Strict(BlockOf(type, depth - 1))),
            (3, () => Strict(BranchTableOf(type, depth - 1))),
            (5, () => Strict(CallOf(type, depth - 1))),
            (4, () => Strict(Tee(type, depth - 1))),
            (type == ValueType.I32 ? 6 : 0, () => Strict(Query(depth - 1))));
        return _dice.Chance(15) ? Strict(Clean(expression)) : expression;
    }

    private static Expression Strict(Node node) => new(node, Looseness.None);

    private Expression Terminal(ValueType type)
    {
        int[] locals = LocalsOf(type, writable: false);
        int[] globals = [.. _shape.Globals(type, mutable: false)];
        if (locals.Length > 0 && _dice.Chance(60)) return Strict(new Node(type, Code.Of(Opcode.LocalGet, _dice.Pick(locals))));
        if (globals.Length > 0 && _dice.Chance(30)) return Strict(new Node(type, Code.Of(Opcode.GlobalGet, _dice.Pick(globals))));
        if (type == ValueType.FuncRef && _dice.Chance(60)) return Strict(new Node(type, Code.Of(Opcode.RefFunc, _dice.Next(_shape.CallableCount))));
        return Strict(new Node(type, _dice.Constant(type)));
    }

    // Any instruction of the table that returns the type.
    private Expression Operation(ValueType type, int depth)
    {
        var info = _dice.Pick(_shape.Operations(type));
        if (info.NaturalAlignment >= 0) return Strict(MemoryOperation(info, depth));
        var operands = new Node[info.Operands.Length];
        var loosest = Looseness.None;
        for (int index = 0; index < operands.Length; index++)
        {
            var operand = Guarded(info, index, depth);
            if (operand.Looseness != FloatRules.Accepts(info, index)) operand = Strict(Clean(operand));
            if (operand.Looseness != Looseness.None) loosest = operand.Looseness;
            operands[index] = operand.Node;
        }

        return new Expression(new Node(type, [.. operands, WithImmediates(info)]), FloatRules.Gives(info, loosest));
    }

    // An operand; where it could make the instruction trap, mostly one that does not.
    private Expression Guarded(OpcodeInfo info, int index, int depth)
    {
        var type = info.Operands[index];
        bool isSafe = _dice.Chance(IsCareful ? 97 : 60);
        if (index == 1 && isSafe && info.Opcode is (>= Opcode.I32DivS and <= Opcode.I32RemU) or (>= Opcode.I64DivS and <= Opcode.I64RemU)) return Strict(Divisor(type, depth));
        bool isSingle = info.Opcode is Opcode.I32TruncF32S or Opcode.I32TruncF32U or Opcode.I64TruncF32S or Opcode.I64TruncF32U;
        bool isDouble = info.Opcode is Opcode.I32TruncF64S or Opcode.I32TruncF64U or Opcode.I64TruncF64S or Opcode.I64TruncF64U;
        if (isSafe && (isSingle || isDouble)) return Strict(SmallFloat(type, depth));
        return Any(type, depth);
    }

    private Node Divisor(ValueType type, int depth)
    {
        bool isWide = type == ValueType.I64;
        if (_dice.Chance(40))
        {
            ulong bits = _dice.Bits(type);
            return new Node(type, isWide ? Code.I64(bits is 0 or ulong.MaxValue ? 3 : (long)bits) : Code.I32((uint)bits is 0 or uint.MaxValue ? 3 : (int)bits));
        }

        return new Node(type, Clean(type, depth), isWide ? Code.I64(0x7FFFFFFF) : Code.I32(0x7FFFFFF), Code.Of(isWide ? Opcode.I64And : Opcode.I32And),
            isWide ? Code.I64(1) : Code.I32(1), Code.Of(isWide ? Opcode.I64Or : Opcode.I32Or));
    }

    // A float between 0 and 2^30.
    private Node SmallFloat(ValueType type, int depth) => new(
        type, Clean(ValueType.I32, depth), Code.I32(2), Code.Of(Opcode.I32ShrU),
        Code.Of(type == ValueType.F32 ? Opcode.F32ConvertI32S : Opcode.F64ConvertI32S));

    private byte[] WithImmediates(OpcodeInfo info) => info.Immediate switch
    {
        ImmediateKind.None => Code.Of(info.Opcode),
        ImmediateKind.Lane => Code.Start(info.Opcode).Byte((byte)_dice.Next(LaneCount(info.Name))).ToArray(),
        ImmediateKind.V128 => Code.Start(info.Opcode).Bytes([.. Enumerable.Range(0, 16).Select(_ => (byte)_dice.Next(32))]).ToArray(),
        _ => throw new InvalidOperationException($"{info.Name} is not in the pool."),
    };

    // i16x8.extract_lane_s has 8.
    private static int LaneCount(string name) =>
        int.Parse(name.AsSpan(name.IndexOf('x', StringComparison.Ordinal) + 1, name.IndexOf('.', StringComparison.Ordinal) - name.IndexOf('x', StringComparison.Ordinal) - 1));

    private Expression Select(ValueType type, int depth)
    {
        var first = Any(type, depth);
        var second = Any(type, depth);
        bool mayStay = first.Looseness == Looseness.None || second.Looseness == Looseness.None || first.Looseness == second.Looseness;
        if (!mayStay || _dice.Chance(30)) (first, second) = (Strict(Clean(first)), Strict(Clean(second)));
        bool isTyped = type.IsReference() || _dice.Chance(20);
        var node = new Node(type, first.Node, second.Node, Clean(ValueType.I32, depth), isTyped ? Code.TypedSelect(type) : Code.Of(Opcode.Select));
        return new Expression(node, first.Looseness == Looseness.None ? second.Looseness : first.Looseness);
    }

    private Node Tee(ValueType type, int depth)
    {
        int[] locals = LocalsOf(type, writable: true);
        int local = locals.Length > 0 ? _dice.Pick(locals) : NewLocal(type);
        return new Node(type, Clean(type, depth), Code.Of(Opcode.LocalTee, local));
    }

    private Node Reference(ValueType type, int depth)
    {
        int[] tables = TablesOf(type);
        return _dice.Weighted<Node>(
            (tables.Length > 0 ? 40 : 0, () => TableGet(_dice.Pick(tables), depth)),
            (20, () => Select(type, depth).Node),
            (15, () => Conditional(type, depth)),
            (10, () => BlockOf(type, depth)),
            (10, () => Tee(type, depth)),
            (15, () => CallOf(type, depth)));
    }

    // Numbers about references, tables and the memory.
    private Node Query(int depth)
    {
        int[] writtenTables = WrittenTables();
        int tableCount = _shape.Tables.Count;
        return _dice.Weighted<Node>(
            (20, () => new Node(ValueType.I32, Clean(_dice.Pick([ValueType.FuncRef, ValueType.ExternRef]), depth), Code.Of(Opcode.RefIsNull))),
            (tableCount > 0 ? 10 : 0, () => new Node(ValueType.I32, Code.Of(Opcode.TableSize, _dice.Next(tableCount)))),
            (writtenTables.Length > 0 ? 8 : 0, () => TableGrow(_dice.Pick(writtenTables), depth)),
            (_shape.HasMemory ? 10 : 0, () => new Node(ValueType.I32, Code.Of(Opcode.MemorySize, 0))),
            (_shape.HasMemory ? 8 : 0, () => new Node(ValueType.I32, SmallCount(depth), Code.Of(Opcode.MemoryGrow, 0))));
    }

    // Mostly 0 to 3, as growth that may still succeed.
    private Node SmallCount(int depth) => _dice.Chance(20)
        ? Clean(ValueType.I32, depth)
        : new Node(ValueType.I32, Clean(ValueType.I32, depth), Code.I32(_dice.Pick([1, 3, 3])), Code.Of(Opcode.I32And));
}
