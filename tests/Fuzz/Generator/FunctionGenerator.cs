// Writes the body of one function. This file: what the parts share. Expressions, statements, loops and calls are in files beside it.

using Bimetal.Fuzz.Model;
using Bimetal.Wasm.Instructions;
using Bimetal.Wasm.Modules;

namespace Bimetal.Fuzz.Generator;

/// <summary>An expression, and whether a NaN in it may have any bits.</summary>
internal readonly record struct Expression(Node Node, Looseness Looseness);

internal sealed partial class FunctionGenerator
{
    private const int DepthLimit = 6;

    private readonly ModuleShape _shape;
    private readonly Dice _dice;
    private readonly FuzzFunction _function;
    private readonly List<ValueType> _locals;

    // Locals that only the construct that made them writes: counters, and what a NaN is looked at in.
    private readonly HashSet<int> _reserved = [];
    private readonly Dictionary<ValueType, int> _scratch = [];
    private readonly List<Label> _labels = [];
    private int _budget;
    private int _turnsLeft = 400;

    private FunctionGenerator(ModuleShape shape, FuzzFunction function)
    {
        _shape = shape;
        _dice = shape.Dice;
        _function = function;
        _locals = [.. function.Type.Parameters];
        _budget = _dice.Chance(10) ? 260 : _dice.Between(20, 110);
        _labels.Add(new Label([.. function.Type.Results], IsLoop: false));
        for (int count = _dice.Between(1, 7); count > 0; count--) NewLocal(shape.AnyType());
    }

    /// <summary>Where a branch may go.</summary>
    private sealed record Label(ValueType[] Types, bool IsLoop, bool IsUntargeted = false);

    private bool IsSpent => _budget <= 0;

    private bool IsCareful => _shape.IsCareful;

    /// <summary>Fills the function's body. It ends early when the fuel is used up.</summary>
    internal static void Fill(ModuleShape shape, FuzzFunction function)
    {
        var generator = new FunctionGenerator(shape, function);
        function.Body.Add(generator.FuelCheck());
        for (int count = shape.Dice.Between(1, 7); count > 0; count--) function.Body.Add(generator.Statement(DepthLimit));
        if (shape.Dice.Chance(10)) function.Body.Add(generator.TailCall(DepthLimit));
        foreach (var type in function.Type.Results) function.Body.Add(generator.Clean(type, DepthLimit));
    }

    private int NewLocal(ValueType type)
    {
        _locals.Add(type);
        _function.Locals.Add(type);
        return _locals.Count - 1;
    }

    private int NewReserved(ValueType type)
    {
        int local = NewLocal(type);
        _reserved.Add(local);
        return local;
    }

    private int[] LocalsOf(ValueType type, bool writable) =>
        [.. Enumerable.Range(0, _locals.Count).Where(index => _locals[index] == type && !(writable && _reserved.Contains(index)) && !_scratch.ContainsValue(index))];

    // fuel -= 1; if (fuel < 0) return zeros;
    private Node FuelCheck()
    {
        var pieces = new List<object>
        {
            Code.Of(Opcode.GlobalGet, _shape.Fuel), Code.I32(1), Code.Of(Opcode.I32Sub), Code.Of(Opcode.GlobalSet, _shape.Fuel),
            Code.Of(Opcode.GlobalGet, _shape.Fuel), Code.I32(0), Code.Of(Opcode.I32LtS), Code.Block(Opcode.If),
        };
        foreach (var type in _function.Type.Results) pieces.Add(Code.Zero(type));
        pieces.Add(Code.Of(Opcode.Return));
        pieces.Add(Code.Of(Opcode.End));
        return new Node(null, pieces);
    }

    /// <summary>An expression that shows no open bits of a NaN.</summary>
    private Node Clean(ValueType type, int depth) => Clean(Any(type, depth));

    private Node Clean(Expression expression)
    {
        if (expression.Looseness == Looseness.None) return expression.Node;
        var type = expression.Node.Result!.Value;
        if (!_scratch.TryGetValue(type, out int local)) _scratch[type] = local = NewLocal(type);
        bool isSingle = expression.Looseness == Looseness.Single;
        var (nan, equal) = (type, isSingle) switch
        {
            (ValueType.F32, _) => (Code.F32(0x7FC00000), Opcode.F32Eq),
            (ValueType.F64, _) => (Code.F64(0x7FF8000000000000), Opcode.F64Eq),
            (_, true) => (Code.V128(0x7FC000007FC00000, 0x7FC000007FC00000), Opcode.F32x4Eq),
            _ => (Code.V128(0x7FF8000000000000, 0x7FF8000000000000), Opcode.F64x2Eq),
        };
        var choose = type == ValueType.V128 ? Opcode.V128Bitselect : Opcode.Select;
        return new Node(
            type, expression.Node, Code.Of(Opcode.LocalTee, local), nan, Code.Of(Opcode.LocalGet, local), Code.Of(Opcode.LocalGet, local), Code.Of(equal), Code.Of(choose));
    }

    private Node[] CleanAll(IEnumerable<ValueType> types, int depth) => [.. types.Select(type => Clean(type, depth))];
}
