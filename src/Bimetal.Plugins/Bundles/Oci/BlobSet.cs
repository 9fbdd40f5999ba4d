// Blobs by digest: of a bundle file, of the local store, of a registry. Whoever reads one gets bytes that have the digest, or an error.

namespace Bimetal.Plugins.Bundles.Oci;

/// <summary>Somewhere that blobs come from.</summary>
internal interface IBlobSource
{
    /// <summary>The bytes of a blob as they are there, or null when it is not.</summary>
    byte[]? TryRead(OciDescriptor descriptor);
}

/// <summary>Reading with every check.</summary>
internal static class BlobReading
{
    /// <summary>The blob that a descriptor means: present, of that size, below a limit, with that digest.</summary>
    /// <exception cref="BundleException">Something of it does not hold.</exception>
    public static byte[] Read(this IBlobSource source, OciDescriptor descriptor, long maximumBytes)
    {
        if (descriptor.SizeBytes > maximumBytes)
            throw new BundleException($"the layer {descriptor.Digest} has {descriptor.SizeBytes} bytes, {maximumBytes} are the most");
        byte[] bytes = source.TryRead(descriptor) ?? throw new BundleException($"the blob {descriptor.Digest} is missing");
        if (bytes.Length != descriptor.SizeBytes) throw new BundleException($"the blob {descriptor.Digest} has {bytes.Length} bytes instead of {descriptor.SizeBytes}");
        var found = OciDigest.Of(bytes);
        if (found != descriptor.Digest) throw new BundleException($"the digest of the blob {descriptor.Digest} does not match: its bytes have {found}");
        return bytes;
    }
}

/// <summary>Blobs in memory.</summary>
internal sealed class BlobSet : IBlobSource
{
    private readonly SortedDictionary<string, byte[]> _blobs = new(StringComparer.Ordinal);

    public IEnumerable<(OciDigest Digest, byte[] Bytes)> All => _blobs.Select(pair => (new OciDigest(pair.Key), pair.Value));

    public byte[]? TryRead(OciDescriptor descriptor) => _blobs.GetValueOrDefault(descriptor.Digest.Hex);

    public OciDescriptor Add(string mediaType, byte[] bytes)
    {
        var descriptor = OciDescriptor.Of(mediaType, bytes);
        _blobs[descriptor.Digest.Hex] = bytes;
        return descriptor;
    }

    /// <summary>Puts bytes under a digest that they may not have: reading checks it.</summary>
    public bool TryAddUnchecked(string hex, byte[] bytes) => _blobs.TryAdd(hex, bytes);
}
