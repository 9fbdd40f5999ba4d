// Signatures in cosign's simple-signing layout (the one that cosign itself now calls legacy): a JSON payload that names the manifest's digest, and
// an ECDSA P-256 signature over its SHA-256, in DER, in base64, as an annotation of the payload's descriptor.

using System.Security.Cryptography;
using System.Text.Json;
using Bimetal.Plugins.Bundles.Oci;

namespace Bimetal.Plugins.Bundles.Signing;

/// <summary>A payload and what signs it.</summary>
/// <param name="Payload">The JSON that was signed.</param>
/// <param name="Signature">ASN.1 DER.</param>
internal sealed record BundleSignature(byte[] Payload, byte[] Signature)
{
    /// <summary>The payload's kind, as simple signing spells it.</summary>
    private const string Kind = "cosign container image signature";

    private const int MaximumPayloadBytes = 1 << 20;

    /// <summary>Signs a digest.</summary>
    /// <param name="identity">What the payload calls the bundle; informative.</param>
    public static BundleSignature Make(ECDsa key, OciDigest digest, string identity)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, OciDocument.JsonOptions))
        {
            writer.WriteStartObject();
            writer.WriteStartObject("critical");
            writer.WriteStartObject("identity");
            writer.WriteString("docker-reference", identity);
            writer.WriteEndObject();
            writer.WriteStartObject("image");
            writer.WriteString("docker-manifest-digest", digest.ToString());
            writer.WriteEndObject();
            writer.WriteString("type", Kind);
            writer.WriteEndObject();
            writer.WriteNull("optional");
            writer.WriteEndObject();
        }

        byte[] payload = stream.ToArray();
        return new BundleSignature(payload, key.SignData(payload, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence));
    }

    /// <summary>Whether a key made it, over this digest.</summary>
    public bool IsBy(TrustKey key, OciDigest digest) => Names(digest) && key.Verifies(Payload, Signature);

    /// <summary>Whether it is over this digest, whoever made it.</summary>
    public bool Names(OciDigest digest)
    {
        if (Payload.Length > MaximumPayloadBytes) return false;
        try
        {
            using var document = JsonDocument.Parse(Payload, new JsonDocumentOptions { MaxDepth = 16 });
            var critical = document.RootElement.GetProperty("critical");
            return critical.GetProperty("type").GetString() == Kind
                && critical.GetProperty("image").GetProperty("docker-manifest-digest").GetString() == digest.ToString();
        }
        catch (Exception exception) when (exception is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return false;
        }
    }
}
