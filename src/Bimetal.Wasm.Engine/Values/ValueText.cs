// Values as people write and read them on the command line.

using System.Globalization;
using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Engine.Values;

public static class ValueText
{
    /// <summary>Reads a value: integers in decimal or 0x form (negative, or up to the unsigned maximum), floats also as nan, nan:0x…, inf.</summary>
    public static bool TryParse(string text, ValueType type, out GuestValue value)
    {
        value = new GuestValue(type, 0);
        UInt128 bits;
        bool isRead = type switch
        {
            ValueType.I32 => TryParseInteger(text, bitCount: 32, out bits),
            ValueType.I64 => TryParseInteger(text, bitCount: 64, out bits),
            ValueType.V128 => TryParseInteger(text, bitCount: 128, out bits),
            ValueType.F32 => FloatText.TryParse(text, FloatText.Single, out bits),
            ValueType.F64 => FloatText.TryParse(text, FloatText.Double, out bits),
            _ => TryParseNull(text, out bits),
        };
        if (isRead) value = new GuestValue(type, bits);
        return isRead;
    }

    /// <summary>What <see cref="TryParse"/> takes for a type, for messages.</summary>
    public static string Expectation(ValueType type) => type switch
    {
        ValueType.I32 => "an integer of 32 bits, such as 7, -7 or 0xff",
        ValueType.I64 => "an integer of 64 bits, such as 7, -7 or 0xff",
        ValueType.V128 => "an integer of 128 bits, such as 0x000102030405060708090a0b0c0d0e0f",
        ValueType.F32 or ValueType.F64 => "a number, such as 1.5, -2e10, inf, -inf, nan or nan:0x200000",
        _ => "null (other references cannot be written)",
    };

    /// <summary>The value without its type.</summary>
    public static string Format(GuestValue value) => value.Type switch
    {
        ValueType.I32 => ((int)(uint)value.Bits).ToString(CultureInfo.InvariantCulture),
        ValueType.I64 => ((long)(ulong)value.Bits).ToString(CultureInfo.InvariantCulture),
        ValueType.F32 => FloatText.Format((ulong)value.Bits, FloatText.Single),
        ValueType.F64 => FloatText.Format((ulong)value.Bits, FloatText.Double),
        ValueType.V128 => $"0x{value.Bits:x32}",
        _ => value.Bits == 0 ? "null" : $"0x{value.Bits:x}",
    };

    private static bool TryParseNull(string text, out UInt128 bits)
    {
        bits = 0;
        return text == "null";
    }

    private static bool TryParseInteger(string text, int bitCount, out UInt128 bits)
    {
        bool isNegative = text.StartsWith('-');
        string digits = text.TrimStart('-', '+').Replace("_", "", StringComparison.Ordinal);
        bool isHexadecimal = digits.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        bool isNumber = isHexadecimal
            ? UInt128.TryParse(digits.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out bits)
            : UInt128.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out bits);
        if (!isNumber || text.Length - text.TrimStart('-', '+').Length > 1) return false;

        // As in the text format: from the signed minimum to the unsigned maximum.
        var mask = bitCount == 128 ? UInt128.MaxValue : (UInt128.One << bitCount) - 1;
        var limit = isNegative ? UInt128.One << (bitCount - 1) : mask;
        if (bits > limit) return false;
        if (isNegative) bits = (UInt128.Zero - bits) & mask;
        return true;
    }
}
