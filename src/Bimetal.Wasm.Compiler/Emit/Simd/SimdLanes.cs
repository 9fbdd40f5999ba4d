// Constants, shuffles, splats and single lanes (core specification 4.4.3).

using Bimetal.Wasm.Compiler.Emit.Numeric;
using Bimetal.Wasm.Instructions;

namespace Bimetal.Wasm.Compiler.Emit.Simd;

/// <summary>Emits lane instructions.</summary>
internal static class SimdLanes
{
    public static bool TryEmit(FunctionBuilder function, ref readonly Instruction instruction)
    {
        var shape = SimdShapes.Of(instruction.Opcode);
        switch (instruction.Opcode)
        {
            case Opcode.V128Const: Constant(function, instruction.Vector); break;
            case Opcode.I8x16Shuffle: Shuffle(function, instruction.Vector); break;
            case Opcode.I8x16Swizzle: Swizzle(function); break;
            case Opcode.I8x16Splat or Opcode.I16x8Splat: SplatNarrow(function, shape); break;
            case Opcode.I32x4Splat or Opcode.I64x2Splat or Opcode.F32x4Splat or Opcode.F64x2Splat: Splat(function, shape); break;
            case Opcode.I8x16ExtractLaneS or Opcode.I16x8ExtractLaneS: ExtractNarrow(function, shape, instruction.Lane, "sext"); break;
            case Opcode.I8x16ExtractLaneU or Opcode.I16x8ExtractLaneU: ExtractNarrow(function, shape, instruction.Lane, "zext"); break;
            case Opcode.I32x4ExtractLane: Extract(function, shape, instruction.Lane, ValueType.I32); break;
            case Opcode.I64x2ExtractLane: Extract(function, shape, instruction.Lane, ValueType.I64); break;
            case Opcode.F32x4ExtractLane: Extract(function, shape, instruction.Lane, ValueType.F32); break;
            case Opcode.F64x2ExtractLane: Extract(function, shape, instruction.Lane, ValueType.F64); break;
            case Opcode.I8x16ReplaceLane or Opcode.I16x8ReplaceLane: ReplaceNarrow(function, shape, instruction.Lane); break;
            case Opcode.I32x4ReplaceLane or Opcode.I64x2ReplaceLane or Opcode.F32x4ReplaceLane or Opcode.F64x2ReplaceLane:
                Replace(function, shape, instruction.Lane, function.Pop());
                break;
            default: return false;
        }

        return true;
    }

    /// <summary>A vector with the same lane everywhere.</summary>
    public static Value SplatOf(FunctionBuilder function, Value lane, Shape shape)
    {
        string type = shape.VectorType();
        var first = function.Define(ValueType.V128, $"insertelement {type} poison, {shape.LaneType()} {lane}, i32 0", shape);
        return function.Define(ValueType.V128, $"shufflevector {type} {first}, {type} poison, <{shape.LaneCount()} x i32> zeroinitializer", shape);
    }

    private static void Constant(FunctionBuilder function, UInt128 bits) =>
        function.Push(Value.Named(ValueType.V128, $"<i64 {(long)(ulong)bits}, i64 {(long)(ulong)(bits >> 64)}>"));

    private static void Shuffle(FunctionBuilder function, UInt128 lanes)
    {
        var second = function.PopVector(Shape.I8x16);
        var first = function.PopVector(Shape.I8x16);
        string mask = string.Join(", ", Enumerable.Range(0, 16).Select(index => $"i32 {(int)(lanes >> (8 * index)) & 0xFF}"));
        function.Push(function.Define(ValueType.V128, $"shufflevector <16 x i8> {first}, <16 x i8> {second}, <16 x i32> <{mask}>", Shape.I8x16));
    }

    // Lanes from 16 on give zero. arm64's table lookup does that; x64's byte shuffle looks at the top bit and the low four, so the
    // index is raised by 0x70 with saturation: 0 to 15 keep their low bits, anything else gets the top bit.
    private static void Swizzle(FunctionBuilder function)
    {
        var lanes = function.PopVector(Shape.I8x16);
        var vector = function.PopVector(Shape.I8x16);
        if (function.Options.Target == TargetPlatform.LinuxArm64)
        {
            function.Push(function.Define(ValueType.V128, $"call <16 x i8> @llvm.aarch64.neon.tbl1.v16i8(<16 x i8> {vector}, <16 x i8> {lanes})", Shape.I8x16));
            return;
        }

        var raised = function.Define(
            ValueType.V128,
            $"call <16 x i8> @llvm.uadd.sat.v16i8(<16 x i8> {lanes}, <16 x i8> {Shape.I8x16.Splat(0x70)})",
            Shape.I8x16);
        function.Push(function.Define(ValueType.V128, $"call <16 x i8> @llvm.x86.ssse3.pshuf.b.128(<16 x i8> {vector}, <16 x i8> {raised})", Shape.I8x16));
    }

    private static void SplatNarrow(FunctionBuilder function, Shape shape)
    {
        var value = function.Pop();
        var lane = function.Define(ValueType.I32, $"trunc i32 {value} to {shape.LaneType()}");
        function.Push(SplatOf(function, lane, shape));
    }

    private static void Splat(FunctionBuilder function, Shape shape)
    {
        var value = function.Pop();
        bool invitesFolding = FloatConstants.IsZero(value) || FloatConstants.IsOne(value);
        if (shape is Shape.F32x4 or Shape.F64x2 && invitesFolding) value = OpaqueAssembly.Hide(function, value);
        function.Push(SplatOf(function, value, shape));
    }

    private static void ExtractNarrow(FunctionBuilder function, Shape shape, byte index, string extension)
    {
        var vector = function.PopVector(shape);
        var lane = function.Define(ValueType.I32, $"extractelement {shape.VectorType()} {vector}, i32 {(int)index}");
        function.Push(function.Define(ValueType.I32, $"{extension} {shape.LaneType()} {lane} to i32"));
    }

    private static void Extract(FunctionBuilder function, Shape shape, byte index, ValueType type)
    {
        var vector = function.PopVector(shape);
        function.Push(function.Define(type, $"extractelement {shape.VectorType()} {vector}, i32 {(int)index}"));
    }

    private static void ReplaceNarrow(FunctionBuilder function, Shape shape, byte index)
    {
        var value = function.Pop();
        Replace(function, shape, index, function.Define(ValueType.I32, $"trunc i32 {value} to {shape.LaneType()}"));
    }

    private static void Replace(FunctionBuilder function, Shape shape, byte index, Value lane)
    {
        var vector = function.PopVector(shape);
        function.Push(function.Define(
            ValueType.V128,
            $"insertelement {shape.VectorType()} {vector}, {shape.LaneType()} {lane}, i32 {(int)index}",
            shape));
    }
}
