// A bundle as one file: a tar of an OCI image layout (oci-layout, index.json, blobs/sha256/…), as skopeo's oci-archive reads and writes it.
// Written in one order and without times, so that the same content gives the same bytes.

using System.Formats.Tar;
using System.Text;

namespace Bimetal.Plugins.Bundles.Oci;

/// <summary>A layout in memory. What index.json refers to has not been looked at.</summary>
/// <param name="Manifests">The entries of index.json.</param>
internal sealed record BundleArchive(IReadOnlyList<OciDescriptor> Manifests, BlobSet Blobs)
{
    public const string Extension = ".bimetal";

    /// <summary>Largest file; bundles have some hundred KiB to some MiB.</summary>
    public const long MaximumFileBytes = 512L << 20;

    private const string LayoutFile = "oci-layout";
    private const string IndexFile = "index.json";
    private const string BlobFolder = "blobs/sha256/";
    private const UnixFileMode FileMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
    private static readonly byte[] s_layout = "{\"imageLayoutVersion\":\"1.0.0\"}"u8.ToArray();

    /// <summary>Reads a file.</summary>
    /// <exception cref="BundleException">It is no such tar, or holds what has no business there.</exception>
    public static BundleArchive Read(Stream stream)
    {
        if (stream.Length > MaximumFileBytes) throw new BundleException($"the file has {stream.Length} bytes, {MaximumFileBytes} are the most");
        var blobs = new BlobSet();
        byte[]? index = null, layout = null;
        try
        {
            using var tar = new TarReader(stream, leaveOpen: true);
            while (tar.GetNextEntry() is { } entry)
            {
                string name = NameOf(entry);
                if (entry.EntryType is TarEntryType.Directory) continue;
                if (entry.EntryType is not (TarEntryType.RegularFile or TarEntryType.V7RegularFile)) throw new BundleException($"the entry '{name}' is a {entry.EntryType}, and only files are allowed");
                if (name == IndexFile) index = index is null ? Bytes(entry, OciDocument.MaximumBytes) : throw Twice(name);
                else if (name == LayoutFile) layout = layout is null ? Bytes(entry, OciDocument.MaximumBytes) : throw Twice(name);
                else if (name.StartsWith(BlobFolder, StringComparison.Ordinal)) AddBlob(blobs, name, entry);
            }
        }
        catch (Exception exception) when (exception is InvalidDataException or FormatException or EndOfStreamException or ArgumentException)
        {
            throw new BundleException($"it is not a whole tar file: {exception.Message}");
        }

        if (layout is null || index is null) throw new BundleException($"it is not an OCI image layout: it has no {(layout is null ? LayoutFile : IndexFile)}");
        if (layout.AsSpan().IndexOf("\"1.0.0\""u8) < 0) throw new BundleException("its OCI image layout is not of version 1.0.0");
        return new BundleArchive(OciDocument.Parse(index, MediaTypes.Index).Children, blobs);
    }

    public void Write(Stream stream)
    {
        using var tar = new TarWriter(stream, TarEntryFormat.Ustar, leaveOpen: true);
        Add(tar, LayoutFile, s_layout);
        Add(tar, IndexFile, new OciDocument(MediaTypes.Index, Manifests, null, new Dictionary<string, string>()).Write());
        foreach (var (digest, bytes) in Blobs.All) Add(tar, BlobFolder + digest.Hex, bytes);
    }

    // Nothing is ever unpacked to a path of the archive's choosing; a name that tries to leave says that somebody hoped so.
    private static string NameOf(TarEntry entry)
    {
        string name = entry.Name.StartsWith("./", StringComparison.Ordinal) ? entry.Name[2..] : entry.Name;
        bool leaves = name.StartsWith('/') || name.Split('/').Contains("..") || name.Contains('\0', StringComparison.Ordinal) || name.Contains('\\', StringComparison.Ordinal);
        return leaves ? throw new BundleException($"the entry '{name}' has a path that leaves the archive") : name;
    }

    private static void AddBlob(BlobSet blobs, string name, TarEntry entry)
    {
        string hex = name[BlobFolder.Length..];
        if (!OciDigest.IsHex(hex)) throw new BundleException($"the entry '{name}' is not named after a SHA-256");
        if (!blobs.TryAddUnchecked(hex, Bytes(entry, MaximumFileBytes))) throw Twice(name);
    }

    private static BundleException Twice(string name) => new($"the entry '{name}' is there twice");

    private static byte[] Bytes(TarEntry entry, long maximumBytes)
    {
        if (entry.Length > maximumBytes) throw new BundleException($"the entry '{entry.Name}' has {entry.Length} bytes, {maximumBytes} are the most");
        if (entry.DataStream is not { } data) return [];
        byte[] bytes = new byte[entry.Length];
        data.ReadExactly(bytes);
        return bytes;
    }

    private static void Add(TarWriter tar, string name, byte[] bytes)
    {
        var entry = new UstarTarEntry(TarEntryType.RegularFile, name) { ModificationTime = DateTimeOffset.UnixEpoch, Mode = FileMode, DataStream = new MemoryStream(bytes) };
        tar.WriteEntry(entry);
    }
}
