// Floats as text. NaNs keep their payload, which .NET's own parsing and formatting lose.

using System.Globalization;

namespace Bimetal.Wasm.Engine.Values;

/// <summary>Where the parts of a float lie in its bits.</summary>
internal readonly record struct FloatFormat(int BitCount, int FractionBits)
{
    internal ulong FractionMask => (1ul << FractionBits) - 1;

    internal ulong SignBit => 1ul << (BitCount - 1);

    /// <summary>All exponent bits: infinity, and with a fraction NaN.</summary>
    internal ulong Infinity => (SignBit - 1) & ~FractionMask;

    /// <summary>The fraction of the canonical NaN: its highest bit alone.</summary>
    internal ulong QuietBit => 1ul << (FractionBits - 1);
}

internal static class FloatText
{
    internal static FloatFormat Single => new(BitCount: 32, FractionBits: 23);

    internal static FloatFormat Double => new(BitCount: 64, FractionBits: 52);

    internal static bool TryParse(string text, FloatFormat format, out UInt128 bits)
    {
        ulong sign = text.StartsWith('-') ? format.SignBit : 0;
        string magnitude = text.StartsWith('-') || text.StartsWith('+') ? text[1..] : text;
        bits = sign | format.Infinity;
        if (magnitude == "inf") return true;
        if (magnitude.StartsWith("nan", StringComparison.Ordinal)) return TryParseNan(magnitude, format, ref bits);
        if (!double.TryParse(magnitude, NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out double number))
            return false;

        // A float is read as one, since rounding to double first would round twice.
        ulong numberBits = format.BitCount == 32
            ? BitConverter.SingleToUInt32Bits(float.Parse(magnitude, NumberStyles.Float, CultureInfo.InvariantCulture))
            : BitConverter.DoubleToUInt64Bits(number);
        bits = sign | numberBits;
        return numberBits < format.Infinity;
    }

    internal static string Format(ulong bits, FloatFormat format)
    {
        string sign = (bits & format.SignBit) != 0 ? "-" : "";
        ulong fraction = bits & format.FractionMask;
        if ((bits & format.Infinity) == format.Infinity)
        {
            if (fraction == 0) return sign + "inf";
            return fraction == format.QuietBit ? sign + "nan" : $"{sign}nan:0x{fraction:x}";
        }

        return format.BitCount == 32
            ? BitConverter.UInt32BitsToSingle((uint)bits).ToString(CultureInfo.InvariantCulture)
            : BitConverter.UInt64BitsToDouble(bits).ToString(CultureInfo.InvariantCulture);
    }

    private static bool TryParseNan(string text, FloatFormat format, ref UInt128 bits)
    {
        ulong fraction = format.QuietBit;
        if (text != "nan")
        {
            const string payloadPrefix = "nan:0x";
            if (!text.StartsWith(payloadPrefix, StringComparison.Ordinal)) return false;
            if (!ulong.TryParse(text.AsSpan(payloadPrefix.Length), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out fraction)) return false;
            if (fraction == 0 || fraction > format.FractionMask) return false;
        }

        bits |= fraction;
        return true;
    }
}
