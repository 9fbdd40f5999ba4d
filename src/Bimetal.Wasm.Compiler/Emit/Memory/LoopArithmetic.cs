// The arithmetic of LoopSymbol: linear forms, equal values, and which loads a result still depends on with all their bits.

using Bimetal.Wasm.Instructions;

namespace Bimetal.Wasm.Compiler.Emit.Memory;

/// <summary>Computes symbols of results.</summary>
/// <param name="accesses">Knows the addresses of the loads.</param>
internal sealed class LoopArithmetic(LoopAccesses accesses)
{
    private readonly Dictionary<(Opcode Operation, LoopSymbol Left, LoopSymbol Right), int> _numbers = [];
    private readonly Dictionary<int, uint> _fixedLocals = [];
    private readonly SortedSet<uint> _hidden = [];
    private int _nextRoot = LoopSymbol.ConstantRoot + 1;

    /// <summary>Locals that do not change in the loop and are combined with loaded values: LLVM must not know what they hold.</summary>
    public IReadOnlyCollection<uint> Hidden => _hidden;

    /// <summary>A value unlike any other.</summary>
    public LoopSymbol Fresh() => new(_nextRoot++, 0);

    public static LoopSymbol Constant(long value) => new(LoopSymbol.ConstantRoot, value) { IsInvariant = true };

    /// <summary>What a local holds when an iteration begins.</summary>
    public LoopSymbol LocalAtStart(uint local, bool isAssigned)
    {
        int root = Number(Opcode.LocalGet, Constant(local), default);
        if (!isAssigned) _fixedLocals[root] = local;
        return isAssigned
            ? new LoopSymbol(root, 0) { Local = local, Scale = 1, Origin = LoopOrigin.Carried, OriginLocal = local }
            : new LoopSymbol(root, 0) { IsInvariant = true };
    }

    public LoopSymbol Unary(OpcodeInfo info, LoopSymbol operand)
    {
        // Widening and changes of representation lose nothing; of a float, neither do these.
        bool keepsBits = info.Opcode is Opcode.I64ExtendI32S or Opcode.I64ExtendI32U or Opcode.F64PromoteF32
            or Opcode.I32ReinterpretF32 or Opcode.I64ReinterpretF64 or Opcode.F32ReinterpretI32 or Opcode.F64ReinterpretI64
            or Opcode.F64ConvertI32S or Opcode.F64ConvertI32U or Opcode.F32Neg or Opcode.F64Neg or Opcode.F32Sqrt or Opcode.F64Sqrt;
        int root = Number(info.Opcode, operand with { Loads = 0 }, default);
        bool isChanged = info.Opcode is Opcode.F32Neg or Opcode.F64Neg or Opcode.F32Sqrt or Opcode.F64Sqrt or Opcode.F64ConvertI32S or Opcode.F64ConvertI32U;
        return new LoopSymbol(root, 0)
        {
            IsInvariant = operand.IsInvariant,
            Loads = keepsBits ? operand.Loads : 0,
            MayBePlain = operand.MayBePlain && !isChanged,
        };
    }

    public LoopSymbol Binary(Opcode operation, LoopSymbol left, LoopSymbol right)
    {
        if (right is { IsConstant: true, Delta: 0 } && KeepsWithZero(operation)) return left;
        if (left is { IsConstant: true, Delta: 0 } && KeepsWithZero(operation) && IsCommutative(operation)) return right;
        var result = Linear(operation, left, right) ?? new LoopSymbol(Number(operation, Plain(left), Plain(right)), 0);
        result = result with
        {
            IsInvariant = left.IsInvariant && right.IsInvariant,
            Loads = LoadsOf(operation, left, right),
            MayBePlain = MayStayPlain(left, right) || MayStayPlain(right, left),
        };
        if (ContinuesSum(operation, left)) result = Sum(result, left, operation);
        else if (ContinuesSum(operation, right) && IsCommutative(operation)) result = Sum(result, right, operation);
        return result;
    }

