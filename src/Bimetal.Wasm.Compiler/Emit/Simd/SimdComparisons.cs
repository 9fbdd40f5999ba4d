// Lane comparisons (core specification 4.4.3): each lane becomes all ones or all zeros.

using Bimetal.Wasm.Instructions;

namespace Bimetal.Wasm.Compiler.Emit.Simd;

/// <summary>Emits vector comparisons.</summary>
internal static class SimdComparisons
{
    public static bool TryEmit(FunctionBuilder function, ref readonly Instruction instruction)
    {
        if (Predicate(instruction.Opcode) is not { } predicate) return false;
        var shape = SimdShapes.Of(instruction.Opcode);
        var right = function.PopVector(shape);
        var left = function.PopVector(shape);
        string comparison = shape is Shape.F32x4 or Shape.F64x2 ? "fcmp" : "icmp";
        var bits = function.Define(ValueType.V128, $"{comparison} {predicate} {shape.VectorType()} {left}, {right}");
        var result = shape.Integer();
        function.Push(function.Define(ValueType.V128, $"sext <{shape.LaneCount()} x i1> {bits} to {result.VectorType()}", result));
        return true;
    }

    private static string? Predicate(Opcode opcode) => opcode switch
    {
        Opcode.I8x16Eq or Opcode.I16x8Eq or Opcode.I32x4Eq or Opcode.I64x2Eq => "eq",
        Opcode.I8x16Ne or Opcode.I16x8Ne or Opcode.I32x4Ne or Opcode.I64x2Ne => "ne",
        Opcode.I8x16LtS or Opcode.I16x8LtS or Opcode.I32x4LtS or Opcode.I64x2LtS => "slt",
        Opcode.I8x16GtS or Opcode.I16x8GtS or Opcode.I32x4GtS or Opcode.I64x2GtS => "sgt",
        Opcode.I8x16LeS or Opcode.I16x8LeS or Opcode.I32x4LeS or Opcode.I64x2LeS => "sle",
        Opcode.I8x16GeS or Opcode.I16x8GeS or Opcode.I32x4GeS or Opcode.I64x2GeS => "sge",
        Opcode.I8x16LtU or Opcode.I16x8LtU or Opcode.I32x4LtU => "ult",
        Opcode.I8x16GtU or Opcode.I16x8GtU or Opcode.I32x4GtU => "ugt",
        Opcode.I8x16LeU or Opcode.I16x8LeU or Opcode.I32x4LeU => "ule",
        Opcode.I8x16GeU or Opcode.I16x8GeU or Opcode.I32x4GeU => "uge",
        Opcode.F32x4Eq or Opcode.F64x2Eq => "oeq",
        Opcode.F32x4Ne or Opcode.F64x2Ne => "une",
        Opcode.F32x4Lt or Opcode.F64x2Lt => "olt",
        Opcode.F32x4Gt or Opcode.F64x2Gt => "ogt",
        Opcode.F32x4Le or Opcode.F64x2Le => "ole",
        Opcode.F32x4Ge or Opcode.F64x2Ge => "oge",
        _ => null,
    };
}
