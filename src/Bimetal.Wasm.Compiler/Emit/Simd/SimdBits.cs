// Operations on all 128 bits, and tests that give an i32 (core specification 4.4.3).

using Bimetal.Wasm.Instructions;

namespace Bimetal.Wasm.Compiler.Emit.Simd;

/// <summary>Emits bitwise vector instructions.</summary>
internal static class SimdBits
{
    private const string AllOnes = "<i64 -1, i64 -1>";

    public static bool TryEmit(FunctionBuilder function, ref readonly Instruction instruction)
    {
        switch (instruction.Opcode)
        {
            case Opcode.V128Not: Not(function); break;
            case Opcode.V128And: Binary(function, "and"); break;
            case Opcode.V128Or: Binary(function, "or"); break;
            case Opcode.V128Xor: Binary(function, "xor"); break;
            case Opcode.V128Andnot: AndNot(function); break;
            case Opcode.V128Bitselect: Select(function); break;
            case Opcode.V128AnyTrue: AnyTrue(function); break;
            case Opcode.I8x16AllTrue or Opcode.I16x8AllTrue or Opcode.I32x4AllTrue or Opcode.I64x2AllTrue:
                AllTrue(function, SimdShapes.Of(instruction.Opcode));
                break;
            case Opcode.I8x16Bitmask or Opcode.I16x8Bitmask or Opcode.I32x4Bitmask or Opcode.I64x2Bitmask:
                Bitmask(function, SimdShapes.Of(instruction.Opcode));
                break;
            default: return false;
        }

        return true;
    }

    private static void Not(FunctionBuilder function)
    {
        var value = function.Pop();
        function.Push(Complement(function, value));
    }

    private static void Binary(FunctionBuilder function, string operation)
    {
        var right = function.Pop();
        var left = function.Pop();
        function.Push(function.Define(ValueType.V128, $"{operation} <2 x i64> {left}, {right}"));
    }

    // The second operand is the one that is inverted.
    private static void AndNot(FunctionBuilder function)
    {
        var inverted = Complement(function, function.Pop());
        var left = function.Pop();
        function.Push(function.Define(ValueType.V128, $"and <2 x i64> {left}, {inverted}"));
    }

    private static void Select(FunctionBuilder function)
    {
        var mask = function.Pop();
        var whenClear = function.Pop();
        var whenSet = function.Pop();
        var set = function.Define(ValueType.V128, $"and <2 x i64> {whenSet}, {mask}");
        var inverted = Complement(function, mask);
        var clear = function.Define(ValueType.V128, $"and <2 x i64> {whenClear}, {inverted}");
        function.Push(function.Define(ValueType.V128, $"or <2 x i64> {set}, {clear}"));
    }

    private static void AnyTrue(FunctionBuilder function)
    {
        var value = function.Pop();
        var bits = function.Define(ValueType.V128, $"bitcast <2 x i64> {value} to i128");
        function.Push(function.DefineBit($"icmp ne i128 {bits}, 0"));
    }

    private static void AllTrue(FunctionBuilder function, Shape shape)
    {
        var value = function.PopVector(shape);
        var lanes = function.Define(ValueType.V128, $"icmp ne {shape.VectorType()} {value}, zeroinitializer");
        int count = shape.LaneCount();
        var bits = function.Define(ValueType.V128, $"bitcast <{count} x i1> {lanes} to i{count}");
        function.Push(function.DefineBit($"icmp eq i{count} {bits}, -1"));
    }

    private static void Bitmask(FunctionBuilder function, Shape shape)
    {
        var value = function.PopVector(shape);
        var lanes = function.Define(ValueType.V128, $"icmp slt {shape.VectorType()} {value}, zeroinitializer");
        int count = shape.LaneCount();
        var bits = function.Define(ValueType.V128, $"bitcast <{count} x i1> {lanes} to i{count}");
        function.Push(function.Define(ValueType.I32, $"zext i{count} {bits} to i32"));
    }

    private static Value Complement(FunctionBuilder function, Value value) => function.Define(ValueType.V128, $"xor <2 x i64> {value}, {AllOnes}");
}