    // Sums of counters and fixed values, and multiples of them by constants.
    private LoopSymbol? Linear(Opcode operation, LoopSymbol left, LoopSymbol right)
    {
        switch (operation)
        {
            case Opcode.I32Add when right.IsConstant:
                return new LoopSymbol(left.Root, (int)(left.Delta + right.Delta)) { Local = left.Local, Scale = left.Scale };
            case Opcode.I32Add when left.IsConstant:
                return new LoopSymbol(right.Root, (int)(left.Delta + right.Delta)) { Local = right.Local, Scale = right.Scale };
            case Opcode.I32Sub when right.IsConstant:
                return new LoopSymbol(left.Root, (int)(left.Delta - right.Delta)) { Local = left.Local, Scale = left.Scale };
            case Opcode.I32Add or Opcode.I32Sub when right.IsInvariant:
                return Combined(operation, left, right, left, left.Scale);
            case Opcode.I32Add when left.IsInvariant:
                return Combined(operation, left, right, right, right.Scale);
            case Opcode.I32Shl when right.IsConstant:
                return Combined(operation, left, right, left, left.Scale << (int)(right.Delta & 31));
            case Opcode.I32Mul when right.IsConstant:
                return Combined(operation, left, right, left, left.Scale * right.Delta);
            case Opcode.I32Mul when left.IsConstant:
                return Combined(operation, left, right, right, right.Scale * left.Delta);
            default:
                return null;
        }
    }

    private LoopSymbol Combined(Opcode operation, LoopSymbol left, LoopSymbol right, LoopSymbol moving, long scale) =>
        new(Number(operation, Plain(left), Plain(right)), 0) { Local = moving.Local, Scale = (int)scale };

    // Additive operations and float arithmetic depend on all bits of both operands, unless an operand cancels the other.
    private ulong LoadsOf(Opcode operation, LoopSymbol left, LoopSymbol right)
    {
        bool isFloat = operation is (>= Opcode.F32Add and <= Opcode.F32Div) or (>= Opcode.F64Add and <= Opcode.F64Div);
        if (isFloat) return left.Loads | right.Loads;
        bool isAdditive = operation is Opcode.I32Add or Opcode.I64Add or Opcode.I32Sub or Opcode.I64Sub or Opcode.I32Xor or Opcode.I64Xor;
        return isAdditive && !accesses.ShareAddress(left.Loads, right.Loads) ? left.Loads | right.Loads : 0;
    }

    // A constant changes it (a neutral one has been dealt with, or is hidden where floats are emitted), and so does another load.
    private bool MayStayPlain(LoopSymbol loaded, LoopSymbol other)
    {
        if (!loaded.MayBePlain || other.Loads != 0) return false;
        if (!other.IsInvariant) return true;
        if (other.IsConstant || other.IsFloatConstant) return false;
        if (!_fixedLocals.TryGetValue(other.Root, out uint local) || other.Delta != 0) return true;
        _hidden.Add(local);
        return false;
    }

    private static bool ContinuesSum(Opcode operation, LoopSymbol symbol)
    {
        bool isSum = operation is Opcode.I32Add or Opcode.I64Add or Opcode.I32Sub or Opcode.I64Sub or Opcode.I32Xor or Opcode.I64Xor
            or Opcode.I32Or or Opcode.I64Or or Opcode.I32And or Opcode.I64And or Opcode.I32Mul or Opcode.I64Mul;
        return isSum && (symbol.Origin == LoopOrigin.Carried || (symbol.Origin == LoopOrigin.Sum && symbol.Operation == operation));
    }

    private static LoopSymbol Sum(LoopSymbol result, LoopSymbol carried, Opcode operation) =>
        result with { Origin = LoopOrigin.Sum, OriginLocal = carried.OriginLocal, Operation = operation };

    private static bool KeepsWithZero(Opcode operation) => operation is Opcode.I32Add or Opcode.I64Add or Opcode.I32Sub or Opcode.I64Sub
        or Opcode.I32Xor or Opcode.I64Xor or Opcode.I32Or or Opcode.I64Or;

    private static bool IsCommutative(Opcode operation) => operation is not (Opcode.I32Sub or Opcode.I64Sub);

    private static LoopSymbol Plain(LoopSymbol symbol) => new(symbol.Root, symbol.Delta);

    private int Number(Opcode operation, LoopSymbol left, LoopSymbol right)
    {
        if (_numbers.TryGetValue((operation, left, right), out int known)) return known;
        _numbers.Add((operation, left, right), _nextRoot);
        return _nextRoot++;
    }
}
