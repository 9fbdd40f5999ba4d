// Integer lane arithmetic (core specification 4.4.3).

using Bimetal.Wasm.Instructions;

namespace Bimetal.Wasm.Compiler.Emit.Simd;

/// <summary>Emits integer vector instructions.</summary>
internal static class SimdIntegers
{
    public static bool TryEmit(FunctionBuilder function, ref readonly Instruction instruction)
    {
        var shape = SimdShapes.Of(instruction.Opcode);
        switch (instruction.Opcode)
        {
            case Opcode.I8x16Add or Opcode.I16x8Add or Opcode.I32x4Add or Opcode.I64x2Add: Binary(function, shape, "add"); break;
            case Opcode.I8x16Sub or Opcode.I16x8Sub or Opcode.I32x4Sub or Opcode.I64x2Sub: Binary(function, shape, "sub"); break;
            case Opcode.I16x8Mul or Opcode.I32x4Mul or Opcode.I64x2Mul: Binary(function, shape, "mul"); break;
            case Opcode.I8x16Neg or Opcode.I16x8Neg or Opcode.I32x4Neg or Opcode.I64x2Neg: Negate(function, shape); break;
            case Opcode.I8x16Abs or Opcode.I16x8Abs or Opcode.I32x4Abs or Opcode.I64x2Abs: Absolute(function, shape); break;
            case Opcode.I8x16Popcnt: CountOnes(function); break;
            case Opcode.I8x16Shl or Opcode.I16x8Shl or Opcode.I32x4Shl or Opcode.I64x2Shl: Shift(function, shape, "shl"); break;
            case Opcode.I8x16ShrS or Opcode.I16x8ShrS or Opcode.I32x4ShrS or Opcode.I64x2ShrS: Shift(function, shape, "ashr"); break;
            case Opcode.I8x16ShrU or Opcode.I16x8ShrU or Opcode.I32x4ShrU or Opcode.I64x2ShrU: Shift(function, shape, "lshr"); break;
            case Opcode.I8x16AddSatS or Opcode.I16x8AddSatS: Intrinsic(function, shape, "sadd.sat"); break;
            case Opcode.I8x16AddSatU or Opcode.I16x8AddSatU: Intrinsic(function, shape, "uadd.sat"); break;
            case Opcode.I8x16SubSatS or Opcode.I16x8SubSatS: Intrinsic(function, shape, "ssub.sat"); break;
            case Opcode.I8x16SubSatU or Opcode.I16x8SubSatU: Intrinsic(function, shape, "usub.sat"); break;
            case Opcode.I8x16MinS or Opcode.I16x8MinS or Opcode.I32x4MinS: Intrinsic(function, shape, "smin"); break;
            case Opcode.I8x16MinU or Opcode.I16x8MinU or Opcode.I32x4MinU: Intrinsic(function, shape, "umin"); break;
            case Opcode.I8x16MaxS or Opcode.I16x8MaxS or Opcode.I32x4MaxS: Intrinsic(function, shape, "smax"); break;
            case Opcode.I8x16MaxU or Opcode.I16x8MaxU or Opcode.I32x4MaxU: Intrinsic(function, shape, "umax"); break;
            case Opcode.I8x16AvgrU or Opcode.I16x8AvgrU: SimdWidening.RoundingAverage(function, shape); break;
            case Opcode.I16x8Q15mulrSatS: SimdWidening.FixedPointMultiply(function); break;
            case Opcode.I32x4DotI16x8S: SimdWidening.DotProduct(function); break;
            case Opcode.I16x8ExtaddPairwiseI8x16S or Opcode.I32x4ExtaddPairwiseI16x8S: SimdWidening.AddPairwise(function, shape, isSigned: true); break;
            case Opcode.I16x8ExtaddPairwiseI8x16U or Opcode.I32x4ExtaddPairwiseI16x8U: SimdWidening.AddPairwise(function, shape, isSigned: false); break;
            case Opcode.I16x8ExtmulLowI8x16S or Opcode.I32x4ExtmulLowI16x8S or Opcode.I64x2ExtmulLowI32x4S:
                SimdWidening.Multiply(function, shape, "sext", isHigh: false);
                break;
            case Opcode.I16x8ExtmulHighI8x16S or Opcode.I32x4ExtmulHighI16x8S or Opcode.I64x2ExtmulHighI32x4S:
                SimdWidening.Multiply(function, shape, "sext", isHigh: true);
                break;
            case Opcode.I16x8ExtmulLowI8x16U or Opcode.I32x4ExtmulLowI16x8U or Opcode.I64x2ExtmulLowI32x4U:
                SimdWidening.Multiply(function, shape, "zext", isHigh: false);
                break;
            case Opcode.I16x8ExtmulHighI8x16U or Opcode.I32x4ExtmulHighI16x8U or Opcode.I64x2ExtmulHighI32x4U:
                SimdWidening.Multiply(function, shape, "zext", isHigh: true);
                break;
            default: return false;
        }

        return true;
    }

    private static void Binary(FunctionBuilder function, Shape shape, string operation)
    {
        var right = function.PopVector(shape);
        var left = function.PopVector(shape);
        function.Push(function.Define(ValueType.V128, $"{operation} {shape.VectorType()} {left}, {right}", shape));
    }

    private static void Intrinsic(FunctionBuilder function, Shape shape, string name)
    {
        var right = function.PopVector(shape);
        var left = function.PopVector(shape);
        string type = shape.VectorType();
        function.Push(function.Define(ValueType.V128, $"call {type} @llvm.{name}.{shape.Suffix()}({type} {left}, {type} {right})", shape));
    }

    private static void Negate(FunctionBuilder function, Shape shape)
    {
        var value = function.PopVector(shape);
        function.Push(function.Define(ValueType.V128, $"sub {shape.VectorType()} zeroinitializer, {value}", shape));
    }

    // The i1 says that the absolute value of the minimum is the minimum, not undefined.
    private static void Absolute(FunctionBuilder function, Shape shape)
    {
        var value = function.PopVector(shape);
        string type = shape.VectorType();
        function.Push(function.Define(ValueType.V128, $"call {type} @llvm.abs.{shape.Suffix()}({type} {value}, i1 false)", shape));
    }

    private static void CountOnes(FunctionBuilder function)
    {
        var value = function.PopVector(Shape.I8x16);
        function.Push(function.Define(ValueType.V128, $"call <16 x i8> @llvm.ctpop.v16i8(<16 x i8> {value})", Shape.I8x16));
    }

    // One count for all lanes, taken modulo the lane width.
    private static void Shift(FunctionBuilder function, Shape shape, string operation)
    {
        var count = function.Pop();
        var value = function.PopVector(shape);
        var masked = function.Define(ValueType.I32, $"and i32 {count}, {shape.LaneBits() - 1}");
        if (shape.LaneBits() != 32)
        {
            string cast = shape.LaneBits() < 32 ? "trunc" : "zext";
            masked = function.Define(ValueType.I32, $"{cast} i32 {masked} to {shape.LaneType()}");
        }

        var counts = SimdLanes.SplatOf(function, masked, shape);
        function.Push(function.Define(ValueType.V128, $"{operation} {shape.VectorType()} {value}, {counts}", shape));
    }
}
