// Conversions between number types (core specification 4.3.4): opcodes 0xA7 to 0xC4 and the saturating ones 0xFC00 to 0xFC07.

using Bimetal.Wasm.Compiler.Emit.Numeric;
using Bimetal.Wasm.Instructions;

namespace Bimetal.Wasm.Compiler.Emit.Convert;

/// <summary>Dispatch and emission of conversions.</summary>
internal static class ConversionInstructions
{
    public static void Emit(FunctionBuilder function, ref readonly Instruction instruction)
    {
        var target = instruction.Info.Results[0];
        switch (instruction.Opcode)
        {
            case Opcode.I32WrapI64: Cast(function, "trunc", target); break;
            case Opcode.I64ExtendI32S: Cast(function, "sext", target); break;
            case Opcode.I64ExtendI32U: ExtendUnsigned(function); break;
            case Opcode.I32TruncF32S or Opcode.I32TruncF64S or Opcode.I64TruncF32S or Opcode.I64TruncF64S:
                TrappingTruncation.Emit(function, target, isSigned: true);
                break;
            case Opcode.I32TruncF32U or Opcode.I32TruncF64U or Opcode.I64TruncF32U or Opcode.I64TruncF64U:
                TrappingTruncation.Emit(function, target, isSigned: false);
                break;
            case Opcode.I32TruncSatF32S or Opcode.I32TruncSatF64S or Opcode.I64TruncSatF32S or Opcode.I64TruncSatF64S:
                TruncateSaturating(function, target, "fptosi");
                break;
            case Opcode.I32TruncSatF32U or Opcode.I32TruncSatF64U or Opcode.I64TruncSatF32U or Opcode.I64TruncSatF64U:
                TruncateSaturating(function, target, "fptoui");
                break;
            case Opcode.F32ConvertI32S or Opcode.F32ConvertI64S or Opcode.F64ConvertI32S or Opcode.F64ConvertI64S:
                Cast(function, "sitofp", target);
                break;
            case Opcode.F32ConvertI32U or Opcode.F32ConvertI64U or Opcode.F64ConvertI32U or Opcode.F64ConvertI64U:
                Cast(function, "uitofp", target);
                break;
            case Opcode.F32DemoteF64: Demote(function); break;
            case Opcode.F64PromoteF32: Cast(function, "fpext", target); break;
            case Opcode.I32ReinterpretF32 or Opcode.I64ReinterpretF64 or Opcode.F32ReinterpretI32 or Opcode.F64ReinterpretI64:
                Cast(function, "bitcast", target);
                break;
            case Opcode.I32Extend8S or Opcode.I64Extend8S: SignExtend(function, "i8"); break;
            case Opcode.I32Extend16S or Opcode.I64Extend16S: SignExtend(function, "i16"); break;
            case Opcode.I64Extend32S: SignExtend(function, "i32"); break;
            default: throw new InvalidOperationException($"{instruction.Info.Name} has no emitter");
        }
    }

    private static void Cast(FunctionBuilder function, string operation, ValueType target)
    {
        var value = function.Pop();

        // A constant must not become a float that LLVM knows (FloatConstants.Leaving).
        if (value.IsConstant && target is ValueType.F32 or ValueType.F64) value = OpaqueAssembly.Hide(function, value);
        function.Push(function.Define(target, $"{operation} {LlvmTypes.Of(value)} {value} to {LlvmTypes.Of(target)}"));
    }

    private static void ExtendUnsigned(FunctionBuilder function)
    {
        var value = function.PopAnyShape();
        function.Push(function.Define(ValueType.I64, $"zext {LlvmTypes.Of(value)} {value} to i64"));
    }

    private static void TruncateSaturating(FunctionBuilder function, ValueType target, string conversion)
    {
        var value = function.Pop();
        string integer = LlvmTypes.Of(target);
        string suffix = value.Type == ValueType.F32 ? "f32" : "f64";
        function.Push(function.Define(target, $"call {integer} @llvm.{conversion}.sat.{integer}.{suffix}({LlvmTypes.Of(value)} {value})"));
    }

    // Hidden, because LLVM folds a promotion and a demotion to nothing, and a signalling NaN would stay one.
    private static void Demote(FunctionBuilder function)
    {
        var value = OpaqueAssembly.Hide(function, function.Pop());
        function.Push(function.Define(ValueType.F32, $"fptrunc double {value} to float"));
    }

    private static void SignExtend(FunctionBuilder function, string narrow)
    {
        var value = function.Pop();
        string type = LlvmTypes.Of(value);
        var truncated = function.Define(value.Type, $"trunc {type} {value} to {narrow}");
        function.Push(function.Define(value.Type, $"sext {narrow} {truncated} to {type}"));
    }
}
