// The keys that a jwt filter verifies with at one moment; read from a JSON Web Key Set (RFC 7517), a PEM file or a secret.

using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Bimetal.Gateway.Filters.Jwt;

/// <summary>Immutable.</summary>
internal sealed record JwtKeySet(IReadOnlyList<JwtKey> Keys)
{
    /// <summary>Most bytes of a key set that are read.</summary>
    public const int MaximumBytes = 1 << 20;

    /// <summary>Most keys of one set; a token without <c>kid</c> is tried with all that fit.</summary>
    public const int MaximumKeys = 64;

    private const int MaximumDepth = 8;

    /// <summary>Whether a token that names this key could be verified; a key without an id stands for any.</summary>
    public bool Knows(ReadOnlySpan<byte> id, JwtAlgorithm algorithm)
    {
        foreach (var key in Keys)
        {
            if (IsCandidate(key, id) && key.Fits(algorithm)) return true;
        }

        return false;
    }

    public static bool IsCandidate(JwtKey key, ReadOnlySpan<byte> id) => id.IsEmpty || key.Id.IsEmpty || key.Id.Span.SequenceEqual(id);

    /// <summary>Reads a key set. As RFC 7517, section 5, says, keys that are of no use here are left out; none left is an error.</summary>
    public static JwtKeySet? Parse(ReadOnlyMemory<byte> json, out string problem)
    {
        problem = "";
        var keys = new List<JwtKey>();
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = MaximumDepth });
            if (document.RootElement.ValueKind != JsonValueKind.Object || !document.RootElement.TryGetProperty("keys", out var list) || list.ValueKind != JsonValueKind.Array)
            {
                problem = "is not a JSON Web Key Set: it has no list \"keys\"";
                return null;
            }

            foreach (var entry in list.EnumerateArray())
            {
                if (keys.Count == MaximumKeys) problem = $"has more than {MaximumKeys} keys";
                else if (Read(entry) is { } key) keys.Add(key);
            }
        }
        catch (JsonException exception)
        {
            problem = "is not JSON: " + exception.Message;
        }

        if (problem.Length == 0 && keys.Count == 0) problem = "has no key that can verify a signature";
        return problem.Length == 0 ? new JwtKeySet(keys) : null;
    }

    /// <summary>Reads one PEM public key, RSA or EC.</summary>
    public static JwtKey? ParsePem(string pem, ReadOnlyMemory<byte> id, out string problem)
    {
        problem = "";
        if (pem.Contains("PRIVATE KEY", StringComparison.Ordinal))
        {
            problem = "has a private key in it: a gateway that verifies must not have one";
            return null;
        }

        try
        {
            return TryRsaPem(pem) is { } rsa ? new JwtRsaKey(id, null, rsa) : new JwtEcKey(id, null, EcPem(pem));
        }
        catch (Exception exception) when (exception is CryptographicException or ArgumentException)
        {
            problem = "is not a PEM public key of RSA, P-256, P-384 or P-521: " + exception.Message;
            return null;
        }
    }

    private static RSAParameters? TryRsaPem(string pem)
    {
        try
        {
            using var rsa = RSA.Create();
            rsa.ImportFromPem(pem);
            return rsa.ExportParameters(includePrivateParameters: false);
        }
        catch (CryptographicException)
        {
            return null; // then it is an EC key, or none, which the next attempt says
        }
    }

    private static ECParameters EcPem(string pem)
    {
        using var key = ECDsa.Create();
        key.ImportFromPem(pem);
        return key.ExportParameters(includePrivateParameters: false);
    }

    private static JwtKey? Read(JsonElement entry)
    {
        if (entry.ValueKind != JsonValueKind.Object || (Text(entry, "use") is { } use && use != "sig") || !MayVerify(entry)) return null;
        JwtAlgorithm? only = null;
        if (Text(entry, "alg") is { } name && (only = JwtAlgorithm.Find(Encoding.UTF8.GetBytes(name))) is null) return null;
        byte[] id = Encoding.UTF8.GetBytes(Text(entry, "kid") ?? "");
        try
        {
            return Text(entry, "kty") switch
            {
                "oct" when Bytes(entry, "k") is { } secret => new JwtHmacKey(id, only, secret),
                "RSA" => new JwtRsaKey(id, only, new RSAParameters { Modulus = Bytes(entry, "n"), Exponent = Bytes(entry, "e") }),
                "EC" when Curve(Text(entry, "crv")) is { } curve => new JwtEcKey(
                    id, only, new ECParameters { Curve = curve, Q = new ECPoint { X = Bytes(entry, "x"), Y = Bytes(entry, "y") } }),
                _ => null,
            };
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    private static ECCurve? Curve(string? name) => name switch
    {
        "P-256" => ECCurve.NamedCurves.nistP256,
        "P-384" => ECCurve.NamedCurves.nistP384,
        "P-521" => ECCurve.NamedCurves.nistP521,
        _ => null,
    };

    private static bool MayVerify(JsonElement entry) =>
        !entry.TryGetProperty("key_ops", out var operations)
        || (operations.ValueKind == JsonValueKind.Array && operations.EnumerateArray().Any(one => one.ValueKind == JsonValueKind.String && one.ValueEquals("verify"u8)));

    private static string? Text(JsonElement entry, string name) =>
        entry.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static byte[]? Bytes(JsonElement entry, string name)
    {
        if (Text(entry, name) is not { Length: > 0 } text || !Base64Url.IsValid(text)) return null;
        return Base64Url.DecodeFromChars(text);
    }
}
