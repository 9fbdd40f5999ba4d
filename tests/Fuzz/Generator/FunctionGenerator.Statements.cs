// Statements: what leaves nothing on the stack.

using Bimetal.Fuzz.Model;
using Bimetal.Wasm.Instructions;
using Bimetal.Wasm.Modules;

namespace Bimetal.Fuzz.Generator;

internal sealed partial class FunctionGenerator
{
    private Node Statement(int depth)
    {
        _budget--;
        if (depth <= 0 || IsSpent) return SetLocal(1);
        int inMemory = _shape.HasMemory ? 1 : 0;
        return _dice.Weighted<Node>(
            (24, () => SetLocal(depth)),
            (8, () => SetGlobal(depth)),
            (22 * inMemory, () => Store(depth)),
            (5 * inMemory, () => DroppedLoad(depth)),
            (6 * inMemory, () => BulkMemory(depth)),
            (_shape.Tables.Count > 0 ? 5 : 0, () => TableStatement(depth)),
            (9, () => If(depth)),
            (5, () => Block(depth)),
            (4, () => Switch(depth)),
            (4, () => ParametrisedBlock(depth)),
            (5, () => FuelLoop(depth)),
            (6, () => CountedLoop(depth)),
            (5 * inMemory, () => Kernel()),
            (6, () => CallStatement(depth)),
            (3, () => Branch(depth)),
            (2, () => TailCall(depth)),
            (2, () => Dropped(depth)),
            (IsCareful ? 0 : 1, () => Unreachable(depth)),
            (1, () => new Node(null, Code.Of(Opcode.Nop))));
    }

    private Node[] Statements(int depth, int most) => [.. Enumerable.Range(0, _dice.Between(1, most)).Select(_ => Statement(depth))];

    private Node SetLocal(int depth)
    {
        var type = _shape.AnyType();
        int[] locals = LocalsOf(type, writable: true);
        int local = locals.Length > 0 ? _dice.Pick(locals) : NewLocal(type);
        return new Node(null, Clean(type, depth), Code.Of(Opcode.LocalSet, local));
    }

    private Node SetGlobal(int depth)
    {
        var type = _shape.AnyType();
        int[] globals = [.. _shape.Globals(type, mutable: true)];
        return globals.Length == 0 ? SetLocal(depth) : new Node(null, Clean(type, depth), Code.Of(Opcode.GlobalSet, _dice.Pick(globals)));
    }

    // Its value is unused, its trap is not.
    private Node DroppedLoad(int depth)
    {
        var load = Load(_dice.Pick(_shape.ValueTypes), depth).Node;
        if (_dice.Chance(50)) return new Node(null, load, Code.Of(Opcode.Drop));
        int local = NewReserved(load.Result!.Value);
        return new Node(null, load, Code.Of(Opcode.LocalSet, local));
    }

    private Node Dropped(int depth) => new(null, Any(_shape.AnyType(), depth).Node, Code.Of(Opcode.Drop));

    private Node If(int depth)
    {
        var pieces = new List<object> { Clean(ValueType.I32, depth - 1), Code.Block(Opcode.If) };
        pieces.AddRange(Inside(new Label([], IsLoop: false), () => Statements(depth - 1, 3)));
        if (_dice.Chance(40))
        {
            pieces.Add(Code.Of(Opcode.Else));
            pieces.AddRange(Inside(new Label([], IsLoop: false), () => Statements(depth - 1, 3)));
        }

        pieces.Add(Code.Of(Opcode.End));
        return new Node(null, pieces);
    }

    private Node Block(int depth)
    {
        var body = Inside(new Label([], IsLoop: false), () =>
        {
            Node[] first = Statements(depth - 1, 2);
            var branch = new Node(null, Clean(ValueType.I32, depth - 1), Code.Of(Opcode.BrIf, 0));
            return (Node[])[.. first, branch, .. Statements(depth - 1, 2)];
        });
        return new Node(null, [Code.Block(Opcode.Block), .. body, Code.Of(Opcode.End)]);
    }

    // A branch under a condition to any label around; behind it, now and then, code that nothing reaches.
    private Node Branch(int depth)
    {
        int label = _dice.Next(_labels.Count);
        var (types, isLoop, isUntargeted) = _labels[^(label + 1)];
        if (isUntargeted) return SetLocal(depth);
        if (isLoop) return new Node(null, BurnFuel(), Code.Of(Opcode.BrIf, label));
        if (_dice.Chance(40))
        {
            var drops = types.Select(_ => (object)Code.Of(Opcode.Drop));
            return new Node(null, [.. CleanAll(types, depth - 2), Clean(ValueType.I32, depth - 1), Code.Of(Opcode.BrIf, label), .. drops]);
        }

        bool isReturn = label == _labels.Count - 1 && _dice.Chance(50);
        var condition = Clean(ValueType.I32, depth - 1);
        var body = Inside(new Label([], IsLoop: false), () =>
        {
            object[] leave = [.. CleanAll(types, depth - 2), isReturn ? Code.Of(Opcode.Return) : Code.Of(Opcode.Br, label + 1)];
            return _dice.Chance(30) ? [.. leave, .. DeadCode(depth - 2)] : leave;
        });
        return new Node(null, [condition, Code.Block(Opcode.If), .. body, Code.Of(Opcode.End)]);
    }

    private object[] DeadCode(int depth) => _dice.Next(4) switch
    {
        0 => [Code.Of(Opcode.I32Add), Code.Of(Opcode.Drop)],
        1 => [Code.Of(Opcode.Select), Code.Of(Opcode.Drop), Code.Of(Opcode.F64Sqrt), Code.Of(Opcode.Drop)],
        _ => Statements(depth, 2),
    };

    private Node Unreachable(int depth) =>
        new(null, Clean(ValueType.I32, depth - 1), Code.I32(15), Code.Of(Opcode.I32And), Code.Of(Opcode.I32Eqz), Code.Block(Opcode.If), Code.Of(Opcode.Unreachable), Code.Of(Opcode.End));

    private T Inside<T>(Label label, Func<T> make)
    {
        _labels.Add(label);
        var made = make();
        _labels.RemoveAt(_labels.Count - 1);
        return made;
    }
}
