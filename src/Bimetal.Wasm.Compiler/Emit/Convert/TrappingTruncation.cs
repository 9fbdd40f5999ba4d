// Float to integer with traps (core specification 4.3.2, trunc_u and trunc_s). LLVM's own conversion is undefined out of range, so
// the range is checked first: one ordered comparison at each end, which a NaN fails as well; the cold side tells the two apart.

using Bimetal.Wasm.Abi;

namespace Bimetal.Wasm.Compiler.Emit.Convert;

/// <summary>Emits the trapping forms of <c>trunc</c>.</summary>
internal static class TrappingTruncation
{
    public static void Emit(FunctionBuilder function, ValueType target, bool isSigned)
    {
        var value = function.Pop();
        string type = LlvmTypes.Of(value);
        var (lowPredicate, low, high) = Range(value.Type, target, isSigned);
        var aboveLow = function.DefineBit($"fcmp {lowPredicate} {type} {value}, {Literal(low)}");
        var belowHigh = function.DefineBit($"fcmp olt {type} {value}, {Literal(high)}");
        var fits = function.DefineBit($"and i1 {aboveLow}, {belowHigh}");
        string cold = function.NewLabel();
        string next = function.NewLabel();
        function.Line($"br i1 {fits}, label %{next}, label %{cold}");
        function.ContinueIn(cold);
        var isNan = function.DefineBit($"fcmp uno {type} {value}, {value}");
        string invalid = function.TrapLabel(TrapCode.InvalidConversionToInteger);
        function.Line($"br i1 {isNan}, label %{invalid}, label %{function.TrapLabel(TrapCode.IntegerOverflow)}");
        function.ContinueIn(next);
        function.Push(function.Define(target, $"{(isSigned ? "fptosi" : "fptoui")} {type} {value} to {LlvmTypes.Of(target)}"));
    }

    // Fits: low < x < high, or low <= x where the number below the integer minimum is not representable in the float type.
    private static (string LowPredicate, double Low, double High) Range(ValueType source, ValueType target, bool isSigned) => (target, isSigned) switch
    {
        (ValueType.I32, false) => ("ogt", -1.0, 4294967296.0),
        (_, false) => ("ogt", -1.0, 18446744073709551616.0),
        (ValueType.I32, true) when source == ValueType.F64 => ("ogt", -2147483649.0, 2147483648.0),
        (ValueType.I32, true) => ("oge", -2147483648.0, 2147483648.0),
        _ => ("oge", -9223372036854775808.0, 9223372036854775808.0),
    };

    private static string Literal(double number) => LlvmTypes.Float64(BitConverter.DoubleToUInt64Bits(number));
}
