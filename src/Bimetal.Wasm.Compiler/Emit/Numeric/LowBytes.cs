// Comparisons of a value's lowest byte. `(unsigned char)(c - '0') < 10` reaches WebAssembly as an i32.and with 255; LLVM widens that mask into one
// that x86 cannot express by comparing the byte register, and an instruction more is executed for each test of a character. As a comparison of i8
// it stays what it was.

namespace Bimetal.Wasm.Compiler.Emit.Numeric;

/// <summary>Remembers the byte that was cut out of a value last: a comparison follows at once, or something else does.</summary>
internal sealed class LowBytes(FunctionBuilder function)
{
    private const long Mask = 0xFF;

    private Value _masked;
    private Value _whole;

    /// <summary>Notes that <paramref name="masked"/> was defined as the bits that two values have in common.</summary>
    public void Note(Value masked, Value left, Value right)
    {
        if (left.IsConstant) (left, right) = (right, left);
        if (masked.Type != ValueType.I32 || !left.IsVariable || !right.TryGetInteger(out long mask) || mask != Mask) return;
        (_masked, _whole) = (masked, left);
    }

    /// <summary>The comparison in i8, when <paramref name="left"/> is a byte, and the other one a constant that fits into it and is compared without signs.</summary>
    public Value? TryCompare(string predicate, Value left, Value right)
    {
        if (left.TemporaryNumber < 0 || !left.IsSame(_masked) || predicate[0] == 's' || !right.TryGetInteger(out long constant) || constant is < 0 or > Mask) return null;
        var low = function.Define(ValueType.I32, $"trunc i32 {_whole} to i8");
        return function.DefineBit($"icmp {predicate} i8 {low}, {(sbyte)constant}");
    }
}
