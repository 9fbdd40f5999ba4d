// How WebAssembly types are spelled in LLVM IR. Part of the calling convention that CodeImage.cs describes.

using System.Collections.Immutable;
using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Compiler.Emit;

/// <summary>Spelling of types in LLVM IR.</summary>
internal static class LlvmTypes
{
    public static string Of(ValueType type) => type switch
    {
        ValueType.I32 => "i32",
        ValueType.I64 => "i64",
        ValueType.F32 => "float",
        ValueType.F64 => "double",
        ValueType.V128 => "<2 x i64>",
        _ => "ptr",
    };

    /// <summary>The IR type of a vector in the given shape; the canonical shape is <c>i64x2</c>.</summary>
    public static string OfVector(Shape shape) => shape switch
    {
        Shape.I8x16 => "<16 x i8>",
        Shape.I16x8 => "<8 x i16>",
        Shape.I32x4 => "<4 x i32>",
        Shape.F32x4 => "<4 x float>",
        Shape.F64x2 => "<2 x double>",
        _ => "<2 x i64>",
    };

    public static string Of(in Value value) => value.Shape switch
    {
        Shape.Canonical => Of(value.Type),
        Shape.Bit => "i1",
        _ => OfVector(value.Shape),
    };

    /// <summary>What a function returns: <c>void</c>, the single type, or a first-class struct.</summary>
    public static string OfResults(ImmutableArray<ValueType> results) => results.Length switch
    {
        0 => "void",
        1 => Of(results[0]),
        _ => "{ " + string.Join(", ", results.Select(Of)) + " }",
    };

    /// <summary>The zero of a type, which locals start with.</summary>
    public static Value Zero(ValueType type) => type switch
    {
        ValueType.I32 or ValueType.I64 => Value.Integer(type, 0),
        ValueType.F32 or ValueType.F64 => Value.Named(type, "0.0"),
        ValueType.V128 => Value.Named(type, "zeroinitializer"),
        _ => Value.Named(type, "null"),
    };

    /// <summary>
    /// A float constant by its bits. LLVM writes float constants as the bits of the double of the same value; a NaN goes through
    /// an integer instead, because widening would quiet a signalling one.
    /// </summary>
    public static string Float32(uint bits)
    {
        float number = BitConverter.UInt32BitsToSingle(bits);
        return float.IsNaN(number) ? $"bitcast (i32 {(int)bits} to float)" : $"0x{BitConverter.DoubleToUInt64Bits(number):X16}";
    }

    public static string Float64(ulong bits) => $"0x{bits:X16}";
}
