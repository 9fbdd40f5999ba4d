// Keys: ECDSA on P-256 in PEM files. A public key is a plain one or stands in a certificate, which then also says until when it counts.

using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Bimetal.Plugins.Bundles.Signing;

/// <summary>A public key that the operator trusts. Immutable, thread-safe.</summary>
/// <param name="Name">The file it came from.</param>
/// <param name="SubjectPublicKeyInfo">DER.</param>
public sealed record TrustKey(string Name, byte[] SubjectPublicKeyInfo)
{
    /// <summary>Oid value of P-256 (secp256r1).</summary>
    private const string P256 = "1.2.840.10045.3.1.7";

    private const int MaximumFileBytes = 64 * 1024;

    /// <summary>When it begins and ceases to count; a plain key always does.</summary>
    public DateTimeOffset NotBefore { get; init; } = DateTimeOffset.MinValue;

    public DateTimeOffset NotAfter { get; init; } = DateTimeOffset.MaxValue;

    /// <summary>Short digest of the key, for messages.</summary>
    public string Fingerprint => Convert.ToHexStringLower(SHA256.HashData(SubjectPublicKeyInfo))[..16];

    /// <summary>Reads a public key or a certificate.</summary>
    /// <exception cref="PluginLoadException">Names the file and the remedy.</exception>
    public static TrustKey Load(string path)
    {
        string text = ReadPem(path);
        try
        {
            if (text.Contains("BEGIN CERTIFICATE", StringComparison.Ordinal))
            {
                using var certificate = X509Certificate2.CreateFromPem(text);
                using var key = certificate.GetECDsaPublicKey() ?? throw NotP256(path);
                return Of(path, key) with { NotBefore = new DateTimeOffset(certificate.NotBefore), NotAfter = new DateTimeOffset(certificate.NotAfter) };
            }

            using var plain = ECDsa.Create();
            plain.ImportFromPem(text);
            return Of(path, plain);
        }
        catch (Exception exception) when (exception is CryptographicException or ArgumentException)
        {
            throw new PluginLoadException(
                $"{path}: is not a public key: {exception.Message}; make one with: openssl ec -in private.pem -pubout -out {Path.GetFileName(path)}", exception);
        }
    }

    /// <summary>Reads a private key to sign with; the caller disposes it.</summary>
    /// <exception cref="PluginLoadException">Names the file and the remedy.</exception>
    public static ECDsa LoadPrivate(string path)
    {
        string text = ReadPem(path);
        var key = ECDsa.Create();
        try
        {
            key.ImportFromPem(text);
            if (key.ExportParameters(includePrivateParameters: true) is { D: not null, Curve.Oid.Value: P256 }) return key;
        }
        catch (Exception exception) when (exception is CryptographicException or ArgumentException)
        {
            // Said below, with the remedy.
        }

        key.Dispose();
        throw new PluginLoadException($"{path}: is not an unencrypted private key on P-256; make one with: openssl ecparam -name prime256v1 -genkey -noout -out {Path.GetFileName(path)}");
    }

    /// <summary>Whether this key made a signature over the SHA-256 of a payload. Says nothing of the time.</summary>
    public bool Verifies(ReadOnlySpan<byte> payload, ReadOnlySpan<byte> signature)
    {
        using var key = ECDsa.Create();
        key.ImportSubjectPublicKeyInfo(SubjectPublicKeyInfo, out _);
        return key.VerifyData(payload, signature, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
    }

    /// <summary>Why the key does not count at a time, or null.</summary>
    public string? ProblemAt(DateTimeOffset now) =>
        now > NotAfter ? $"the key {Name} expired on {NotAfter:yyyy-MM-dd}" : now < NotBefore ? $"the key {Name} counts only from {NotBefore:yyyy-MM-dd} on" : null;

    private static TrustKey Of(string path, ECDsa key)
    {
        if (key.ExportParameters(includePrivateParameters: false).Curve.Oid.Value != P256) throw NotP256(path);
        return new TrustKey(path, key.ExportSubjectPublicKeyInfo());
    }

    private static PluginLoadException NotP256(string path) => new($"{path}: is not a key on P-256 (prime256v1), which is the only one that signatures are made with");

    private static string ReadPem(string path)
    {
        try
        {
            if (new FileInfo(path) is { Exists: true, Length: > MaximumFileBytes }) throw new PluginLoadException($"{path}: is longer than {MaximumFileBytes} bytes, so it is not a key");
            return File.ReadAllText(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new PluginLoadException($"{path}: cannot be read: {exception.Message}", exception);
        }
    }
}
