// Floating-point lane arithmetic (core specification 4.4.3). The NaN rules are those of FloatInstructions.cs.

using Bimetal.Wasm.Compiler.Emit.Numeric;
using Bimetal.Wasm.Instructions;

namespace Bimetal.Wasm.Compiler.Emit.Simd;

/// <summary>Emits floating-point vector instructions.</summary>
internal static class SimdFloats
{
    public static bool TryEmit(FunctionBuilder function, ref readonly Instruction instruction)
    {
        var shape = SimdShapes.Of(instruction.Opcode);
        switch (instruction.Opcode)
        {
            case Opcode.F32x4Abs or Opcode.F64x2Abs: Unary(function, shape, "fabs"); break;
            case Opcode.F32x4Neg or Opcode.F64x2Neg: Negate(function, shape); break;
            case Opcode.F32x4Sqrt or Opcode.F64x2Sqrt: Unary(function, shape, "sqrt"); break;
            case Opcode.F32x4Ceil or Opcode.F64x2Ceil: Unary(function, shape, "ceil"); break;
            case Opcode.F32x4Floor or Opcode.F64x2Floor: Unary(function, shape, "floor"); break;
            case Opcode.F32x4Trunc or Opcode.F64x2Trunc: Unary(function, shape, "trunc"); break;
            case Opcode.F32x4Nearest or Opcode.F64x2Nearest: Unary(function, shape, "roundeven"); break;
            case Opcode.F32x4Add or Opcode.F64x2Add: Binary(function, shape, "fadd"); break;
            case Opcode.F32x4Sub or Opcode.F64x2Sub: Binary(function, shape, "fsub"); break;
            case Opcode.F32x4Mul or Opcode.F64x2Mul: Binary(function, shape, "fmul"); break;
            case Opcode.F32x4Div or Opcode.F64x2Div: Binary(function, shape, "fdiv"); break;
            case Opcode.F32x4Min or Opcode.F64x2Min: Extremum(function, shape, "olt", "or"); break;
            case Opcode.F32x4Max or Opcode.F64x2Max: Extremum(function, shape, "ogt", "and"); break;
            case Opcode.F32x4Pmin or Opcode.F64x2Pmin: PseudoExtremum(function, shape, "olt"); break;
            case Opcode.F32x4Pmax or Opcode.F64x2Pmax: PseudoExtremum(function, shape, "ogt"); break;
            default: return false;
        }

        return true;
    }

    private static void Unary(FunctionBuilder function, Shape shape, string intrinsic)
    {
        var value = function.PopVector(shape);
        string type = shape.VectorType();
        function.Push(function.Define(ValueType.V128, $"call {type} @llvm.{intrinsic}.{shape.Suffix()}({type} {value})", shape));
    }

    private static void Negate(FunctionBuilder function, Shape shape)
    {
        var value = function.PopVector(shape);
        function.Push(function.Define(ValueType.V128, $"fneg {shape.VectorType()} {value}", shape));
    }

    private static void Binary(FunctionBuilder function, Shape shape, string operation)
    {
        var right = PopOperand(function, shape);
        var left = PopOperand(function, shape);
        function.Push(function.Define(ValueType.V128, $"{operation} {shape.VectorType()} {left}, {right}", shape));
    }

    // A constant could be the neutral element of the operation, which LLVM would fold away and with it the quieting of a NaN.
    private static Value PopOperand(FunctionBuilder function, Shape shape)
    {
        var operand = function.PopAnyShape();
        bool isConstant = operand.IsConstant;
        function.Push(operand);
        var cast = function.PopVector(shape);
        return isConstant ? OpaqueAssembly.Hide(function, cast) : cast;
    }

    private static void Extremum(FunctionBuilder function, Shape shape, string predicate, string zeroRule)
    {
        var right = function.PopVector(shape);
        var left = function.PopVector(shape);
        string type = shape.VectorType();
        string integer = shape.Integer().VectorType();
        string bit = $"<{shape.LaneCount()} x i1>";
        var leftWins = function.Define(ValueType.V128, $"fcmp {predicate} {type} {left}, {right}");
        var first = function.Define(ValueType.V128, $"select {bit} {leftWins}, {type} {left}, {type} {right}");
        var rightWins = function.Define(ValueType.V128, $"fcmp {predicate} {type} {right}, {left}");
        var second = function.Define(ValueType.V128, $"select {bit} {rightWins}, {type} {right}, {type} {left}");
        var firstBits = function.Define(ValueType.V128, $"bitcast {type} {first} to {integer}");
        var secondBits = function.Define(ValueType.V128, $"bitcast {type} {second} to {integer}");
        var bits = function.Define(ValueType.V128, $"{zeroRule} {integer} {firstBits}, {secondBits}");
        var ordered = function.Define(ValueType.V128, $"bitcast {integer} {bits} to {type}");
        var isNan = function.Define(ValueType.V128, $"fcmp uno {type} {left}, {right}");
        var sum = function.Define(ValueType.V128, $"fadd {type} {left}, {right}");
        function.Push(function.Define(ValueType.V128, $"select {bit} {isNan}, {type} {sum}, {type} {ordered}", shape));
    }

    // "b < a ? b : a" and "b > a ? b : a": the first operand wins ties and NaNs.
    private static void PseudoExtremum(FunctionBuilder function, Shape shape, string predicate)
    {
        var right = function.PopVector(shape);
        var left = function.PopVector(shape);
        string type = shape.VectorType();
        var rightWins = function.Define(ValueType.V128, $"fcmp {predicate} {type} {right}, {left}");
        function.Push(function.Define(ValueType.V128, $"select <{shape.LaneCount()} x i1> {rightWins}, {type} {right}, {type} {left}", shape));
    }
}
