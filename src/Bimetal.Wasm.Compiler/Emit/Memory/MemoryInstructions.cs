// Loads, stores and bulk operations on linear memory (core specification 4.4.7).

using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Compiler.Emit.Numeric;
using Bimetal.Wasm.Instructions;

namespace Bimetal.Wasm.Compiler.Emit.Memory;

/// <summary>Dispatch and emission of memory instructions.</summary>
internal static class MemoryInstructions
{
    public static void Emit(FunctionBuilder function, ref readonly Instruction instruction)
    {
        switch (instruction.Opcode)
        {
            case Opcode.I32Load or Opcode.I64Load or Opcode.F32Load or Opcode.F64Load: Load(function, in instruction); break;
            case Opcode.I32Load8S or Opcode.I64Load8S: LoadNarrow(function, in instruction, "i8", "sext"); break;
            case Opcode.I32Load8U or Opcode.I64Load8U: LoadNarrow(function, in instruction, "i8", "zext"); break;
            case Opcode.I32Load16S or Opcode.I64Load16S: LoadNarrow(function, in instruction, "i16", "sext"); break;
            case Opcode.I32Load16U or Opcode.I64Load16U: LoadNarrow(function, in instruction, "i16", "zext"); break;
            case Opcode.I64Load32S: LoadNarrow(function, in instruction, "i32", "sext"); break;
            case Opcode.I64Load32U: LoadNarrow(function, in instruction, "i32", "zext"); break;
            case Opcode.I32Store or Opcode.I64Store or Opcode.F32Store or Opcode.F64Store: Store(function, in instruction); break;
            case Opcode.I32Store8 or Opcode.I64Store8: StoreNarrow(function, in instruction, "i8"); break;
            case Opcode.I32Store16 or Opcode.I64Store16: StoreNarrow(function, in instruction, "i16"); break;
            case Opcode.I64Store32: StoreNarrow(function, in instruction, "i32"); break;
            case Opcode.MemorySize: MemorySize.Size(function); break;
            case Opcode.MemoryGrow: MemorySize.Grow(function); break;
            case Opcode.MemoryCopy: Bulk(function, Prelude.MemoryCopy); break;
            case Opcode.MemoryFill: Bulk(function, Prelude.MemoryFill); break;
            case Opcode.MemoryInit: Initialize(function, instruction.Index); break;
            case Opcode.DataDrop: DropData(function, instruction.Index); break;
            default: throw new InvalidOperationException($"{instruction.Info.Name} has no emitter");
        }
    }

    /// <summary>Loads a value of an IR type, unaligned; in conformant mode it traps out of bounds whether used or not.</summary>
    public static Value LoadFrom(FunctionBuilder function, ref readonly Instruction instruction, ValueType type, string llvmType, bool isFloat, Shape shape = Shape.Canonical)
    {
        var index = function.Pop();
        var value = Read(function, in instruction, index, type, llvmType, shape);
        var loaded = new LoadedValue(llvmType, value, isFloat);
        function.Loads.Keep(in instruction, index, loaded, loaded);
        return value;
    }

    private static Value Read(FunctionBuilder function, ref readonly Instruction instruction, Value index, ValueType type, string llvmType, Shape shape)
    {
        int sizeBytes = 1 << instruction.Info.NaturalAlignment;
        var address = function.Addresses.Of(index, instruction.MemoryOffset, sizeBytes, Value.Named(ValueType.FuncRef, AddressBook.Base));
        string load = function.Loads.AreVolatile ? "load volatile" : "load";
        return function.Define(type, $"{load} {llvmType}, ptr {address}, align 1, {Metadata.LinearMemory}{function.Place}", shape);
    }

    /// <summary>Stores a value that has been taken from the stack; the index is next on it.</summary>
    public static void StoreTo(FunctionBuilder function, ref readonly Instruction instruction, string llvmType, Value value)
    {
        var index = function.Pop();
        var address = function.Addresses.Of(index, instruction.MemoryOffset, 1 << instruction.Info.NaturalAlignment, function.Loads.StoreBase(in instruction));
        if (function.Options.MarkWrites && !function.Marks.TryPostpone(instruction.Offset, index, instruction.MemoryOffset))
            function.Addresses.Mark(index, instruction.MemoryOffset);
        function.Line($"store {llvmType} {value}, ptr {address}, align 1, {Metadata.LinearMemory}{function.Place}");
        function.Loads.NoteStore(in instruction, index);
    }

    private static void Load(FunctionBuilder function, ref readonly Instruction instruction)
    {
        var type = instruction.Info.Results[0];
        function.Push(LoadFrom(function, in instruction, type, LlvmTypes.Of(type), type is ValueType.F32 or ValueType.F64));
    }

    private static void LoadNarrow(FunctionBuilder function, ref readonly Instruction instruction, string narrow, string extension)
    {
        var type = instruction.Info.Results[0];
        var index = function.Pop();
        var loaded = Read(function, in instruction, index, type, narrow, Shape.Canonical);
        var extended = function.Define(type, $"{extension} {narrow} {loaded} to {LlvmTypes.Of(type)}");
        function.Loads.Keep(in instruction, index, new LoadedValue(narrow, loaded, IsFloat: false), new LoadedValue(LlvmTypes.Of(type), extended, IsFloat: false));
        function.Push(extended);
    }

    private static void Store(FunctionBuilder function, ref readonly Instruction instruction)
    {
        var value = FloatConstants.Leaving(function, function.Pop());
        StoreTo(function, in instruction, LlvmTypes.Of(value), value);
    }

    private static void StoreNarrow(FunctionBuilder function, ref readonly Instruction instruction, string narrow)
    {
        var value = function.Pop();
        var truncated = function.Define(value.Type, $"trunc {LlvmTypes.Of(value)} {value} to {narrow}");
        StoreTo(function, in instruction, narrow, truncated);
    }

    private static void Bulk(FunctionBuilder function, string routine)
    {
        var operands = function.PopMany(3);
        function.Module.Prelude.UseBulkMemory();
        function.Line($"call void @{routine}(ptr %c, i32 {operands[0]}, i32 {operands[1]}, i32 {operands[2]}){function.Place}");
    }

    private static void Initialize(FunctionBuilder function, uint segment)
    {
        var operands = function.PopMany(3);
        function.Module.Prelude.Use(Builtin.MemoryInit);
        string routine = Prelude.NameOf(Builtin.MemoryInit);
        function.Line($"call void @{routine}(ptr %c, i32 {segment}, i32 0, i32 {operands[0]}, i32 {operands[1]}, i32 {operands[2]}){function.Place}");
    }

    private static void DropData(FunctionBuilder function, uint segment)
    {
        function.Module.Prelude.Use(Builtin.DataDrop);
        function.Line($"call void @{Prelude.NameOf(Builtin.DataDrop)}(ptr %c, i32 {segment}){function.Place}");
    }
}
