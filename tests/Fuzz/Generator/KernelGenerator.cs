// Loops of one basic block over memory: copies, sums, searches for what LLVM and the emitter's own look at loops could get wrong.

using Bimetal.Fuzz.Model;
using Bimetal.Wasm.Instructions;

namespace Bimetal.Fuzz.Generator;

/// <param name="shape">The module.</param>
/// <param name="newLocal">Makes a local that only the loop writes.</param>
/// <param name="invariants">I32 locals, read and not written.</param>
/// <param name="sums">I64 locals that the loop may write.</param>
internal sealed class KernelGenerator(ModuleShape shape, Func<ValueType, int> newLocal, int[] invariants, int[] sums)
{
    private const int MostTurns = 90;

    private static readonly Opcode[] Operations =
    [
        Opcode.I32Add, Opcode.I32Sub, Opcode.I32Mul, Opcode.I32And, Opcode.I32Or, Opcode.I32Xor, Opcode.I32Shl, Opcode.I32ShrS, Opcode.I32ShrU, Opcode.I32Rotl,
        Opcode.I32Eq, Opcode.I32LtU, Opcode.I32GtS,
    ];

    private readonly Dice _dice = shape.Dice;
    private readonly List<(int Local, int Step)> _pointers = [];
    private readonly List<int> _carried = [];
    private int _turns;
    private int _temporary;

    internal Node Make()
    {
        if (shape.MemoryBytes == 0) return new Node(null);
        _turns = _dice.Between(1, MostTurns);
        var pieces = new List<object>();
        for (int count = _dice.Between(1, 3); count > 0; count--) pieces.AddRange(AddPointer());
        int counter = newLocal(ValueType.I32);
        _temporary = newLocal(ValueType.I32);
        _carried.Add(newLocal(ValueType.I32));
        pieces.AddRange([Code.I32(_turns), Code.Of(Opcode.LocalSet, counter), Code.Block(Opcode.Loop)]);
        for (int count = _dice.Between(1, 5); count > 0; count--) pieces.Add(Step());
        foreach (var (local, step) in _pointers) pieces.AddRange(Advance(local, step));
        pieces.AddRange([
            Code.Of(Opcode.LocalGet, counter), Code.I32(-1), Code.Of(Opcode.I32Add), Code.Of(Opcode.LocalTee, counter), Code.Of(Opcode.BrIf, 0), Code.Of(Opcode.End)]);
        return new Node(null, pieces);
    }

    // A pointer whose whole way is inside the memory, or leaves it after some turns.
    private object[] AddPointer()
    {
        int local = newLocal(ValueType.I32);
        int step = _dice.Pick([1, 1, 2, 4, 4, 8, 16, -1, -4, 3, 0]);
        int way = Math.Abs(step) * (_turns + 1);
        int room = shape.MemoryBytes - way - 32;
        int start = _dice.Chance(shape.IsCareful ? 2 : 12) ? shape.MemoryBytes - (way / 2) : _dice.Chance(60) ? _dice.Next(Math.Min(400, room)) : _dice.Next(room);
        _pointers.Add((local, step));
        return [Code.I32(step < 0 ? start + way : start), Code.Of(Opcode.LocalSet, local)];
    }

    private static object[] Advance(int local, int step) =>
        [Code.Of(Opcode.LocalGet, local), Code.I32(step), Code.Of(Opcode.I32Add), Code.Of(Opcode.LocalSet, local)];

    private Node Step() => _dice.Weighted<Node>(
        (40, Store),
        (20, () => new Node(null, Integer(2), Code.Of(Opcode.LocalSet, _temporary))),
        (20, () => AddUp(_carried[0], Opcode.I32Add, [Opcode.I32Add, Opcode.I32Sub, Opcode.I32Xor, Opcode.I32Or, Opcode.I32And, Opcode.I32Mul], isWide: false)),
        (sums.Length > 0 ? 15 : 0, () => AddUp(_dice.Pick(sums), Opcode.I64Add, [Opcode.I64Add, Opcode.I64Sub, Opcode.I64Xor, Opcode.I64Or], isWide: true)),
        (12, () => new Node(null, Load(_dice.Pick([ValueType.I32, ValueType.I64, ValueType.F32, ValueType.F64])), Code.Of(Opcode.Drop))));

