// Bundle files that are damaged or hostile, each with what a gateway says of it.

using System.Formats.Tar;
using System.Security.Cryptography;
using System.Text;

namespace Bimetal.EndToEnd.Tests;

internal static class BadBundles
{
    private const string NativeLayer = "application/vnd.bimetal.plugin.native.v1";

    /// <param name="good">A sound bundle file.</param>
    internal static IEnumerable<(string Name, byte[] File, string Says)> Of(byte[] good)
    {
        yield return ("no tar", Encoding.ASCII.GetBytes(new string('x', 2000)), "it is not a whole tar file");
        yield return ("corrupt layout", Tar(("index.json", "{}"u8.ToArray())), "it is not an OCI image layout: it has no oci-layout");
        yield return ("cut off", good[..(good.Length / 2)], "it is not a whole tar file");
        yield return ("digest mismatch", Flipped(good), "the digest of the blob sha256:");
        yield return ("unknown media type", Layout("application/vnd.other", size: null), "it has layers of the media type application/vnd.other; a plugin is one of application/wasm");
        yield return ("oversized layer", Layout("application/wasm", size: 200 << 20), "has 209715200 bytes, 134217728 are the most");
        yield return ("missing platform", Layout(NativeLayer, size: null), "has no wasm module; it has: linux-arm64");
        yield return ("path that leaves the archive", Tar(("blobs/sha256/../../../../etc/passwd", [1])), "has a path that leaves the archive");
    }

    private static byte[] Flipped(byte[] good)
    {
        byte[] flipped = [.. good];
        flipped[flipped.AsSpan().IndexOf("\0asm"u8) + 100] ^= 1;
        return flipped;
    }

    private static byte[] Layout(string mediaType, long? size)
    {
        byte[] layer = [1, 2, 3], config = "{}"u8.ToArray();
        string Descriptor(string type, byte[] bytes, long? length = null, string more = "") => $$"""{"mediaType":"{{type}}","digest":"sha256:{{Hex(bytes)}}","size":{{length ?? bytes.Length}}{{more}}}""";
        byte[] manifest = Encoding.UTF8.GetBytes(
            $$"""{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{{Descriptor("application/vnd.oci.image.config.v1+json", config)}},"layers":[{{Descriptor(mediaType, layer, size)}}]}""");
        string platform = ",\"platform\":{\"architecture\":\"arm64\",\"os\":\"linux\"}";
        byte[] index = Encoding.UTF8.GetBytes($$"""{"schemaVersion":2,"manifests":[{{Descriptor("application/vnd.oci.image.manifest.v1+json", manifest, null, platform)}}]}""");
        return Tar(
            ("oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}"u8.ToArray()), ("index.json", index), ("blobs/sha256/" + Hex(manifest), manifest),
            ("blobs/sha256/" + Hex(config), config), ("blobs/sha256/" + Hex(layer), layer));
    }

    private static string Hex(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    private static byte[] Tar(params (string Name, byte[] Bytes)[] entries)
    {
        using var stream = new MemoryStream();
        using (var tar = new TarWriter(stream, TarEntryFormat.Pax, leaveOpen: true))
        {
            foreach (var (name, bytes) in entries) tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(bytes) });
        }

        return stream.ToArray();
    }
}
