// Constant expressions (core specification 3.3.12, and the extension by integer arithmetic): initial values of globals, offsets and
// items of segments.

using Bimetal.Wasm.Decoding;
using Bimetal.Wasm.Instructions;
using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Validation;

internal sealed class ConstantExpressionValidator(ModuleScope scope, DecodeLimits limits)
{
    private readonly OperandStack _stack = new(limits);

    /// <summary>Checks that the expression is constant and leaves exactly one value of the type.</summary>
    internal WasmError? Validate(ConstantExpression expression, ValueType expected)
    {
        var reader = new InstructionReader(scope.Module.Bytes.Span, expression.Offset, expression.Length);
        var instruction = default(Instruction);
        _stack.Reset();
        _stack.PushFrame(Opcode.Block, [], SingleType.Of(expected));
        while (_stack.FrameCount > 0)
        {
            if (reader.Read(ref instruction) is { } error) return error;
            Check(in instruction, expected);
            if (_stack.Fault is { } fault) return new WasmError(instruction.Offset, $"{fault} (in a constant expression)");
        }

        return null;
    }

    private void Check(in Instruction instruction, ValueType expected)
    {
        switch (instruction.Opcode)
        {
            // Arithmetic gives no reference: WebAssembly 2.0's words for it are those of what is never constant.
            case not Opcode.End when expected.IsReference() && !instruction.Info.Operands.IsEmpty:
                _stack.Fail($"{Invalid.ConstantExpressionRequired}: {instruction.Info.Name} gives no reference");
                break;
            case Opcode.I32Const or Opcode.I64Const or Opcode.F32Const or Opcode.F64Const or Opcode.V128Const:
            case Opcode.I32Add or Opcode.I32Sub or Opcode.I32Mul or Opcode.I64Add or Opcode.I64Sub or Opcode.I64Mul:
                _stack.Pop(instruction.Info.Operands);
                _stack.Push(instruction.Info.Results);
                break;
            case Opcode.RefNull: _stack.Push(instruction.ReferenceType); break;
            case Opcode.RefFunc: CheckFunction(instruction.Index); break;
            case Opcode.GlobalGet: CheckGlobal(instruction.Index); break;
            case Opcode.End: _stack.PopFrame(); break;
            default: _stack.Fail($"{Invalid.ConstantExpressionRequired}: {instruction.Info.Name} is not allowed"); break;
        }
    }

    private void CheckFunction(uint index)
    {
        if (scope.HasFunction(index)) _stack.Push(ValueType.FuncRef);
        else _stack.Fail(Invalid.Unknown("function", index));
    }

    // Only imported globals: those defined in the module may not have their value yet.
    private void CheckGlobal(uint index)
    {
        var module = scope.Module;
        if (index >= (uint)module.ImportedGlobalCount) _stack.Fail(Invalid.Unknown("global", index));
        else if (module.GlobalTypes[(int)index].IsMutable) _stack.Fail($"{Invalid.ConstantExpressionRequired}: global {index} is mutable");
        else _stack.Push(module.GlobalTypes[(int)index].ValueType);
    }
}
