// Float constants as they stand in the IR: which of them LLVM would fold away together with the operation.

namespace Bimetal.Wasm.Compiler.Emit.Numeric;

/// <summary>Recognises constants by their IR text.</summary>
internal static class FloatConstants
{
    private static readonly string[] Zeros = ["0.0", "0x0000000000000000", "0x8000000000000000"];
    private static readonly string[] Ones = ["0x3FF0000000000000", "0xBFF0000000000000"];

    /// <summary>Zero of either sign: the neutral element of additions.</summary>
    public static bool IsZero(Value value) => value.IsConstant && Zeros.Contains(value.ToString());

    /// <summary>One of either sign: the neutral element of multiplications and divisions.</summary>
    public static bool IsOne(Value value) => value.IsConstant && Ones.Contains(value.ToString());

    /// <summary>
    /// A scalar that leaves the expression it stands in, for a local, a global, memory, a select, a callee, a caller or the end of a block. Were it a neutral element,
    /// LLVM could carry it to an operation and fold that; so such constants are hidden here already, where it costs nothing.
    /// </summary>
    public static Value Leaving(FunctionBuilder function, Value value) =>
        value.Type is ValueType.F32 or ValueType.F64 && (IsZero(value) || IsOne(value)) ? OpaqueAssembly.Hide(function, value) : value;
}
