// Digests as the OCI specification writes them; only SHA-256.

using System.Buffers;
using System.Security.Cryptography;

namespace Bimetal.Plugins.Bundles.Oci;

/// <summary>A SHA-256 of some bytes.</summary>
/// <param name="Hex">64 lower-case hexadecimal digits.</param>
public readonly record struct OciDigest(string Hex)
{
    private const string Prefix = "sha256:";
    private const int HexLength = 64;
    private static readonly SearchValues<char> s_digits = SearchValues.Create("0123456789abcdef");

    public static OciDigest Of(ReadOnlySpan<byte> bytes) => new(Convert.ToHexStringLower(SHA256.HashData(bytes)));

    /// <summary>Reads <c>sha256:</c> and 64 digits; anything else is refused, so a digest is always safe as a file's name.</summary>
    public static bool TryParse(string text, out OciDigest digest)
    {
        bool isDigest = text.Length == Prefix.Length + HexLength && text.StartsWith(Prefix, StringComparison.Ordinal) && IsHex(text.AsSpan(Prefix.Length));
        digest = isDigest ? new OciDigest(text[Prefix.Length..]) : default;
        return isDigest;
    }

    /// <summary>Whether a text is the part behind <c>sha256:</c>.</summary>
    public static bool IsHex(ReadOnlySpan<char> text) => text.Length == HexLength && !text.ContainsAnyExcept(s_digits);

    public override string ToString() => Prefix + Hex;
}
