// Where signatures are kept: in a manifest beside the image, under the tag sha256-DIGEST.sig, one layer per signature. The same in a file and in a
// registry, so whatever copies both keeps them.

using Bimetal.Plugins.Bundles.Oci;

namespace Bimetal.Plugins.Bundles.Signing;

internal static class SignatureManifest
{
    private const string Suffix = ".sig";
    private const int MaximumPayloadBytes = 1 << 20;

    /// <summary>The tag of the signatures of an image.</summary>
    public static string TagOf(OciDigest digest) => $"sha256-{digest.Hex}{Suffix}";

    /// <summary>Whether an entry of index.json is signatures.</summary>
    public static bool IsOne(OciDescriptor manifest) =>
        manifest.Annotations.TryGetValue(MediaTypes.RefName, out string? name) && name.StartsWith("sha256-", StringComparison.Ordinal) && name.EndsWith(Suffix, StringComparison.Ordinal);

    /// <summary>All signatures of a layout, of whatever in it. Each says what it signs.</summary>
    /// <exception cref="BundleException">A manifest cannot be read.</exception>
    public static IReadOnlyList<BundleSignature> ReadAll(BundleArchive archive) => [.. archive.Manifests.Where(IsOne).SelectMany(manifest => Read(archive.Blobs, manifest))];

    /// <summary>The signatures of a manifest; layers that are something else do not count.</summary>
    public static IReadOnlyList<BundleSignature> Read(IBlobSource blobs, OciDescriptor manifest)
    {
        var document = OciDocument.Parse(blobs.Read(manifest, OciDocument.MaximumBytes), manifest.MediaType);
        var signatures = new List<BundleSignature>();
        foreach (var layer in document.Children.Where(layer => layer.MediaType == MediaTypes.SimpleSigning))
        {
            byte[] signature = new byte[256];
            if (!layer.Annotations.TryGetValue(MediaTypes.CosignSignature, out string? text) || !Convert.TryFromBase64String(text, signature, out int length)) continue;
            signatures.Add(new BundleSignature(blobs.Read(layer, MaximumPayloadBytes), signature[..length]));
        }

        return signatures;
    }

    /// <summary>The layout with these signatures of an index or a manifest instead of those that it had.</summary>
    public static BundleArchive WithSignatures(this BundleArchive archive, OciDigest signed, IReadOnlyList<BundleSignature> signatures)
    {
        string tag = TagOf(signed);
        var manifest = Add(archive.Blobs, signatures) with { Annotations = new Dictionary<string, string> { [MediaTypes.RefName] = tag } };
        return archive with { Manifests = [.. archive.Manifests.Where(entry => entry.Annotations.GetValueOrDefault(MediaTypes.RefName) != tag), manifest] };
    }

    /// <summary>Puts signatures and their manifest among blobs.</summary>
    public static OciDescriptor Add(BlobSet blobs, IReadOnlyList<BundleSignature> signatures)
    {
        OciDescriptor[] layers =
        [
            .. signatures.Select(signature => blobs.Add(MediaTypes.SimpleSigning, signature.Payload) with
            {
                Annotations = new Dictionary<string, string> { [MediaTypes.CosignSignature] = Convert.ToBase64String(signature.Signature) },
            }),
        ];
        string diffs = string.Join(',', layers.Select(layer => $"\"{layer.Digest}\""));
        string json = "{\"architecture\":\"\",\"os\":\"\",\"config\":{},\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[" + diffs + "]}}";
        var config = blobs.Add(MediaTypes.ImageConfig, System.Text.Encoding.UTF8.GetBytes(json));
        return blobs.Add(MediaTypes.Manifest, new OciDocument(MediaTypes.Manifest, layers, config, new Dictionary<string, string>()).Write());
    }
}
