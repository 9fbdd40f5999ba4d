// Floating-point comparison and arithmetic (core specification 4.3.3). Results must be quiet NaNs where arithmetic made them, and the
// very bits where only a sign changed: no fast-math flags, no contraction, and fneg, fabs, copysign as operations on bits.
//
// LLVM takes NaN payloads lightly: it folds x*1, x/1, x-0 and x+0 to x (and x*-1, x/-1, -0-x to -x), which lets a signalling
// NaN pass. Constants that can cause that are hidden from it; on hardware the operation then quiets the NaN.

using Bimetal.Wasm.Instructions;

namespace Bimetal.Wasm.Compiler.Emit.Numeric;

/// <summary>Dispatch and emission of floating-point instructions.</summary>
internal static class FloatInstructions
{
    public static void Emit(FunctionBuilder function, ref readonly Instruction instruction)
    {
        switch (instruction.Opcode)
        {
            case Opcode.F32Eq or Opcode.F64Eq: Compare(function, "oeq"); break;
            case Opcode.F32Ne or Opcode.F64Ne: Compare(function, "une"); break;
            case Opcode.F32Lt or Opcode.F64Lt: Compare(function, "olt"); break;
            case Opcode.F32Gt or Opcode.F64Gt: Compare(function, "ogt"); break;
            case Opcode.F32Le or Opcode.F64Le: Compare(function, "ole"); break;
            case Opcode.F32Ge or Opcode.F64Ge: Compare(function, "oge"); break;
            case Opcode.F32Abs or Opcode.F64Abs: Unary(function, "fabs"); break;
            case Opcode.F32Neg or Opcode.F64Neg: Negate(function); break;
            case Opcode.F32Ceil or Opcode.F64Ceil: Unary(function, "ceil"); break;
            case Opcode.F32Floor or Opcode.F64Floor: Unary(function, "floor"); break;
            case Opcode.F32Trunc or Opcode.F64Trunc: Unary(function, "trunc"); break;
            case Opcode.F32Nearest or Opcode.F64Nearest: Unary(function, "roundeven"); break;
            case Opcode.F32Sqrt or Opcode.F64Sqrt: Unary(function, "sqrt"); break;
            case Opcode.F32Add or Opcode.F64Add: Binary(function, "fadd", FloatConstants.IsZero); break;
            case Opcode.F32Sub or Opcode.F64Sub: Binary(function, "fsub", FloatConstants.IsZero); break;
            case Opcode.F32Mul or Opcode.F64Mul: Binary(function, "fmul", FloatConstants.IsOne); break;
            case Opcode.F32Div or Opcode.F64Div: Binary(function, "fdiv", FloatConstants.IsOne); break;
            case Opcode.F32Min or Opcode.F64Min: Extremum(function, "olt", "or"); break;
            case Opcode.F32Max or Opcode.F64Max: Extremum(function, "ogt", "and"); break;
            case Opcode.F32Copysign or Opcode.F64Copysign: CopySign(function); break;
            default: throw new InvalidOperationException($"{instruction.Info.Name} has no emitter");
        }
    }

    private static void Compare(FunctionBuilder function, string predicate)
    {
        var right = function.Pop();
        var left = function.Pop();
        function.Push(function.DefineBit($"fcmp {predicate} {LlvmTypes.Of(left)} {left}, {right}"));
    }

    private static void Unary(FunctionBuilder function, string intrinsic)
    {
        var value = function.Pop();
        string type = LlvmTypes.Of(value);
        function.Push(function.Define(value.Type, $"call {type} @llvm.{intrinsic}.{Suffix(value.Type)}({type} {value})"));
    }

    private static void Negate(FunctionBuilder function)
    {
        var value = function.Pop();
        function.Push(function.Define(value.Type, $"fneg {LlvmTypes.Of(value)} {value}"));
    }

    private static void Binary(FunctionBuilder function, string operation, Func<Value, bool> invitesFolding)
    {
        var right = function.Pop();
        var left = function.Pop();
        if (invitesFolding(right)) right = OpaqueAssembly.Hide(function, right);
        if (invitesFolding(left)) left = OpaqueAssembly.Hide(function, left);
        function.Push(function.Define(left.Type, $"{operation} {LlvmTypes.Of(left)} {left}, {right}"));
    }

    // Two selects, which are minss or maxss with the operands both ways: equal unless an operand is NaN or both are zeros. For zeros
    // the bits combine to the right sign (-0 below +0); a NaN goes through an addition, which keeps it and makes it quiet.
    private static void Extremum(FunctionBuilder function, string predicate, string zeroRule)
    {
        var right = function.Pop();
        var left = function.Pop();
        string type = LlvmTypes.Of(left);
        string integer = left.Type == ValueType.F32 ? "i32" : "i64";
        var leftWins = function.DefineBit($"fcmp {predicate} {type} {left}, {right}");
        var first = function.Define(left.Type, $"select i1 {leftWins}, {type} {left}, {type} {right}");
        var rightWins = function.DefineBit($"fcmp {predicate} {type} {right}, {left}");
        var second = function.Define(left.Type, $"select i1 {rightWins}, {type} {right}, {type} {left}");
        var firstBits = function.Define(ValueType.I64, $"bitcast {type} {first} to {integer}");
        var secondBits = function.Define(ValueType.I64, $"bitcast {type} {second} to {integer}");
        var bits = function.Define(ValueType.I64, $"{zeroRule} {integer} {firstBits}, {secondBits}");
        var ordered = function.Define(left.Type, $"bitcast {integer} {bits} to {type}");
        var isNan = function.DefineBit($"fcmp uno {type} {left}, {right}");
        var sum = function.Define(left.Type, $"fadd {type} {left}, {right}");
        function.Push(function.Define(left.Type, $"select i1 {isNan}, {type} {sum}, {type} {ordered}"));
    }

    private static void CopySign(FunctionBuilder function)
    {
        var sign = function.Pop();
        var magnitude = function.Pop();
        string type = LlvmTypes.Of(magnitude);
        function.Push(function.Define(
            magnitude.Type,
            $"call {type} @llvm.copysign.{Suffix(magnitude.Type)}({type} {magnitude}, {type} {sign})"));
    }

    private static string Suffix(ValueType type) => type == ValueType.F32 ? "f32" : "f64";
}