    private Node AddUp(int local, Opcode usual, Opcode[] others, bool isWide) => new(
        null, Code.Of(Opcode.LocalGet, local), isWide ? Wide() : Integer(2), Code.Of(_dice.Chance(60) ? usual : _dice.Pick(others)), Code.Of(Opcode.LocalSet, local));

    private Node Store()
    {
        var (value, opcodes) = _dice.Next(6) switch
        {
            0 => (Wide(), (Opcode[])[Opcode.I64Store, Opcode.I64Store8, Opcode.I64Store16, Opcode.I64Store32]),
            1 => (Double(2), [Opcode.F64Store]),
            2 => (new Node(ValueType.F32, Integer(1), Code.Of(Opcode.F32ConvertI32S), Integer(1), Code.Of(Opcode.F32ConvertI32U), Code.Of(_dice.Pick([Opcode.F32Add, Opcode.F32Mul]))), [Opcode.F32Store]),
            3 => (Load(ValueType.F32), [Opcode.F32Store]),
            _ => (Integer(3), [Opcode.I32Store, Opcode.I32Store8, Opcode.I32Store16]),
        };
        return new Node(null, Pointer(), value, Access(_dice.Pick(opcodes)));
    }

    private Node Pointer() => new(ValueType.I32, Code.Of(Opcode.LocalGet, _dice.Pick(_pointers).Local));

    private byte[] Access(Opcode opcode) => Code.Memory(opcode, 0, (uint)_dice.Pick([0, 0, 0, 1, 4, _dice.Next(16)]));

    private Node Load(ValueType type)
    {
        var loads = OpcodePool.Loads(type);
        return new Node(type, Pointer(), Access(_dice.Pick(loads).Opcode));
    }

    private Node Integer(int depth)
    {
        if (depth == 0 || _dice.Chance(25))
        {
            return _dice.Weighted<Node>(
                (50, () => Load(ValueType.I32)),
                (15, () => new Node(ValueType.I32, _dice.Constant(ValueType.I32))),
                (10, Pointer),
                (8, () => new Node(ValueType.I32, Code.Of(Opcode.LocalGet, _temporary))),
                (3, () => new Node(ValueType.I32, Code.Of(Opcode.LocalGet, _carried[0]))),
                (invariants.Length > 0 ? 12 : 0, () => new Node(ValueType.I32, Code.Of(Opcode.LocalGet, _dice.Pick(invariants)))));
        }

        return _dice.Weighted<Node>(
            (70, () => new Node(ValueType.I32, Integer(depth - 1), Integer(depth - 1), Code.Of(_dice.Pick(Operations)))),
            (10, () => new Node(ValueType.I32, Integer(depth - 1), Integer(depth - 1), Integer(depth - 1), Code.Of(Opcode.Select))),
            (8, () => new Node(ValueType.I32, Integer(depth - 1), Code.I32(_dice.Pick([3, 7, 10, -5, 16])), Code.Of(_dice.Pick([Opcode.I32DivS, Opcode.I32DivU, Opcode.I32RemS, Opcode.I32RemU])))),
            (12, () => new Node(ValueType.I32, Integer(depth - 1), Code.Of(_dice.Pick([Opcode.I32Clz, Opcode.I32Popcnt, Opcode.I32Extend8S, Opcode.I32Extend16S, Opcode.I32Eqz])))));
    }

    private Node Wide() => _dice.Next(3) switch
    {
        0 => Load(ValueType.I64),
        1 => new Node(ValueType.I64, Integer(2), Code.Of(_dice.Chance(50) ? Opcode.I64ExtendI32S : Opcode.I64ExtendI32U)),
        _ => new Node(ValueType.I64, Load(ValueType.I64), new Node(ValueType.I64, _dice.Constant(ValueType.I64)), Code.Of(_dice.Pick([Opcode.I64Mul, Opcode.I64Xor, Opcode.I64ShrU, Opcode.I64Add]))),
    };

    // Never infinite and so never a NaN: sums and products of a few integers.
    private Node Double(int depth) => depth == 0 || _dice.Chance(30)
        ? new Node(ValueType.F64, Integer(1), Code.Of(_dice.Chance(50) ? Opcode.F64ConvertI32S : Opcode.F64ConvertI32U))
        : new Node(ValueType.F64, Double(depth - 1), Double(depth - 1), Code.Of(_dice.Pick([Opcode.F64Add, Opcode.F64Sub, Opcode.F64Mul])));
}
