// A call that both engines make, and how its values are written where both sides must write them alike.

using Bimetal.Wasm.Modules;

namespace Bimetal.Fuzz.Model;

/// <summary>An argument: its bits, of which a reference has none.</summary>
internal readonly record struct FuzzValue(ValueType Type, ulong Bits)
{
    public override string ToString() => $"{Type.Name()}:{Bits:x}";
}

/// <summary>A call of an export.</summary>
internal sealed record FuzzCall(string Export, IReadOnlyList<FuzzValue> Arguments, IReadOnlyList<ValueType> Results)
{
    public override string ToString() => $"{Export}({string.Join(' ', Arguments)})";

    /// <summary>A result as observations show it.</summary>
    internal static string Show(ValueType type, ulong bits) => type switch
    {
        ValueType.I32 => $"{(uint)bits:x}",
        ValueType.F32 => Show(BitConverter.UInt32BitsToSingle((uint)bits)),
        ValueType.F64 => Show(BitConverter.UInt64BitsToDouble(bits)),
        ValueType.FuncRef or ValueType.ExternRef => bits == 0 ? "null" : "ref",
        _ => $"{bits:x}",
    };

    /// <summary>A number as JavaScript sees it: as a double, and of a NaN no more than that it is one.</summary>
    internal static string Show(double number) => double.IsNaN(number) ? "nan" : $"{BitConverter.DoubleToUInt64Bits(number):x}";
}
