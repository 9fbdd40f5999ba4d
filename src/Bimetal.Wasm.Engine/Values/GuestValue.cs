// A WebAssembly value outside of a guest, as raw bits.

using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Engine.Values;

/// <summary>A value and its type.</summary>
/// <param name="Type">The type.</param>
/// <param name="Bits">The bits, zero-extended; a reference is 0 for null, otherwise the runtime's.</param>
public readonly record struct GuestValue(ValueType Type, UInt128 Bits)
{
    public static GuestValue I32(int value) => new(ValueType.I32, (uint)value);

    public static GuestValue I64(long value) => new(ValueType.I64, (ulong)value);

    public static GuestValue F32(float value) => new(ValueType.F32, BitConverter.SingleToUInt32Bits(value));

    public static GuestValue F64(double value) => new(ValueType.F64, BitConverter.DoubleToUInt64Bits(value));

    /// <summary>Writes the value into its slots of a call buffer and returns how many those are.</summary>
    public int WriteTo(Span<ulong> slots)
    {
        slots[0] = (ulong)Bits;
        if (Type == ValueType.V128) slots[1] = (ulong)(Bits >> 64);
        return Type.SlotCount();
    }

    /// <summary>Reads a value of the type from its slots; bits above the type's own are not looked at.</summary>
    public static GuestValue ReadFrom(ReadOnlySpan<ulong> slots, ValueType type) => type switch
    {
        ValueType.I32 or ValueType.F32 => new GuestValue(type, (uint)slots[0]),
        ValueType.V128 => new GuestValue(type, new UInt128(slots[1], slots[0])),
        _ => new GuestValue(type, slots[0]),
    };

    /// <summary>The value as <c>invoke</c> prints it, such as <c>i32:5</c>.</summary>
    public override string ToString() => $"{Type.Name()}:{ValueText.Format(this)}";
}
