// A verification key. Its kind says which algorithms it can be used with, so a public key can never serve as an HMAC secret.

using System.Collections.Concurrent;
using System.Security.Cryptography;

namespace Bimetal.Gateway.Filters.Jwt;

/// <summary>Thread-safe.</summary>
/// <param name="id">The key's <c>kid</c> in UTF-8; empty: tokens with any <c>kid</c> may be signed with it.</param>
/// <param name="only">The one algorithm that the key was published for; null: all that fit its kind.</param>
internal abstract class JwtKey(ReadOnlyMemory<byte> id, JwtAlgorithm? only)
{
    public ReadOnlyMemory<byte> Id => id;

    public bool Fits(JwtAlgorithm algorithm) => (only is null || ReferenceEquals(only, algorithm)) && IsKindFor(algorithm);

    /// <summary>Only for an algorithm that <see cref="Fits"/>.</summary>
    public abstract bool Verify(JwtAlgorithm algorithm, ReadOnlySpan<byte> signed, ReadOnlySpan<byte> signature);

    protected abstract bool IsKindFor(JwtAlgorithm algorithm);
}

internal sealed class JwtHmacKey(ReadOnlyMemory<byte> id, JwtAlgorithm? only, byte[] secret) : JwtKey(id, only)
{
    public override bool Verify(JwtAlgorithm algorithm, ReadOnlySpan<byte> signed, ReadOnlySpan<byte> signature)
    {
        Span<byte> expected = stackalloc byte[64];
        int length = algorithm.HashBytes switch
        {
            32 => HMACSHA256.HashData(secret, signed, expected),
            48 => HMACSHA384.HashData(secret, signed, expected),
            _ => HMACSHA512.HashData(secret, signed, expected),
        };
        return CryptographicOperations.FixedTimeEquals(expected[..length], signature);
    }

    // RFC 7518, section 3.2: a key at least as long as the hash.
    protected override bool IsKindFor(JwtAlgorithm algorithm) => algorithm.Family == JwtFamily.Hmac && secret.Length >= algorithm.HashBytes;
}

internal sealed class JwtRsaKey : JwtKey
{
    /// <summary>RFC 7518, section 3.3.</summary>
    public const int MinimumBits = 2048;

    /// <summary>Verifying with a larger modulus would let whoever publishes keys burn our CPU.</summary>
    public const int MaximumBits = 8192;

    private readonly RSAParameters _parameters;

    // An RSA object is used by one thread at a time; there are never more than threads.
    private readonly ConcurrentBag<RSA> _free = [];

    /// <exception cref="CryptographicException">Not a key, or one of a size that is refused.</exception>
    public JwtRsaKey(ReadOnlyMemory<byte> id, JwtAlgorithm? only, RSAParameters parameters)
        : base(id, only)
    {
        _parameters = new RSAParameters { Modulus = parameters.Modulus, Exponent = parameters.Exponent };
        if (parameters.Exponent is not { Length: > 0 and <= 4 }) throw new CryptographicException("the exponent of an RSA key has 1 to 4 bytes");
        var rsa = RSA.Create(_parameters);
        if (rsa.KeySize is < MinimumBits or > MaximumBits) throw new CryptographicException($"an RSA key of {rsa.KeySize} bits; {MinimumBits} to {MaximumBits} are taken");
        _free.Add(rsa);
    }

    public override bool Verify(JwtAlgorithm algorithm, ReadOnlySpan<byte> signed, ReadOnlySpan<byte> signature)
    {
        if (!_free.TryTake(out var rsa)) rsa = RSA.Create(_parameters);
        bool isGood = rsa.VerifyData(signed, signature, algorithm.Hash, algorithm.Family == JwtFamily.RsaPss ? RSASignaturePadding.Pss : RSASignaturePadding.Pkcs1);
        _free.Add(rsa);
        return isGood;
    }

    protected override bool IsKindFor(JwtAlgorithm algorithm) => algorithm.Family is JwtFamily.RsaPkcs1 or JwtFamily.RsaPss;
}

internal sealed class JwtEcKey : JwtKey
{
    private readonly ECParameters _parameters;
    private readonly int _curveBits;
    private readonly ConcurrentBag<ECDsa> _free = [];

    /// <exception cref="CryptographicException">Not a point of the curve, or another curve than P-256, P-384 and P-521.</exception>
    public JwtEcKey(ReadOnlyMemory<byte> id, JwtAlgorithm? only, ECParameters parameters)
        : base(id, only)
    {
        _parameters = new ECParameters { Curve = parameters.Curve, Q = parameters.Q };
        _parameters.Validate();
        var key = ECDsa.Create(_parameters);
        _curveBits = key.KeySize;
        if (_curveBits is not (256 or 384 or 521) || !IsNistCurve(parameters.Curve)) throw new CryptographicException("the curve is none of P-256, P-384 and P-521");
        _free.Add(key);
    }

    public override bool Verify(JwtAlgorithm algorithm, ReadOnlySpan<byte> signed, ReadOnlySpan<byte> signature)
    {
        if (!_free.TryTake(out var key)) key = ECDsa.Create(_parameters);
        bool isGood = key.VerifyData(signed, signature, algorithm.Hash, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
        _free.Add(key);
        return isGood;
    }

    protected override bool IsKindFor(JwtAlgorithm algorithm) => algorithm.Family == JwtFamily.Ecdsa && algorithm.CurveBits == _curveBits;

    // secp256k1 and brainpool curves have fields of the same sizes.
    private static bool IsNistCurve(ECCurve curve) =>
        curve.IsNamed && curve.Oid.Value is "1.2.840.10045.3.1.7" or "1.3.132.0.34" or "1.3.132.0.35";
}
