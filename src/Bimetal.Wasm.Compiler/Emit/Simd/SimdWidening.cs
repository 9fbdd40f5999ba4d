// Integer operations whose intermediate results need wider lanes (core specification 4.4.3).

namespace Bimetal.Wasm.Compiler.Emit.Simd;

/// <summary>Emits widening integer vector operations.</summary>
internal static class SimdWidening
{
    /// <summary>Widens the low or high half of the lanes of the next narrower shape.</summary>
    public static Value ExtendHalf(FunctionBuilder function, Value vector, Shape shape, string extension, bool isHigh)
    {
        var narrow = shape.Half();
        int count = shape.LaneCount();
        string lanes = SimdShapes.Lanes(isHigh ? count : 0, count);
        var half = function.Define(ValueType.V128, $"shufflevector {narrow.VectorType()} {vector}, {narrow.VectorType()} poison, {lanes}");
        return function.Define(ValueType.V128, $"{extension} <{count} x {narrow.LaneType()}> {half} to {shape.VectorType()}", shape);
    }

    public static void Multiply(FunctionBuilder function, Shape shape, string extension, bool isHigh)
    {
        var right = function.PopVector(shape.Half());
        var left = function.PopVector(shape.Half());
        var wideLeft = ExtendHalf(function, left, shape, extension, isHigh);
        var wideRight = ExtendHalf(function, right, shape, extension, isHigh);
        function.Push(function.Define(ValueType.V128, $"mul {shape.VectorType()} {wideLeft}, {wideRight}", shape));
    }

    /// <summary>Adds neighbours: within a wide lane, the even one is its low half and the odd one its high half.</summary>
    public static void AddPairwise(FunctionBuilder function, Shape shape, bool isSigned)
    {
        var value = function.PopVector(shape);
        string type = shape.VectorType();
        int halfBits = shape.LaneBits() / 2;
        string distance = shape.Splat(halfBits);
        Value even;
        if (isSigned)
        {
            var raised = function.Define(ValueType.V128, $"shl {type} {value}, {distance}");
            even = function.Define(ValueType.V128, $"ashr {type} {raised}, {distance}");
        }
        else
        {
            even = function.Define(ValueType.V128, $"and {type} {value}, {shape.Splat((1L << halfBits) - 1)}");
        }

        var odd = function.Define(ValueType.V128, $"{(isSigned ? "ashr" : "lshr")} {type} {value}, {distance}");
        function.Push(function.Define(ValueType.V128, $"add {type} {even}, {odd}", shape));
    }

    /// <summary>(left + right + 1) / 2 without losing the carry.</summary>
    public static void RoundingAverage(FunctionBuilder function, Shape shape)
    {
        var right = function.PopVector(shape);
        var left = function.PopVector(shape);
        string wide = $"<{shape.LaneCount()} x i{shape.LaneBits() * 2}>";
        string one = $"<{string.Join(", ", Enumerable.Repeat($"i{shape.LaneBits() * 2} 1", shape.LaneCount()))}>";
        var wideLeft = function.Define(ValueType.V128, $"zext {shape.VectorType()} {left} to {wide}");
        var wideRight = function.Define(ValueType.V128, $"zext {shape.VectorType()} {right} to {wide}");
        var sum = function.Define(ValueType.V128, $"add {wide} {wideLeft}, {wideRight}");
        var rounded = function.Define(ValueType.V128, $"add {wide} {sum}, {one}");
        var halved = function.Define(ValueType.V128, $"lshr {wide} {rounded}, {one}");
        function.Push(function.Define(ValueType.V128, $"trunc {wide} {halved} to {shape.VectorType()}", shape));
    }

    /// <summary>(left * right + 0x4000) >> 15; only -1 times -1 leaves the range, upwards.</summary>
    public static void FixedPointMultiply(FunctionBuilder function)
    {
        var right = function.PopVector(Shape.I16x8);
        var left = function.PopVector(Shape.I16x8);
        var wideLeft = function.Define(ValueType.V128, $"sext <8 x i16> {left} to <8 x i32>");
        var wideRight = function.Define(ValueType.V128, $"sext <8 x i16> {right} to <8 x i32>");
        var product = function.Define(ValueType.V128, $"mul <8 x i32> {wideLeft}, {wideRight}");
        var rounded = function.Define(ValueType.V128, $"add <8 x i32> {product}, {Eight(0x4000)}");
        var shifted = function.Define(ValueType.V128, $"ashr <8 x i32> {rounded}, {Eight(15)}");
        var clamped = function.Define(ValueType.V128, $"call <8 x i32> @llvm.smin.v8i32(<8 x i32> {shifted}, <8 x i32> {Eight(32767)})");
        function.Push(function.Define(ValueType.V128, $"trunc <8 x i32> {clamped} to <8 x i16>", Shape.I16x8));
    }

    /// <summary>Sums of products of neighbours, wrapping. x64 has an instruction for it that LLVM finds only by its name.</summary>
    public static void DotProduct(FunctionBuilder function)
    {
        var right = function.PopVector(Shape.I16x8);
        var left = function.PopVector(Shape.I16x8);
        if (function.Options.Target == TargetPlatform.LinuxX64)
        {
            function.Push(function.Define(ValueType.V128, $"call <4 x i32> @llvm.x86.sse2.pmadd.wd(<8 x i16> {left}, <8 x i16> {right})", Shape.I32x4));
            return;
        }

        var wideLeft = function.Define(ValueType.V128, $"sext <8 x i16> {left} to <8 x i32>");
        var wideRight = function.Define(ValueType.V128, $"sext <8 x i16> {right} to <8 x i32>");
        var product = function.Define(ValueType.V128, $"mul <8 x i32> {wideLeft}, {wideRight}");
        var even = function.Define(ValueType.V128, $"shufflevector <8 x i32> {product}, <8 x i32> poison, {SimdShapes.Lanes(0, 4, 2)}");
        var odd = function.Define(ValueType.V128, $"shufflevector <8 x i32> {product}, <8 x i32> poison, {SimdShapes.Lanes(1, 4, 2)}");
        function.Push(function.Define(ValueType.V128, $"add <4 x i32> {even}, {odd}", Shape.I32x4));
    }

    private static string Eight(int constant) => $"<{string.Join(", ", Enumerable.Repeat($"i32 {constant}", 8))}>";
}
