// Vector loads and stores (core specification 4.4.7): whole vectors, widening loads, splats, zero-extension, single lanes. Parts of a
// vector are loaded as float or double, whatever they hold, so that they arrive in a vector register; a load changes no bits.

using Bimetal.Wasm.Compiler.Emit.Memory;
using Bimetal.Wasm.Instructions;

namespace Bimetal.Wasm.Compiler.Emit.Simd;

/// <summary>Emits vector memory instructions.</summary>
internal static class SimdMemory
{
    public static bool TryEmit(FunctionBuilder function, ref readonly Instruction instruction)
    {
        switch (instruction.Opcode)
        {
            case Opcode.V128Load: function.Push(MemoryInstructions.LoadFrom(function, in instruction, ValueType.V128, "<2 x i64>", isFloat: true)); break;
            case Opcode.V128Store: MemoryInstructions.StoreTo(function, in instruction, "<2 x i64>", function.Pop()); break;
            case Opcode.V128Load8x8S: LoadWidening(function, in instruction, Shape.I16x8, "sext"); break;
            case Opcode.V128Load8x8U: LoadWidening(function, in instruction, Shape.I16x8, "zext"); break;
            case Opcode.V128Load16x4S: LoadWidening(function, in instruction, Shape.I32x4, "sext"); break;
            case Opcode.V128Load16x4U: LoadWidening(function, in instruction, Shape.I32x4, "zext"); break;
            case Opcode.V128Load32x2S: LoadWidening(function, in instruction, Shape.Canonical, "sext"); break;
            case Opcode.V128Load32x2U: LoadWidening(function, in instruction, Shape.Canonical, "zext"); break;
            case Opcode.V128Load8Splat: LoadSplat(function, in instruction, Shape.I8x16); break;
            case Opcode.V128Load16Splat: LoadSplat(function, in instruction, Shape.I16x8); break;
            case Opcode.V128Load32Splat: LoadSplat(function, in instruction, Shape.F32x4); break;
            case Opcode.V128Load64Splat: LoadSplat(function, in instruction, Shape.F64x2); break;
            case Opcode.V128Load32Zero: LoadZero(function, in instruction, Shape.F32x4); break;
            case Opcode.V128Load64Zero: LoadZero(function, in instruction, Shape.F64x2); break;
            case Opcode.V128Load8Lane: LoadLane(function, in instruction, Shape.I8x16); break;
            case Opcode.V128Load16Lane: LoadLane(function, in instruction, Shape.I16x8); break;
            case Opcode.V128Load32Lane: LoadLane(function, in instruction, Shape.F32x4); break;
            case Opcode.V128Load64Lane: LoadLane(function, in instruction, Shape.F64x2); break;
            case Opcode.V128Store8Lane: StoreLane(function, in instruction, Shape.I8x16); break;
            case Opcode.V128Store16Lane: StoreLane(function, in instruction, Shape.I16x8); break;
            case Opcode.V128Store32Lane: StoreLane(function, in instruction, Shape.F32x4); break;
            case Opcode.V128Store64Lane: StoreLane(function, in instruction, Shape.F64x2); break;
            default: return false;
        }

        return true;
    }

    private static void LoadWidening(FunctionBuilder function, ref readonly Instruction instruction, Shape shape, string extension)
    {
        var bits = MemoryInstructions.LoadFrom(function, in instruction, ValueType.F64, "double", isFloat: true);
        string narrow = $"<{shape.LaneCount()} x i{shape.LaneBits() / 2}>";
        var lanes = function.Define(ValueType.V128, $"bitcast double {bits} to {narrow}");
        function.Push(function.Define(ValueType.V128, $"{extension} {narrow} {lanes} to {shape.VectorType()}", shape));
    }

    private static void LoadSplat(FunctionBuilder function, ref readonly Instruction instruction, Shape shape)
    {
        var lane = LoadLaneValue(function, in instruction, shape);
        function.Push(SimdLanes.SplatOf(function, lane, shape));
    }

    private static void LoadZero(FunctionBuilder function, ref readonly Instruction instruction, Shape shape)
    {
        var lane = LoadLaneValue(function, in instruction, shape);
        function.Push(function.Define(
            ValueType.V128,
            $"insertelement {shape.VectorType()} zeroinitializer, {shape.LaneType()} {lane}, i32 0",
            shape));
    }

    private static void LoadLane(FunctionBuilder function, ref readonly Instruction instruction, Shape shape)
    {
        var vector = function.PopVector(shape);
        var lane = LoadLaneValue(function, in instruction, shape);
        function.Push(function.Define(
            ValueType.V128,
            $"insertelement {shape.VectorType()} {vector}, {shape.LaneType()} {lane}, i32 {(int)instruction.Lane}",
            shape));
    }

    private static void StoreLane(FunctionBuilder function, ref readonly Instruction instruction, Shape shape)
    {
        var vector = function.PopVector(shape);
        var lane = function.Define(ValueType.V128, $"extractelement {shape.VectorType()} {vector}, i32 {(int)instruction.Lane}");
        MemoryInstructions.StoreTo(function, in instruction, shape.LaneType(), lane);
    }

    private static Value LoadLaneValue(FunctionBuilder function, ref readonly Instruction instruction, Shape shape) =>
        MemoryInstructions.LoadFrom(function, in instruction, ValueType.V128, shape.LaneType(), isFloat: shape is Shape.F32x4 or Shape.F64x2);
}
