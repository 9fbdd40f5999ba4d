// Constants, and the dispatch of the numeric opcodes 0x41 to 0xA6.

using Bimetal.Wasm.Instructions;

namespace Bimetal.Wasm.Compiler.Emit.Numeric;

/// <summary>Emits constants.</summary>
internal static class Constants
{
    public static void Emit(FunctionBuilder function, ref readonly Instruction instruction)
    {
        switch (instruction.Opcode)
        {
            case Opcode.I32Const: function.Push(Value.Integer(ValueType.I32, (long)instruction.Constant)); break;
            case Opcode.I64Const: function.Push(Value.Integer(ValueType.I64, (long)instruction.Constant)); break;
            case Opcode.F32Const: function.Push(Value.Named(ValueType.F32, LlvmTypes.Float32((uint)instruction.Constant))); break;
            case Opcode.F64Const: function.Push(Value.Named(ValueType.F64, LlvmTypes.Float64(instruction.Constant))); break;
            default: throw new InvalidOperationException($"{instruction.Info.Name} has no emitter");
        }
    }
}
