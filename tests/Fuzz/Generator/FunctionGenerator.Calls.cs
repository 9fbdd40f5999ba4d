// Calls: direct, through tables (sometimes of the wrong type), of the host, and last ones.

using Bimetal.Fuzz.Model;
using Bimetal.Wasm.Instructions;
using Bimetal.Wasm.Modules;

namespace Bimetal.Fuzz.Generator;

internal sealed partial class FunctionGenerator
{
    // A call whose results all but one, of the wanted type, are dropped.
    private Node CallOf(ValueType type, int depth)
    {
        int[] callees = [.. Callees(results => results.Contains(type))];
        if (callees.Length == 0) return Clean(Terminal(type));
        int callee = _dice.Pick(callees);
        var results = _shape.Module.TypeOf(callee).Results;
        var call = Call(callee, depth);
        if (results.Length == 1) return new Node(type, call);

        // From the top of the stack down: drop, or keep in a local.
        int kept = results.IndexOf(type);
        var pieces = new List<object>(call);
        for (int index = results.Length - 1; index > kept; index--) pieces.Add(Receive(results[index]));
        if (kept == 0) return new Node(type, pieces);
        int local = NewLocal(type);
        pieces.Add(Code.Of(Opcode.LocalSet, local));
        for (int index = kept - 1; index >= 0; index--) pieces.Add(Receive(results[index]));
        pieces.Add(Code.Of(Opcode.LocalGet, local));
        return new Node(type, pieces);
    }

    private Node CallStatement(int depth)
    {
        int callee = _dice.Next(_shape.CallableCount);
        return new Node(null, [.. Call(callee, depth), .. _shape.Module.TypeOf(callee).Results.Reverse().Select(Receive)]);
    }

    // Takes a result from the stack.
    private byte[] Receive(ValueType type)
    {
        int[] locals = LocalsOf(type, writable: true);
        return locals.Length > 0 && _dice.Chance(70) ? Code.Of(Opcode.LocalSet, _dice.Pick(locals)) : Code.Of(Opcode.Drop);
    }

    private List<object> Call(int callee, int depth)
    {
        var type = _shape.Module.TypeOf(callee);
        var pieces = new List<object>(CleanAll(type.Parameters, depth));
        AddCall(pieces, callee, type, depth, Opcode.Call, Opcode.CallIndirect);
        return pieces;
    }

    private void AddCall(List<object> pieces, int callee, FunctionType type, int depth, Opcode direct, Opcode indirect)
    {
        int[] tables = TablesOf(ValueType.FuncRef);
        if (tables.Length == 0 || !_dice.Chance(35))
        {
            pieces.Add(Code.Of(direct, callee));
            return;
        }

        int table = _dice.Pick(tables);
        pieces.Add(IndexOfCallee(callee, table, depth));
        pieces.Add(Code.Of(indirect, (int)_shape.Module.TypeIndex(type), table));
    }

    // Mostly where an active segment put the function, or one of the same type; nobody knows whether it is still there.
    private Node IndexOfCallee(int callee, int table, int depth)
    {
        var type = _shape.Module.TypeOf(callee);
        int[] places = [.. Placed(table).Where(place => _shape.Module.TypeOf((int)place.Function) == type).Select(place => place.Index)];
        if (places.Length == 0 || _dice.Chance(IsCareful ? 2 : 15)) return TableIndex(table, depth);
        return places.Length > 1 && _dice.Chance(50)
            ? new Node(ValueType.I32, Code.I32(places[0]), Code.I32(places[^1]), Clean(ValueType.I32, depth), Code.Of(Opcode.Select))
            : new Node(ValueType.I32, Code.I32(_dice.Pick(places)));
    }

    private IEnumerable<(int Index, uint Function)> Placed(int table) => _shape.Module.Elements
        .Where(segment => segment.Offset is not null && segment.Table == table)
        .SelectMany(segment => segment.Items.Select((function, index) => (Index: index + ModuleGenerator.ElementsAt, Function: function)))
        .Where(place => place.Function is not null).Select(place => (place.Index, place.Function!.Value));

    /// <summary>A last call under a condition, if some function returns what this one does.</summary>
    private Node TailCall(int depth)
    {
        int[] callees = [.. Callees(results => results.AsSpan().SequenceEqual(_function.Type.Results.AsSpan()))];
        if (callees.Length == 0) return new Node(null);
        int callee = _dice.Pick(callees);
        var type = _shape.Module.TypeOf(callee);
        var condition = Clean(ValueType.I32, depth);
        var body = Inside(new Label([], IsLoop: false), () =>
        {
            var pieces = new List<object>(CleanAll(type.Parameters, depth - 1));
            AddCall(pieces, callee, type, depth, Opcode.ReturnCall, Opcode.ReturnCallIndirect);
            return pieces;
        });
        return new Node(null, [condition, Code.Block(Opcode.If), .. body, Code.Of(Opcode.End)]);
    }

    private IEnumerable<int> Callees(Func<System.Collections.Immutable.ImmutableArray<ValueType>, bool> returning) =>
        Enumerable.Range(0, _shape.CallableCount).Where(function => returning(_shape.Module.TypeOf(function).Results));
}
