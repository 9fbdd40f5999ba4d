// Loops. All end: they burn fuel, or count to a limit.

using Bimetal.Fuzz.Model;
using Bimetal.Wasm.Instructions;
using Bimetal.Wasm.Modules;

namespace Bimetal.Fuzz.Generator;

internal sealed partial class FunctionGenerator
{
    // fuel -= 1; leaves whether there is some left, often together with another condition.
    private Node BurnFuel()
    {
        var pieces = new List<object>
        {
            Code.Of(Opcode.GlobalGet, _shape.Fuel), Code.I32(1), Code.Of(Opcode.I32Sub), Code.Of(Opcode.GlobalSet, _shape.Fuel),
            Code.Of(Opcode.GlobalGet, _shape.Fuel), Code.I32(0), Code.Of(Opcode.I32GtS),
        };
        if (_dice.Chance(70)) pieces.AddRange([Clean(ValueType.I32, 2), Code.Of(Opcode.I32And)]);
        return new Node(ValueType.I32, pieces);
    }

    private Node FuelLoop(int depth)
    {
        var body = Inside(new Label([], IsLoop: true), () => (object[])[.. Statements(depth - 1, 3), BurnFuel(), Code.Of(Opcode.BrIf, 0)]);
        return new Node(null, [Code.Block(Opcode.Loop), .. body, Code.Of(Opcode.End)]);
    }

    private Node CountedLoop(int depth)
    {
        int turns = _dice.Between(1, Math.Min(24, _turnsLeft));
        if (_turnsLeft < 2) return SetLocal(depth);
        int before = _turnsLeft;
        _turnsLeft /= turns;
        int counter = NewReserved(_dice.Pick([ValueType.I32, ValueType.I32, ValueType.I64]));
        bool isWide = _locals[counter] == ValueType.I64;
        int step = _dice.Pick([1, 1, 4, -1, 8, -3]);
        int start = _dice.Pick([0, 0, 1, 100, -5, int.MaxValue - 20, 65_500]);
        int end = unchecked(start + (step * turns));
        byte[] Number(int value) => isWide ? Code.I64(value) : Code.I32(value);

        // Nothing may leave out the step: the label cannot be branched to.
        var body = InsideUntargeted(() => (object[])[.. Statements(depth - 1, 3)]);
        _turnsLeft = before;
        return new Node(
            null,
            [
                Number(start), Code.Of(Opcode.LocalSet, counter), Code.Block(Opcode.Loop), .. body,
                Code.Of(Opcode.LocalGet, counter), Number(step), Code.Of(isWide ? Opcode.I64Add : Opcode.I32Add), Code.Of(Opcode.LocalTee, counter),
                isWide ? Code.I64((long)start + ((long)step * turns)) : Code.I32(end), Code.Of(isWide ? Opcode.I64Ne : Opcode.I32Ne), Code.Of(Opcode.BrIf, 0), Code.Of(Opcode.End),
            ]);
    }

    // A label that Branch must not choose; it counts all the same.
    private T InsideUntargeted<T>(Func<T> make) => Inside(new Label([], IsLoop: false, IsUntargeted: true), make);

    /// <summary>
    /// A loop of one block as compilers make them for arrays: pointers that move on, loads, arithmetic, stores and sums. The emitter treats
    /// such loops apart, and LLVM rewrites them.
    /// </summary>
    private Node Kernel() => new KernelGenerator(_shape, NewReserved, LocalsOf(ValueType.I32, writable: true), LocalsOf(ValueType.I64, writable: true)).Make();
}
