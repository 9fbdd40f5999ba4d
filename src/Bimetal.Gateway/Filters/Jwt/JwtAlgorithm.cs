// The signature algorithms of RFC 7518, section 3, that the filter can verify. "none" is not among them, so no configuration can allow it.

using System.Security.Cryptography;
using System.Text;

namespace Bimetal.Gateway.Filters.Jwt;

internal enum JwtFamily
{
    Hmac,
    RsaPkcs1,
    RsaPss,
    Ecdsa,
}

/// <summary>One algorithm; compared by reference.</summary>
internal sealed class JwtAlgorithm
{
    private readonly byte[] _name;

    private JwtAlgorithm(string name, JwtFamily family, HashAlgorithmName hash, int hashBytes)
    {
        Name = name;
        Family = family;
        Hash = hash;
        HashBytes = hashBytes;
        _name = Encoding.ASCII.GetBytes(name);
    }

    public static IReadOnlyList<JwtAlgorithm> All { get; } = [.. MakeAll()];

    public string Name { get; }

    public JwtFamily Family { get; }

    public HashAlgorithmName Hash { get; }

    public int HashBytes { get; }

    /// <summary>The only curve that an ES algorithm may be used with, by the size of its field; ES512 means P-521.</summary>
    public int CurveBits => HashBytes == 64 ? 521 : HashBytes * 8;

    /// <summary>Names are compared exactly, as RFC 7515 wants it.</summary>
    public static JwtAlgorithm? Find(ReadOnlySpan<byte> name)
    {
        foreach (var algorithm in All)
        {
            if (name.SequenceEqual(algorithm._name)) return algorithm;
        }

        return null;
    }

    public override string ToString() => Name;

    private static IEnumerable<JwtAlgorithm> MakeAll()
    {
        foreach (var (prefix, family) in new[] { ("HS", JwtFamily.Hmac), ("RS", JwtFamily.RsaPkcs1), ("PS", JwtFamily.RsaPss), ("ES", JwtFamily.Ecdsa) })
        {
            yield return new JwtAlgorithm(prefix + "256", family, HashAlgorithmName.SHA256, 32);
            yield return new JwtAlgorithm(prefix + "384", family, HashAlgorithmName.SHA384, 48);
            yield return new JwtAlgorithm(prefix + "512", family, HashAlgorithmName.SHA512, 64);
        }
    }
}
