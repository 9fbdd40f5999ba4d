// Generates a module: types, imports, memory, tables, segments, functions that call each other, and entries for the calls from outside.

using Bimetal.Fuzz.Model;
using Bimetal.Wasm.Instructions;
using Bimetal.Wasm.Modules;

namespace Bimetal.Fuzz.Generator;

internal sealed class ModuleGenerator
{
    /// <summary>Where active element segments begin.</summary>
    internal const int ElementsAt = 2;

    private readonly Dice _dice;
    private readonly FuzzModule _module = new();
    private readonly ModuleShape _shape;

    private ModuleGenerator(int seed, int index)
    {
        _dice = new Dice(seed, index);
        _shape = new ModuleShape(_module, _dice) { IsCareful = _dice.Chance(75), UsesVectors = _dice.Chance(55) };
    }

    /// <summary>The module of a number in a run: always the same.</summary>
    internal static FuzzModule Generate(int seed, int index) => new ModuleGenerator(seed, index).Generate();

    private FuzzModule Generate()
    {
        AddMemory();
        AddHostFunctions();
        AddTables();
        AddGlobals();
        AddFunctions(out var bodies);
        AddSegments();
        foreach (var body in bodies) FunctionGenerator.Fill(_shape, body);
        AddStart();
        new EntryPoints(_shape).Add();
        return _module;
    }

    private void AddHostFunctions()
    {
        foreach (var (name, type) in HostNames.Functions)
        {
            if (!_dice.Chance(25) || (name == HostNames.Grow && _shape.Module.Memory is null)) continue;
            AddImport(name, ExternalKind.Function, new WasmWriter().Unsigned(_module.TypeIndex(type)));
            _module.ImportedFunctions.Add(type);
        }
    }

    private void AddImport(string name, ExternalKind kind, WasmWriter description) => _module.Imports.Add(new FuzzImport(name, kind, description.ToArray()));

    private void AddMemory()
    {
        if (_dice.Chance(6)) return;
        uint minimum = (uint)_dice.Pick([1, 1, 1, 1, 2, 3, 0]);
        uint maximum = minimum + (uint)_dice.Pick([0, 1, 2, 4]);
        _module.Memory = (minimum, maximum);
        _module.IsMemoryImported = _dice.Chance(25);
        if (_module.IsMemoryImported)
            AddImport(HostNames.Memory(minimum, maximum), ExternalKind.Memory, new WasmWriter().Byte(1).Unsigned(minimum).Unsigned(maximum));
    }

    private void AddTables()
    {
        if (_dice.Chance(20)) AddTable(ValueType.FuncRef, isImported: true);
        for (int count = _dice.Between(0, 2); count > 0; count--) AddTable(_dice.Chance(70) ? ValueType.FuncRef : ValueType.ExternRef, isImported: false);
    }

    private void AddTable(ValueType type, bool isImported)
    {
        uint minimum = (uint)_dice.Between(12, 20);
        bool isWritten = isImported || type == ValueType.ExternRef || _dice.Chance(50);
        var table = new FuzzTable(type, minimum, minimum + (uint)_dice.Next(8), isWritten);
        _shape.Tables.Add(table);
        if (!isImported) _module.Tables.Add(table);
        else AddImport(HostNames.Table(table.Minimum, table.Maximum), ExternalKind.Table, new WasmWriter().Type(type).Byte(1).Unsigned(table.Minimum).Unsigned(table.Maximum));
    }

    private void AddGlobals()
    {
        for (int count = _dice.Chance(50) ? _dice.Between(0, 3) : 0; count > 0; count--)
        {
            var type = new GlobalType(_dice.Pick([ValueType.I32, ValueType.I64, ValueType.F32, ValueType.F64]), _dice.Chance(60));
            AddImport(HostNames.Global(type, _module.GlobalTypes.Count), ExternalKind.Global, new WasmWriter().Type(type.ValueType).Byte(type.IsMutable ? (byte)1 : (byte)0));
            _module.GlobalTypes.Add(type);
        }

        _shape.Fuel = _module.GlobalTypes.Count;
        AddGlobal(new GlobalType(ValueType.I32, IsMutable: true), Code.I32(60));
        for (int count = _dice.Between(1, 6); count > 0; count--)
        {
            var type = new GlobalType(_shape.AnyType(), _dice.Chance(85));
            AddGlobal(type, _dice.Constant(type.ValueType));
        }
    }

