// Which header names and values a plugin may put into a message. One place for both metals: a header that passes here can be written
// to a connection without changing where a message ends (no CR, LF or NUL), and pseudo-headers stay what HTTP says they are.

using System.Buffers;
using System.Text;

namespace Bimetal.Plugins.Streams;

/// <summary>Checks of names and values (RFC 9110, sections 5.1, 5.5 and 5.6.2; pseudo-headers as in RFC 9113, section 8.3).</summary>
public static class HeaderRules
{
    /// <summary>Most fields that a map may have once a plugin has added to it.</summary>
    public const int MaximumFieldCount = 512;

    /// <summary>Most bytes of names and values that a map may have once a plugin has added to it.</summary>
    public const int MaximumTotalBytes = 256 << 10;

    private static readonly SearchValues<byte> s_tokenBytes =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"u8);

    /// <summary>Control characters other than the horizontal tab.</summary>
    private static readonly SearchValues<byte> s_controlBytes = SearchValues.Create(
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 127]);

    /// <summary>True for an ordinary field name: a token, not a pseudo-header.</summary>
    public static bool IsName(ReadOnlySpan<byte> name) => !name.IsEmpty && !name.ContainsAnyExcept(s_tokenBytes);

    /// <summary>True for a value without control characters.</summary>
    public static bool IsValue(ReadOnlySpan<byte> value) => !value.ContainsAny(s_controlBytes);

    public static bool IsPseudo(ReadOnlySpan<byte> name) => !name.IsEmpty && name[0] == (byte)':';

    /// <summary>True when a map of that kind may hold this field.</summary>
    public static bool IsAllowed(HeaderMapKind kind, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value) =>
        IsPseudo(name) ? IsAllowedPseudo(kind, name, value) : IsName(name) && IsValue(value);

    /// <summary>True when a map of that kind can do without the field: pseudo-headers can be changed, never removed.</summary>
    public static bool IsRemovable(ReadOnlySpan<byte> name) => IsName(name);

    private static bool IsAllowedPseudo(HeaderMapKind kind, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value) => kind switch
    {
        HeaderMapKind.RequestHeaders => IsAllowedRequestPseudo(name, value),
        HeaderMapKind.ResponseHeaders => Ascii.EqualsIgnoreCase(name, ":status"u8) && IsStatus(value),
        _ => false,
    };

    private static bool IsAllowedRequestPseudo(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        if (Ascii.EqualsIgnoreCase(name, ":path"u8)) return IsPath(value);
        if (Ascii.EqualsIgnoreCase(name, ":authority"u8)) return IsWord(value);
        if (Ascii.EqualsIgnoreCase(name, ":method"u8)) return IsName(value);
        return Ascii.EqualsIgnoreCase(name, ":scheme"u8) && (value.SequenceEqual("http"u8) || value.SequenceEqual("https"u8));
    }

    private static bool IsPath(ReadOnlySpan<byte> value) => IsWord(value) && (value[0] == (byte)'/' || value.SequenceEqual("*"u8));

    private static bool IsWord(ReadOnlySpan<byte> value) => !value.IsEmpty && IsValue(value) && value.IndexOfAny((byte)' ', (byte)'\t') < 0;

    /// <summary>A final status: informational ones are never a message's own.</summary>
    private static bool IsStatus(ReadOnlySpan<byte> value) =>
        value.Length == 3 && value[0] is >= (byte)'2' and <= (byte)'5' && char.IsAsciiDigit((char)value[1]) && char.IsAsciiDigit((char)value[2]);
}
