// What is called from outside. Values cross as integers only: floats would lose NaN bits on JavaScript's side, vectors cannot.

using Bimetal.Fuzz.Model;
using Bimetal.Wasm.Instructions;
using Bimetal.Wasm.Modules;

namespace Bimetal.Fuzz.Generator;

/// <summary>Adds an entry for each function, and one that condenses globals and tables into a number.</summary>
internal sealed class EntryPoints(ModuleShape shape)
{
    /// <summary>The export that returns the state.</summary>
    internal const string Digest = "digest";

    private readonly FuzzModule _module = shape.Module;
    private readonly Dice _dice = shape.Dice;

    internal void Add()
    {
        var entries = new List<FuzzFunction>();
        for (int callee = _module.ImportedFunctions.Count; callee < shape.CallableCount; callee++)
        {
            var entry = Entry($"run{callee}", callee);
            entries.Add(entry);
            _module.Functions.Add(entry);
        }

        AddDigest();
        foreach (var entry in entries)
        {
            for (int count = _dice.Between(2, 4); count > 0; count--)
            {
                FuzzValue[] arguments = [.. entry.Type.Parameters.Select(type => new FuzzValue(type, _dice.Bits(type)))];
                _module.Calls.Add(new FuzzCall(entry.Export!, arguments, entry.Type.Results));
            }
        }
    }

    // (i32, i64) -> integers: makes arguments of the two, calls, takes the results apart.
    private FuzzFunction Entry(string name, int callee)
    {
        var type = _module.TypeOf(callee);
        ValueType[] results = [.. type.Results.SelectMany(Crossing)];
        var entry = new FuzzFunction(FunctionType.Of([ValueType.I32, ValueType.I64], results)) { Export = name };
        var pieces = new List<object> { Code.I32(_dice.Between(5, 120)), Code.Of(Opcode.GlobalSet, shape.Fuel) };
        foreach (var parameter in type.Parameters) pieces.AddRange(Argument(parameter));
        pieces.Add(Code.Of(Opcode.Call, callee));
        for (int index = type.Results.Length - 1; index >= 0; index--) pieces.Add(Code.Of(Opcode.LocalSet, 2 + index));
        for (int index = 0; index < type.Results.Length; index++)
        {
            entry.Locals.Add(type.Results[index]);
            pieces.AddRange(TakeApart(type.Results[index], Code.Of(Opcode.LocalGet, 2 + index)));
        }

        entry.Body.Add(new Node(null, pieces));
        return entry;
    }

    private static IEnumerable<ValueType> Crossing(ValueType type) => type switch
    {
        ValueType.I64 or ValueType.F64 => [ValueType.I64],
        ValueType.V128 => [ValueType.I64, ValueType.I64],
        _ => [ValueType.I32],
    };

    private static object[] TakeApart(ValueType type, byte[] get) => type switch
    {
        ValueType.F32 => [get, Code.Of(Opcode.I32ReinterpretF32)],
        ValueType.F64 => [get, Code.Of(Opcode.I64ReinterpretF64)],
        ValueType.V128 => [get, Lane(0), get, Lane(1)],
        ValueType.FuncRef or ValueType.ExternRef => [get, Code.Of(Opcode.RefIsNull)],
        _ => [get],
    };

    private static byte[] Lane(byte lane) => Code.Start(Opcode.I64x2ExtractLane).Byte(lane).ToArray();

    private object[] Argument(ValueType type)
    {
        byte[] first = Code.Of(Opcode.LocalGet, 0), second = Code.Of(Opcode.LocalGet, 1);
        return type switch
        {
            ValueType.I32 => [first, _dice.Constant(ValueType.I32), Code.Of(Opcode.I32Xor)],
            ValueType.I64 => [second, _dice.Constant(ValueType.I64), Code.Of(Opcode.I64Xor)],
            ValueType.F32 => _dice.Chance(50) ? [first, Code.Of(Opcode.F32ConvertI32S)] : [first, Code.I32(_dice.Between(-9, 9)), Code.Of(Opcode.I32Add), Code.Of(Opcode.F32ReinterpretI32)],
            ValueType.F64 => _dice.Chance(50) ? [second, Code.Of(Opcode.F64ConvertI64S)] : [second, Code.I64(_dice.Between(-9, 9)), Code.Of(Opcode.I64Add), Code.Of(Opcode.F64ReinterpretI64)],
            ValueType.V128 => [second, Code.Of(Opcode.I64x2Splat), first, Code.Start(Opcode.I32x4ReplaceLane).Byte((byte)_dice.Next(4)).ToArray()],
            ValueType.FuncRef => _dice.Chance(70) ? [Code.Of(Opcode.RefFunc, _dice.Next(shape.CallableCount))] : [Code.Null(type)],
            _ => [Code.Null(type)],
        };
    }

    // h = rotl(h, 7) ^ x for every global, and for the size and the null elements of every table.
    private void AddDigest()
    {
        const int Sum = 0, Index = 1;
        var digest = new FuzzFunction(FunctionType.Of([], ValueType.I64)) { Export = Digest };
        digest.Locals.AddRange([ValueType.I64, ValueType.I32]);
        var pieces = new List<object>();
        void Mix(params object[] value) => pieces.AddRange(
            [Code.Of(Opcode.LocalGet, Sum), Code.I64(7), Code.Of(Opcode.I64Rotl), .. value, Code.Of(Opcode.I64Xor), Code.Of(Opcode.LocalSet, Sum)]);
        void MixPart(ValueType type, params object[] part) => Mix(type == ValueType.I32 ? [.. part, Code.Of(Opcode.I64ExtendI32U)] : part);
        for (int index = 0; index < _module.GlobalTypes.Count; index++)
        {
            var type = _module.GlobalTypes[index].ValueType;
            byte[] get = Code.Of(Opcode.GlobalGet, index);
            if (type == ValueType.V128) MixPart(ValueType.I64, get, Lane(0), get, Lane(1), Code.I64(3), Code.Of(Opcode.I64Mul), Code.Of(Opcode.I64Add));
            else MixPart(Crossing(type).First(), TakeApart(type, get));
        }

        for (int table = 0; table < shape.Tables.Count; table++)
        {
            MixPart(ValueType.I32, Code.Of(Opcode.TableSize, table));
            pieces.AddRange([Code.I32(0), Code.Of(Opcode.LocalSet, Index), Code.Block(Opcode.Loop)]);
            MixPart(ValueType.I32, Code.Of(Opcode.LocalGet, Index), Code.Of(Opcode.TableGet, table), Code.Of(Opcode.RefIsNull));
            pieces.AddRange([
                Code.Of(Opcode.LocalGet, Index), Code.I32(1), Code.Of(Opcode.I32Add), Code.Of(Opcode.LocalTee, Index),
                Code.Of(Opcode.TableSize, table), Code.Of(Opcode.I32LtU), Code.Of(Opcode.BrIf, 0), Code.Of(Opcode.End)]);
        }

        if (shape.HasMemory) MixPart(ValueType.I32, Code.Of(Opcode.MemorySize, 0));
        digest.Body.Add(new Node(null, pieces));
        digest.Body.Add(new Node(ValueType.I64, Code.Of(Opcode.LocalGet, Sum)));
        _module.Functions.Add(digest);
    }
}
