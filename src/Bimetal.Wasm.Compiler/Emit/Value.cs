// A value on the emitter's operand stack: what to write as an operand in LLVM IR, and how the value is represented there.
// Formats itself straight into the IR text, so that pushing and popping allocates nothing.

using System.Globalization;

namespace Bimetal.Wasm.Compiler.Emit;

/// <summary>How a value stands in the IR when that differs from <see cref="LlvmTypes.Of"/> its WebAssembly type.</summary>
internal enum Shape : byte
{
    /// <summary>The type that parameters, locals and results have: i32, i64, float, double, ptr, &lt;2 x i64&gt;.</summary>
    Canonical,

    /// <summary>An i1 that stands for the i32 0 or 1: comparisons feed branches without being widened first.</summary>
    Bit,
    I8x16,
    I16x8,
    I32x4,
    F32x4,
    F64x2,
}

/// <summary>An operand: a numbered temporary, a name, or a constant.</summary>
internal readonly struct Value : ISpanFormattable
{
    private readonly Kind _kind;
    private readonly long _number;
    private readonly string? _text;

    private Value(Kind kind, ValueType type, Shape shape, long number, string? text)
    {
        _kind = kind;
        Type = type;
        Shape = shape;
        _number = number;
        _text = text;
    }

    private enum Kind : byte
    {
        Nothing,
        Temporary,
        Argument,
        Phi,
        Integer,
        Text,
    }

    private string Sigil => _kind switch { Kind.Argument => "%a", Kind.Phi => "%v", _ => "%" };

    public ValueType Type { get; }

    public Shape Shape { get; }

    /// <summary>Number of the phi, or -1 for anything else.</summary>
    public long PhiNumber => _kind == Kind.Phi ? _number : -1;

    /// <summary>Number of the temporary, or -1 for anything else.</summary>
    public long TemporaryNumber => _kind == Kind.Temporary ? _number : -1;

    /// <summary>Whether this was computed, or came in; as opposed to a constant.</summary>
    public bool IsVariable => _kind is Kind.Temporary or Kind.Argument or Kind.Phi;

    public bool IsConstant => _kind == Kind.Integer || (_kind == Kind.Text && _text![0] is not '%' and not '@');

    /// <summary>Whether this is an integer constant, and which (i32 sign-extended).</summary>
    public bool TryGetInteger(out long constant)
    {
        constant = _number;
        return _kind == Kind.Integer;
    }

    /// <summary>Temporary <c>%number</c>; LLVM requires that these count up in textual order.</summary>
    public static Value Temporary(ValueType type, long number, Shape shape = Shape.Canonical) => new(Kind.Temporary, type, shape, number, null);

    /// <summary>Parameter <c>%aN</c> of the function.</summary>
    public static Value Argument(ValueType type, long number) => new(Kind.Argument, type, Shape.Canonical, number, null);

    /// <summary>Phi <c>%vN</c> (Joins.cs).</summary>
    public static Value Phi(ValueType type, long number) => new(Kind.Phi, type, Shape.Canonical, number, null);

    public static Value Integer(ValueType type, long constant) => new(Kind.Integer, type, Shape.Canonical, constant, null);

    /// <summary>A name with its sigil (<c>%a0</c>, <c>@f1</c>) or the text of a constant.</summary>
    public static Value Named(ValueType type, string text, Shape shape = Shape.Canonical) => new(Kind.Text, type, shape, 0, text);

    /// <summary>Whether two operands are one value in the same form.</summary>
    public bool IsSame(in Value other) => _kind == other._kind && _number == other._number && Shape == other.Shape && _text == other._text;

    public override string ToString() => _kind switch
    {
        Kind.Temporary or Kind.Argument or Kind.Phi => string.Create(CultureInfo.InvariantCulture, $"{Sigil}{_number}"),
        Kind.Integer => _number.ToString(CultureInfo.InvariantCulture),
        _ => _text ?? "",
    };

    public string ToString(string? format, IFormatProvider? formatProvider) => ToString();

    public bool TryFormat(Span<char> destination, out int charsWritten, ReadOnlySpan<char> format, IFormatProvider? provider)
    {
        switch (_kind)
        {
            case Kind.Temporary or Kind.Argument or Kind.Phi:
                charsWritten = 0;
                string sigil = Sigil;
                if (!sigil.TryCopyTo(destination) || !_number.TryFormat(destination[sigil.Length..], out int digits, provider: CultureInfo.InvariantCulture)) return false;
                charsWritten = sigil.Length + digits;
                return true;
            case Kind.Integer:
                return _number.TryFormat(destination, out charsWritten, provider: CultureInfo.InvariantCulture);
            default:
                string text = _text ?? "";
                bool fits = text.AsSpan().TryCopyTo(destination);
                charsWritten = fits ? text.Length : 0;
                return fits;
        }
    }
}
