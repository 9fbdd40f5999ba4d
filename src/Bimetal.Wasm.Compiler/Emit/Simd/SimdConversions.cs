// Conversions between vector shapes (core specification 4.4.3).

using Bimetal.Wasm.Compiler.Emit.Numeric;
using Bimetal.Wasm.Instructions;

namespace Bimetal.Wasm.Compiler.Emit.Simd;

/// <summary>Emits vector conversions.</summary>
internal static class SimdConversions
{
    public static bool TryEmit(FunctionBuilder function, ref readonly Instruction instruction)
    {
        var shape = SimdShapes.Of(instruction.Opcode);
        switch (instruction.Opcode)
        {
            case Opcode.I8x16NarrowI16x8S: Narrow(function, Shape.I16x8, shape, -128, 127); break;
            case Opcode.I8x16NarrowI16x8U: Narrow(function, Shape.I16x8, shape, 0, 255); break;
            case Opcode.I16x8NarrowI32x4S: Narrow(function, Shape.I32x4, shape, -32768, 32767); break;
            case Opcode.I16x8NarrowI32x4U: Narrow(function, Shape.I32x4, shape, 0, 65535); break;
            case Opcode.I16x8ExtendLowI8x16S or Opcode.I32x4ExtendLowI16x8S or Opcode.I64x2ExtendLowI32x4S: Extend(function, shape, "sext", false); break;
            case Opcode.I16x8ExtendHighI8x16S or Opcode.I32x4ExtendHighI16x8S or Opcode.I64x2ExtendHighI32x4S: Extend(function, shape, "sext", true); break;
            case Opcode.I16x8ExtendLowI8x16U or Opcode.I32x4ExtendLowI16x8U or Opcode.I64x2ExtendLowI32x4U: Extend(function, shape, "zext", false); break;
            case Opcode.I16x8ExtendHighI8x16U or Opcode.I32x4ExtendHighI16x8U or Opcode.I64x2ExtendHighI32x4U: Extend(function, shape, "zext", true); break;
            case Opcode.I32x4TruncSatF32x4S: Truncate(function, "fptosi"); break;
            case Opcode.I32x4TruncSatF32x4U: Truncate(function, "fptoui"); break;
            case Opcode.I32x4TruncSatF64x2SZero: TruncateLow(function, "fptosi"); break;
            case Opcode.I32x4TruncSatF64x2UZero: TruncateLow(function, "fptoui"); break;
            case Opcode.F32x4ConvertI32x4S: Convert(function, "sitofp"); break;
            case Opcode.F32x4ConvertI32x4U: Convert(function, "uitofp"); break;
            case Opcode.F64x2ConvertLowI32x4S: ConvertLow(function, "sitofp", Shape.I32x4); break;
            case Opcode.F64x2ConvertLowI32x4U: ConvertLow(function, "uitofp", Shape.I32x4); break;
            case Opcode.F64x2PromoteLowF32x4: ConvertLow(function, "fpext", Shape.F32x4); break;
            case Opcode.F32x4DemoteF64x2Zero: Demote(function); break;
            default: return false;
        }

        return true;
    }

    // Both forms read their input as signed, the unsigned one as well.
    private static void Narrow(FunctionBuilder function, Shape from, Shape to, int low, int high)
    {
        var right = function.PopVector(from);
        var left = function.PopVector(from);
        int count = to.LaneCount();
        string wide = $"<{count} x {from.LaneType()}>";
        string suffix = $"v{count}{from.LaneType()}";
        var both = function.Define(ValueType.V128, $"shufflevector {from.VectorType()} {left}, {from.VectorType()} {right}, {SimdShapes.Lanes(0, count)}");
        var raised = function.Define(ValueType.V128, $"call {wide} @llvm.smax.{suffix}({wide} {both}, {wide} {Repeat(from, low, count)})");
        var clamped = function.Define(ValueType.V128, $"call {wide} @llvm.smin.{suffix}({wide} {raised}, {wide} {Repeat(from, high, count)})");
        function.Push(function.Define(ValueType.V128, $"trunc {wide} {clamped} to {to.VectorType()}", to));
    }

    private static void Extend(FunctionBuilder function, Shape shape, string extension, bool isHigh)
    {
        var vector = function.PopVector(shape.Half());
        function.Push(SimdWidening.ExtendHalf(function, vector, shape, extension, isHigh));
    }

    private static void Truncate(FunctionBuilder function, string conversion)
    {
        var value = function.PopVector(Shape.F32x4);
        function.Push(function.Define(ValueType.V128, $"call <4 x i32> @llvm.{conversion}.sat.v4i32.v4f32(<4 x float> {value})", Shape.I32x4));
    }

    private static void TruncateLow(FunctionBuilder function, string conversion)
    {
        var value = function.PopVector(Shape.F64x2);
        var low = function.Define(ValueType.V128, $"call <2 x i32> @llvm.{conversion}.sat.v2i32.v2f64(<2 x double> {value})");
        function.Push(function.Define(ValueType.V128, $"shufflevector <2 x i32> {low}, <2 x i32> zeroinitializer, {SimdShapes.Lanes(0, 4)}", Shape.I32x4));
    }

    private static void Convert(FunctionBuilder function, string conversion)
    {
        var value = function.PopVector(Shape.I32x4);
        function.Push(function.Define(ValueType.V128, $"{conversion} <4 x i32> {value} to <4 x float>", Shape.F32x4));
    }

    private static void ConvertLow(FunctionBuilder function, string conversion, Shape from)
    {
        var value = function.PopVector(from);
        var low = function.Define(ValueType.V128, $"shufflevector {from.VectorType()} {value}, {from.VectorType()} poison, {SimdShapes.Lanes(0, 2)}");
        function.Push(function.Define(ValueType.V128, $"{conversion} <2 x {from.LaneType()}> {low} to <2 x double>", Shape.F64x2));
    }

    // Hidden for the same reason as the scalar form: a promotion before it must not cancel it.
    private static void Demote(FunctionBuilder function)
    {
        var value = OpaqueAssembly.Hide(function, function.PopVector(Shape.F64x2));
        var low = function.Define(ValueType.V128, $"fptrunc <2 x double> {value} to <2 x float>");
        function.Push(function.Define(ValueType.V128, $"shufflevector <2 x float> {low}, <2 x float> zeroinitializer, {SimdShapes.Lanes(0, 4)}", Shape.F32x4));
    }

    private static string Repeat(Shape shape, int constant, int count) =>
        $"<{string.Join(", ", Enumerable.Repeat($"{shape.LaneType()} {constant}", count))}>";
}
