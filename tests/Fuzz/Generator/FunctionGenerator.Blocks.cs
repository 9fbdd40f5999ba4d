// Blocks that have results or parameters, and branch tables.

using Bimetal.Fuzz.Model;
using Bimetal.Wasm.Instructions;
using Bimetal.Wasm.Modules;

namespace Bimetal.Fuzz.Generator;

internal sealed partial class FunctionGenerator
{
    private Node Conditional(ValueType type, int depth)
    {
        var condition = Clean(ValueType.I32, depth);
        var label = new Label([type], IsLoop: false);
        object[] Arm() => Inside(label, () => _dice.Chance(25) ? (object[])[.. Statements(depth - 1, 1), Clean(type, depth)] : [Clean(type, depth)]);
        return new Node(type, [condition, Code.Block(Opcode.If, type), .. Arm(), Code.Of(Opcode.Else), .. Arm(), Code.Of(Opcode.End)]);
    }

    // A block or a loop with a result, left by a branch with a value or at its end.
    private Node BlockOf(ValueType type, int depth)
    {
        bool isLoop = _dice.Chance(25);
        var body = Inside(new Label(isLoop ? [] : [type], isLoop), () =>
        {
            var pieces = new List<object>();
            if (_dice.Chance(40)) pieces.AddRange(Statements(depth - 1, 2));
            if (isLoop) pieces.Add(new Node(null, BurnFuel(), Code.Of(Opcode.BrIf, 0)));
            else if (_dice.Chance(80)) pieces.Add(new Node(null, Clean(type, depth), Clean(ValueType.I32, depth), Code.Of(Opcode.BrIf, 0), Code.Of(Opcode.Drop)));
            pieces.Add(Clean(type, depth));
            return pieces;
        });
        return new Node(type, [Code.Block(isLoop ? Opcode.Loop : Opcode.Block, type), .. body, Code.Of(Opcode.End)]);
    }

    // Nested blocks with a result; a table chooses which of them the value leaves, and each but the last passed does something to it.
    private Node BranchTableOf(ValueType type, int depth)
    {
        int count = _dice.Between(1, 4);
        var pieces = new List<object>();
        for (int block = 0; block < count; block++)
        {
            pieces.Add(Code.Block(Opcode.Block, type));
            _labels.Add(new Label([type], IsLoop: false));
        }

        pieces.Add(Clean(type, depth));
        pieces.Add(BranchIndex(depth));
        pieces.Add(RandomTable(count));
        for (int block = 0; block < count; block++)
        {
            pieces.Add(Code.Of(Opcode.End));
            _labels.RemoveAt(_labels.Count - 1);
            if (block == count - 1) continue;
            pieces.Add(Code.Of(Opcode.Drop));
            pieces.Add(Clean(type, depth - 1));
        }

        return new Node(type, pieces);
    }

    // switch (index) { … } with falling through.
    private Node Switch(int depth)
    {
        int count = _dice.Between(1, 5);
        var pieces = new List<object>();
        for (int block = 0; block < count; block++)
        {
            pieces.Add(Code.Block(Opcode.Block));
            _labels.Add(new Label([], IsLoop: false));
        }

        pieces.Add(BranchIndex(depth - 1));
        pieces.Add(RandomTable(count));
        for (int block = 0; block < count; block++)
        {
            pieces.Add(Code.Of(Opcode.End));
            _labels.RemoveAt(_labels.Count - 1);
            if (block == count - 1) continue;
            pieces.AddRange(Statements(depth - 2, 2));
            if (_dice.Chance(60)) pieces.Add(Code.Of(Opcode.Br, count - 2 - block));
        }

        return new Node(null, pieces);
    }

    private Node BranchIndex(int depth) => _dice.Chance(25)
        ? Clean(ValueType.I32, depth)
        : new Node(ValueType.I32, Clean(ValueType.I32, depth), Code.I32(_dice.Pick([1, 3, 7, 15])), Code.Of(Opcode.I32And));

    private byte[] RandomTable(int labelCount) =>
        Code.BranchTable([.. Enumerable.Range(0, _dice.Chance(5) ? 0 : _dice.Chance(10) ? 40 : _dice.Between(1, 6)).Select(_ => _dice.Next(labelCount))], _dice.Next(labelCount));

    // A block, loop or if with parameters and several results.
    private Node ParametrisedBlock(int depth)
    {
        ValueType[] parameters = [.. Enumerable.Range(0, _dice.Next(4)).Select(_ => _shape.AnyType())];
        ValueType[] results = [.. Enumerable.Range(0, _dice.Next(4)).Select(_ => _shape.AnyType())];
        uint type = _shape.Module.TypeIndex(FunctionType.Of(parameters, results));
        var opcode = _dice.Pick([Opcode.Block, Opcode.Loop, Opcode.If]);
        var pieces = new List<object>(CleanAll(parameters, depth - 1));
        if (opcode == Opcode.If) pieces.Add(Clean(ValueType.I32, depth - 1));
        pieces.Add(Code.TypedBlock(opcode, type));
        object[] Body()
        {
            object[] received = [.. parameters.Reverse().Select(Receive)];

            // The way back to the head of a loop hands the parameters on.
            object[] again = opcode == Opcode.Loop
                ? [.. CleanAll(parameters, depth - 2), BurnFuel(), Code.Of(Opcode.BrIf, 0), .. parameters.Select(_ => Code.Of(Opcode.Drop))]
                : [];
            return [.. received, .. Statements(depth - 2, 2), .. again, .. CleanAll(results, depth - 2)];
        }

        // Nothing else in the body branches to a loop with parameters.
        var label = opcode == Opcode.Loop && parameters.Length > 0 ? null : new Label(opcode == Opcode.Loop ? [] : results, opcode == Opcode.Loop);
        pieces.AddRange(label is null ? InsideUntargeted(Body) : Inside(label, Body));
        if (opcode == Opcode.If) pieces.AddRange([Code.Of(Opcode.Else), .. Inside(label!, Body)]);
        pieces.Add(Code.Of(Opcode.End));
        pieces.AddRange(results.Reverse().Select(Receive));
        return new Node(null, pieces);
    }
}
