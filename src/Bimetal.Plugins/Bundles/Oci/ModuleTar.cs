// A module as wasm images made with docker or buildah have it: the file plugin.wasm in a (compressed) tar. Nothing is unpacked to a path.

using System.Formats.Tar;
using System.IO.Compression;

namespace Bimetal.Plugins.Bundles.Oci;

internal static class ModuleTar
{
    public const string FileName = "plugin.wasm";

    /// <summary>Longest tar, unpacked: a module of the largest size, and some files beside it.</summary>
    private const long MaximumTarBytes = PluginBundle.MaximumModuleBytes + (16 << 20);

    /// <summary>The bytes of the module.</summary>
    /// <param name="reference">For messages.</param>
    /// <exception cref="PluginLoadException">It is no such tar, or unpacks to more than it may.</exception>
    public static byte[] Read(string reference, byte[] layer, bool isCompressed)
    {
        try
        {
            using var bytes = new MemoryStream(layer);
            using var content = isCompressed ? Unpack(reference, bytes) : bytes;
            using var tar = new TarReader(content);
            while (tar.GetNextEntry() is { } entry)
            {
                string name = entry.Name.StartsWith("./", StringComparison.Ordinal) ? entry.Name[2..] : entry.Name;
                if (name != FileName || entry.DataStream is null) continue;
                if (entry.Length > PluginBundle.MaximumModuleBytes)
                    throw new PluginLoadException($"{reference}: {FileName} has {entry.Length} bytes, {PluginBundle.MaximumModuleBytes} are the most; build a smaller module");
                byte[] module = new byte[entry.Length];
                entry.DataStream.ReadExactly(module);
                return module;
            }
        }
        catch (Exception exception) when (exception is InvalidDataException or FormatException or EndOfStreamException or ArgumentException)
        {
            throw new PluginLoadException($"{reference}: its layer is not a whole tar: {exception.Message}; fetch or build the image again", exception);
        }

        throw new PluginLoadException($"{reference}: its layer has no file {FileName}, so it is not a wasm plugin's image; check repository and tag");
    }

    // A small file can unpack to any length.
    private static MemoryStream Unpack(string reference, Stream compressed)
    {
        using var stream = new GZipStream(compressed, CompressionMode.Decompress);
        var content = new MemoryStream();
        byte[] buffer = new byte[64 << 10];
        while (stream.Read(buffer) is > 0 and var read)
        {
            if (content.Length + read > MaximumTarBytes)
                throw new PluginLoadException($"{reference}: its layer unpacks to more than {MaximumTarBytes} bytes; fetch or build the image again");
            content.Write(buffer, 0, read);
        }

        content.Position = 0;
        return content;
    }
}
