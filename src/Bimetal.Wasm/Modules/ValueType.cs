// The value types of WebAssembly 2.0, numbered as in the binary format (core specification 5.3).

namespace Bimetal.Wasm.Modules;

/// <summary>A WebAssembly value type; the numeric value is its binary encoding.</summary>
public enum ValueType : byte
{
    I32 = 0x7F,
    I64 = 0x7E,
    F32 = 0x7D,
    F64 = 0x7C,
    V128 = 0x7B,
    FuncRef = 0x70,
    ExternRef = 0x6F,
}

/// <summary>Facts about value types that decoder, validator, emitter and runtime share.</summary>
public static class ValueTypes
{
    /// <summary>Whether <paramref name="encoded"/> is the binary encoding of a value type.</summary>
    public static bool IsDefined(byte encoded) => encoded is >= 0x7B and <= 0x7F or 0x70 or 0x6F;

    public static bool IsReference(this ValueType type) => type is ValueType.FuncRef or ValueType.ExternRef;

    /// <summary>64-bit slots that a value takes in an argument buffer: 2 for v128, otherwise 1.</summary>
    public static int SlotCount(this ValueType type) => type == ValueType.V128 ? 2 : 1;

    /// <summary>The name in the text format, such as <c>i32</c>.</summary>
    public static string Name(this ValueType type) => type switch
    {
        ValueType.I32 => "i32",
        ValueType.I64 => "i64",
        ValueType.F32 => "f32",
        ValueType.F64 => "f64",
        ValueType.V128 => "v128",
        ValueType.FuncRef => "funcref",
        ValueType.ExternRef => "externref",
        _ => $"0x{(byte)type:x2}",
    };
}
