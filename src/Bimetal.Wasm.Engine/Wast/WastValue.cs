// Values of a script: arguments, and expectations that a result is held against.

using System.Collections.Immutable;
using System.Globalization;
using Bimetal.Wasm.Engine.Values;
using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Engine.Wast;

/// <summary>A value as bits in decimal, or a pattern of NaNs.</summary>
/// <param name="Type">Its type.</param>
/// <param name="LaneBits">Bits of one lane; those of the type unless it is v128.</param>
/// <param name="IsFloat">Whether the lanes are floats.</param>
/// <param name="Lanes">The lanes' text, lowest first; one unless it is v128. Empty: any reference but null.</param>
internal sealed record WastValue(ValueType Type, int LaneBits, bool IsFloat, ImmutableArray<string> Lanes)
{
    private const string Null = "null";
    private const string CanonicalNan = "nan:canonical";
    private const string ArithmeticNan = "nan:arithmetic";

    /// <summary>The bits of an argument.</summary>
    internal GuestValue ToGuestValue()
    {
        if (Type.IsReference()) return new GuestValue(Type, Reference(Lanes[0]));
        UInt128 bits = 0;
        for (int i = 0; i < Lanes.Length; i++) bits |= (UInt128)Parse(Lanes[i]) << (i * LaneBits);
        return new GuestValue(Type, bits);
    }

    internal bool Matches(GuestValue actual)
    {
        if (actual.Type != Type) return false;
        if (Type.IsReference()) return Lanes.IsEmpty ? actual.Bits != 0 : actual.Bits == Reference(Lanes[0]);
        for (int i = 0; i < Lanes.Length; i++)
        {
            ulong lane = (ulong)(actual.Bits >> (i * LaneBits)) & Mask;
            if (!MatchesLane(Lanes[i], lane)) return false;
        }

        return true;
    }

    public override string ToString() => $"{Type.Name()}:{Describe()}";

    private ulong Mask => LaneBits == 64 ? ulong.MaxValue : (1ul << LaneBits) - 1;

    private string Describe()
    {
        if (Type == ValueType.V128) return $"{LaneBits}-bit lanes {string.Join(' ', Lanes)}";
        if (Lanes.IsEmpty) return "any";
        return Type.IsReference() || Lanes[0].StartsWith("nan:", StringComparison.Ordinal) ? Lanes[0] : ValueText.Format(ToGuestValue());
    }

    private bool MatchesLane(string expected, ulong actual)
    {
        if (!IsFloat || expected is not (CanonicalNan or ArithmeticNan)) return actual == Parse(expected);
        var format = LaneBits == 32 ? FloatText.Single : FloatText.Double;
        ulong quietNan = format.Infinity | format.QuietBit;

        // The sign of a NaN is never determined; an arithmetic one may carry a payload below the quiet bit.
        return expected == CanonicalNan ? (actual & ~format.SignBit) == quietNan : (actual & quietNan) == quietNan;
    }

    private static ulong Parse(string text) => text.StartsWith('-')
        ? unchecked((ulong)long.Parse(text, CultureInfo.InvariantCulture))
        : ulong.Parse(text, CultureInfo.InvariantCulture);

    // The host's references of a script are numbers from 0 on; 0 is null for the runtime.
    private static ulong Reference(string text) => text == Null ? 0 : Parse(text) + 1;
}