    private void AddGlobal(GlobalType type, byte[] initializer)
    {
        _module.GlobalTypes.Add(type);
        _module.Globals.Add(new FuzzGlobal(type, initializer));
    }

    // Neighbours often have the same type, so that tables and last calls find more than one to choose from.
    private void AddFunctions(out List<FuzzFunction> bodies)
    {
        bodies = [];
        FunctionType? last = null;
        for (int count = _dice.Between(2, 6); count > 0; count--)
        {
            last = last is not null && _dice.Chance(45) ? last : FunctionType.Of(TypesOf(_dice.Chance(8) ? 14 : 5), TypesOf(_dice.Chance(8) ? 6 : 3));
            var function = new FuzzFunction(last);
            bodies.Add(function);
            _module.Functions.Add(function);
        }

        _shape.CallableCount = _module.ImportedFunctions.Count + bodies.Count;
    }

    private ValueType[] TypesOf(int most) => [.. Enumerable.Range(0, _dice.Next(most)).Select(_ => _shape.AnyType())];

    private void AddSegments()
    {
        // References to all functions are declared by a passive segment.
        _module.Elements.Add(new FuzzElements(0, null, ValueType.FuncRef, [.. Enumerable.Range(0, _shape.CallableCount).Select(index => (uint?)index)]));
        for (int table = 0; table < _shape.Tables.Count; table++)
        {
            if (_shape.Tables[table].ElementType == ValueType.ExternRef)
            {
                if (_dice.Chance(50)) _module.Elements.Add(new FuzzElements((uint)table, null, ValueType.ExternRef, [null, null, null]));
                continue;
            }

            // A table that nothing writes to holds few functions, all of the module's own.
            var callable = Enumerable.Range(0, _shape.CallableCount).Select(index => (uint)index).ToList();
            if (!_shape.Tables[table].IsWritten) callable = [.. callable.Skip(_module.ImportedFunctions.Count + _dice.Next(2)).Take(_dice.Between(1, 5)).DefaultIfEmpty(callable[^1])];
            int offset = _dice.Chance(1) ? (int)_shape.Tables[table].Minimum - 2 : ElementsAt;
            _module.Elements.Add(new FuzzElements((uint)table, Offset(offset), ValueType.FuncRef,
                [.. Enumerable.Range(0, _dice.Between(4, 9)).Select(_ => _dice.Chance(8) ? (uint?)null : _dice.Pick(callable))]));
        }

        if (!_shape.HasMemory) return;
        for (int count = _dice.Between(0, 3); count > 0; count--)
        {
            byte[] bytes = _dice.Bytes(_dice.Next(200));
            bool isBeyond = _shape.MemoryBytes < 0x10000 || _dice.Chance(1);
            byte[]? offset = _dice.Chance(40) ? null : Offset(isBeyond ? _shape.MemoryBytes - (bytes.Length / 2) : _dice.Next(_shape.MemoryBytes - 200));
            _module.Data.Add(new FuzzData(offset, bytes));
        }
    }

    // As one constant, or as an extended constant expression.
    private byte[] Offset(int value)
    {
        if (_dice.Chance(80)) return Code.I32(value);
        int part = (int)_dice.Bits(ValueType.I32);
        return [.. Code.I32(unchecked(value - part)), .. Code.I32(part), .. Code.Of(Opcode.I32Add)];
    }

    private void AddStart()
    {
        if (!_dice.Chance(6)) return;
        var start = new FuzzFunction(FunctionType.Of([]));
        FunctionGenerator.Fill(_shape, start);
        _module.Functions.Add(start);
        _module.Start = (uint)(_module.ImportedFunctions.Count + _module.Functions.Count - 1);
    }
}
