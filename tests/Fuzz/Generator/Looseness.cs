// Which values may hold a NaN whose bits the specification leaves open (core specification 4.3.3), and who may take one.
//
// Such a value may flow through float arithmetic and comparisons as it is, so that compilers see whole expressions. Anything that would
// show its bits (memory, variables, calls, reinterpretation, lanes of another shape) takes it made canonical.

using Bimetal.Wasm.Instructions;

namespace Bimetal.Fuzz.Generator;

/// <summary>The width of a NaN that may have any bits: of a scalar, or of any lane.</summary>
internal enum Looseness : byte
{
    None,
    Single,
    Double,
}

internal static class FloatRules
{
    private static readonly HashSet<string> Arithmetic = ["ceil", "floor", "trunc", "nearest", "sqrt", "add", "sub", "mul", "div", "min", "max"];
    private static readonly HashSet<string> Comparisons = ["eq", "ne", "lt", "gt", "le", "ge"];
    private static readonly HashSet<string> Handing = ["abs", "neg", "copysign", "pmin", "pmax", "splat", "extract_lane", "replace_lane"];

    /// <summary>What an operand may be.</summary>
    internal static Looseness Accepts(OpcodeInfo info, int operand)
    {
        var (shape, operation) = Split(info);
        var width = WidthOf(shape);
        if (operation.StartsWith("trunc_", StringComparison.Ordinal) || operation.StartsWith("demote_", StringComparison.Ordinal)
            || operation.StartsWith("promote_", StringComparison.Ordinal))
        {
            return operation.Contains("f32", StringComparison.Ordinal) ? Looseness.Single : Looseness.Double;
        }

        if (operation == "copysign" && operand == 1) return Looseness.None;
        return Arithmetic.Contains(operation) || Comparisons.Contains(operation) || Handing.Contains(operation) ? width : Looseness.None;
    }

    /// <summary>What the result is.</summary>
    /// <param name="info">The instruction.</param>
    /// <param name="operands">The loosest of its operands.</param>
    internal static Looseness Gives(OpcodeInfo info, Looseness operands)
    {
        var (shape, operation) = Split(info);
        bool isNew = Arithmetic.Contains(operation) || operation.StartsWith("demote_", StringComparison.Ordinal) || operation.StartsWith("promote_", StringComparison.Ordinal);
        if (isNew) return WidthOf(shape);
        return Handing.Contains(operation) ? operands : Looseness.None;
    }

    private static (string Shape, string Operation) Split(OpcodeInfo info)
    {
        int dot = info.Name.IndexOf('.', StringComparison.Ordinal);
        return dot < 0 ? ("", info.Name) : (info.Name[..dot], info.Name[(dot + 1)..]);
    }

    private static Looseness WidthOf(string shape) => shape switch
    {
        "f32" or "f32x4" => Looseness.Single,
        "f64" or "f64x2" => Looseness.Double,
        _ => Looseness.None,
    };
}
