// Constant expressions (core specification 3.3.12): initial values of globals, offsets and items of segments.

using Bimetal.Wasm.Instructions;
using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Validation;

internal sealed class ConstantExpressionValidator(ModuleScope scope)
{
    /// <summary>Checks that the expression is constant and leaves exactly one value of the type.</summary>
    internal WasmError? Validate(ConstantExpression expression, ValueType expected)
    {
        var module = scope.Module;
        var reader = new InstructionReader(module.Bytes.Span, expression.Offset, expression.Length);
        var instruction = default(Instruction);
        ValueType? value = null;
        int valueCount = 0;
        while (!reader.IsAtEnd)
        {
            if (reader.Read(ref instruction) is { } error) return error;
            if (instruction.Opcode == Opcode.End) break;
            if (TypeOf(in instruction, out var type) is { } fault) return new WasmError(instruction.Offset, fault);
            value = type;
            valueCount++;
        }

        if (valueCount == 1 && value == expected) return null;
        string found = valueCount == 1 ? value!.Value.Name() : $"{valueCount} values";
        return new WasmError(expression.Offset, $"{Invalid.TypeMismatch}: expected {expected.Name()}, found {found}");
    }

    private string? TypeOf(in Instruction instruction, out ValueType type)
    {
        type = default;
        switch (instruction.Opcode)
        {
            case Opcode.I32Const or Opcode.I64Const or Opcode.F32Const or Opcode.F64Const or Opcode.V128Const:
                type = instruction.Info.Results[0];
                return null;
            case Opcode.RefNull:
                type = instruction.ReferenceType;
                return null;
            case Opcode.RefFunc:
                type = ValueType.FuncRef;
                return scope.HasFunction(instruction.Index) ? null : Invalid.Unknown("function", instruction.Index);
            case Opcode.GlobalGet:
                return TypeOfGlobal(instruction.Index, out type);
            default:
                return $"{Invalid.ConstantExpressionRequired}: {instruction.Info.Name} is not allowed";
        }
    }

    // Only imported globals: those defined in the module may not have their value yet.
    private string? TypeOfGlobal(uint index, out ValueType type)
    {
        type = default;
        var module = scope.Module;
        if (index >= (uint)module.ImportedGlobalCount) return Invalid.Unknown("global", index);
        type = module.GlobalTypes[(int)index].ValueType;
        return module.GlobalTypes[(int)index].IsMutable ? $"{Invalid.ConstantExpressionRequired}: global {index} is mutable" : null;
    }
}
