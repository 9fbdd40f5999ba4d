// Values that programs go wrong at, and others.

namespace Bimetal.Fuzz.Generator;

internal static class Constants
{
    private static readonly uint[] Floats =
    [
        0x00000000, 0x80000000, 0x3F800000, 0xBF800000, 0x3F000000, 0x3FC00000, 0x40200000, 0xBF000000, 0x7F800000, 0xFF800000, 0x7FC00000, 0xFFC00000,
        0x7FA00000, 0xFFA00001, 0x7FFFFFFF, 0x00000001, 0x80000001, 0x007FFFFF, 0x00800000, 0x7F7FFFFF, 0xFF7FFFFF, 0x4F000000, 0xCF000000, 0xCF000001,
        0x4EFFFFFF, 0x4F7FFFFF, 0x4F800000, 0x5F000000, 0xDF000000, 0xDF000001, 0x5EFFFFFF, 0x5F7FFFFF, 0x5F800000, 0xBF7FFFFF, 0x4B000000, 0x4B000001, 0x3EFFFFFF,
    ];

    private static readonly double[] Doubles =
    [
        0, -0.0, 1, -1, 0.5, 1.5, 2.5, -0.5, double.PositiveInfinity, double.NegativeInfinity, double.Epsilon, -double.Epsilon, double.MaxValue, double.MinValue,
        2147483647, 2147483647.5, 2147483648, -2147483648, -2147483648.5, -2147483649, 4294967295, 4294967295.5, 4294967296, -0.9999999999999999, -1.0000000000000002,
        9223372036854774784.0, 9223372036854775808.0, -9223372036854775808.0, -9223372036854777856.0, 18446744073709549568.0, 18446744073709551616.0,
        4503599627370496.5, 0.49999999999999994, 3.4028234663852886e38, 3.4028235677973366e38, 1.401298464324817e-45, 7.006492321624085e-46, 16777217,
    ];

    private static readonly ulong[] DoubleNans = [0x7FF8000000000000, 0xFFF8000000000000, 0x7FF4000000000000, 0xFFF0000000000001, 0x7FFFFFFFFFFFFFFF, 0x7FF0000020000000];

    internal static ulong Bits(this Dice dice, ValueType type) => type switch
    {
        ValueType.I32 => (uint)Integer(dice, 32),
        ValueType.I64 => Integer(dice, 64),
        ValueType.F32 => Float(dice),
        ValueType.F64 => Double(dice),
        _ => throw new ArgumentOutOfRangeException(nameof(type)),
    };

    internal static byte[] Constant(this Dice dice, ValueType type) => type switch
    {
        ValueType.I32 => Code.I32((int)dice.Bits(type)),
        ValueType.I64 => Code.I64((long)dice.Bits(type)),
        ValueType.F32 => Code.F32((uint)dice.Bits(type)),
        ValueType.F64 => Code.F64(dice.Bits(type)),
        ValueType.V128 => Vector(dice),
        _ => Code.Null(type),
    };

    private static ulong Integer(Dice dice, int width) => dice.Next(10) switch
    {
        0 or 1 => (ulong)dice.Next(4),
        2 => unchecked((ulong)-dice.Between(1, 3)),
        3 or 4 => (ulong)dice.Next(300),
        5 => 1UL << dice.Next(width),
        6 => (1UL << dice.Next(width)) - 1,
        7 => ~(1UL << dice.Next(width)) + (ulong)dice.Next(3),
        8 => (1UL << (width - 1)) + (ulong)dice.Between(-1, 1),
        _ => dice.Bits(),
    };

    private static uint Float(Dice dice) => dice.Next(8) switch
    {
        < 4 => dice.Pick(Floats),
        4 or 5 => BitConverter.SingleToUInt32Bits(dice.Between(-1000, 1000) / 8f),
        6 => BitConverter.SingleToUInt32Bits(dice.Between(int.MinValue, int.MaxValue - 1)),
        _ => (uint)dice.Bits(),
    };

    private static ulong Double(Dice dice) => dice.Next(8) switch
    {
        < 3 => BitConverter.DoubleToUInt64Bits(dice.Pick(Doubles)),
        3 => dice.Pick(DoubleNans),
        4 or 5 => BitConverter.DoubleToUInt64Bits(dice.Between(-1000, 1000) / 8.0),
        6 => BitConverter.DoubleToUInt64Bits((long)dice.Bits()),
        _ => dice.Bits(),
    };

    private static byte[] Vector(Dice dice)
    {
        ulong Half() => dice.Next(5) switch
        {
            0 => Integer(dice, 64),
            1 => (ulong)Float(dice) << 32 | Float(dice),
            2 => Double(dice),
            3 => (Integer(dice, 8) & 0xFF) * 0x0101010101010101,
            _ => dice.Bits(),
        };
        ulong low = Half();
        return Code.V128(low, dice.Chance(30) ? low : Half());
    }
}
