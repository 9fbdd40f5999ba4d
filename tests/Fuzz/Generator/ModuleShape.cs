// What the bodies of a module's functions can refer to. Decided before any body is written.

using Bimetal.Fuzz.Model;
using Bimetal.Wasm.Instructions;
using Bimetal.Wasm.Modules;

namespace Bimetal.Fuzz.Generator;

/// <summary>The module under construction and the character of its code.</summary>
internal sealed class ModuleShape(FuzzModule module, Dice dice)
{
    private readonly Dictionary<ValueType, OpcodeInfo[]> _operations = [];

    internal FuzzModule Module { get; } = module;

    internal Dice Dice { get; } = dice;

    /// <summary>Whether operands are mostly kept from trapping, so that calls come to their end.</summary>
    internal bool IsCareful { get; init; }

    internal bool UsesVectors { get; init; }

    /// <summary>All tables, an imported one first.</summary>
    internal List<FuzzTable> Tables { get; } = [];

    /// <summary>The global that counts down with calls and turns of loops; at zero both end.</summary>
    internal int Fuel { get; set; }

    /// <summary>Functions that bodies may call: all but the entries.</summary>
    internal int CallableCount { get; set; }

    internal bool HasMemory => Module.Memory is not null;

    internal int MemoryBytes => (int)(Module.Memory?.Minimum ?? 0) << 16;

    internal ValueType[] ValueTypes => UsesVectors
        ? [ValueType.I32, ValueType.I64, ValueType.F32, ValueType.F64, ValueType.V128]
        : [ValueType.I32, ValueType.I64, ValueType.F32, ValueType.F64];

    internal OpcodeInfo[] Operations(ValueType type)
    {
        if (!_operations.TryGetValue(type, out var operations)) _operations[type] = operations = OpcodePool.Returning(type, HasMemory, UsesVectors);
        return operations;
    }

    /// <summary>A type for a local, a parameter or a result: mostly numbers.</summary>
    internal ValueType AnyType() => Dice.Chance(6) ? Dice.Pick([ValueType.FuncRef, ValueType.ExternRef]) : Dice.Pick(ValueTypes);

    internal IEnumerable<int> Globals(ValueType type, bool mutable) => Enumerable.Range(0, Module.GlobalTypes.Count)
        .Where(index => index != Fuel && Module.GlobalTypes[index].ValueType == type && (Module.GlobalTypes[index].IsMutable || !mutable));
}
