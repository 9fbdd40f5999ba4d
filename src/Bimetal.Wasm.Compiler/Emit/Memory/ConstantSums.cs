// Which values are sums of another one and a constant. Compilers unroll loops into stores whose indices differ by constants; their marks
// (WriteMarks.cs) are needed once for all that lie side by side.

namespace Bimetal.Wasm.Compiler.Emit.Memory;

/// <summary>The sums with constants of one function.</summary>
internal sealed class ConstantSums(FunctionBuilder function)
{
    private readonly Dictionary<long, (Value Root, long Delta)> _sums = [];

    /// <summary>Notes that an i32 was defined as a sum of two others, or as their difference.</summary>
    public void Note(Value sum, Value left, Value right, bool isDifference)
    {
        if (!function.Options.MarkWrites) return;
        if (!isDifference && left.IsConstant) (left, right) = (right, left);
        if (!left.IsVariable || !right.TryGetInteger(out long constant)) return;
        var (root, delta) = Of(left);
        _sums[sum.TemporaryNumber] = (root, delta + (isDifference ? -constant : constant));
    }

    /// <summary>The value that <paramref name="value"/> is a sum of, and the constant, modulo 2^32.</summary>
    public (Value Root, long Delta) Of(Value value) => value.TemporaryNumber >= 0 && _sums.TryGetValue(value.TemporaryNumber, out var sum) ? sum : (value, 0);
}
