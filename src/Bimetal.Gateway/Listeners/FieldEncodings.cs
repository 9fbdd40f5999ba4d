// How Kestrel turns the bytes of request fields into text. Content-length has an encoding of its own: Kestrel parses the text as a signed
// number with spaces around it, where HTTP has digits only, so that "+5" would be a length here and an error elsewhere.

using System.Text;

namespace Bimetal.Gateway.Listeners;

internal static class FieldEncodings
{
    private static readonly Encoding Length = new DigitsEncoding();

    /// <summary>Bytes above 127 in a field pass through unchanged.</summary>
    public static Encoding OfRequestField(string name) => name.Equals("content-length", StringComparison.OrdinalIgnoreCase) ? Length : Encoding.Latin1;

    /// <summary>Digits stay; every other byte becomes a letter, which is no number.</summary>
    private sealed class DigitsEncoding : Encoding
    {
        private const char NoDigit = 'x';

        public override int GetByteCount(char[] chars, int index, int count) => count;

        public override int GetBytes(char[] chars, int charIndex, int charCount, byte[] bytes, int byteIndex) => Latin1.GetBytes(chars, charIndex, charCount, bytes, byteIndex);

        public override int GetCharCount(byte[] bytes, int index, int count) => count;

        public override int GetChars(byte[] bytes, int byteIndex, int byteCount, char[] chars, int charIndex) =>
            GetChars(bytes.AsSpan(byteIndex, byteCount), chars.AsSpan(charIndex));

        /// <summary>Fills what there is room for: Kestrel offers 20 characters and refuses a length that has so many.</summary>
        public override int GetChars(ReadOnlySpan<byte> bytes, Span<char> chars)
        {
            int count = Math.Min(bytes.Length, chars.Length);
            for (int index = 0; index < count; index++) chars[index] = char.IsAsciiDigit((char)bytes[index]) ? (char)bytes[index] : NoDigit;
            return count;
        }

        public override int GetMaxByteCount(int charCount) => charCount;

        public override int GetMaxCharCount(int byteCount) => byteCount;
    }
}
