// Bundles from registries, on this disk: blobs by digest, and what each reference led to when it was asked last. Survives restarts, so that a gateway
// starts while its registry is away. Nothing in it is trusted: blobs are verified each time they are read.
//
//   blobs/HEX       content
//   refs/HEX        of the reference's text: the reference, its root, and what is signed; one a line, a descriptor as "mediaType digest size",
//                   signatures with their tag behind it. Touched when it is used, which is how StoreCleaner.cs knows.

using System.Globalization;
using System.Text;
using Bimetal.Plugins.Bundles.Oci;
using Bimetal.Plugins.Bundles.Signing;

namespace Bimetal.Plugins.Bundles.Registry;

/// <summary>What a reference led to.</summary>
/// <param name="Signatures">Manifests of signatures, each with its tag: of the root, and of the manifests in it.</param>
internal sealed record StoredBundle(OciDescriptor Root, IReadOnlyList<OciDescriptor> Signatures)
{
    /// <summary>Changes when the bundle or its signatures do.</summary>
    public string Fingerprint => string.Join(' ', Signatures.Select(signed => signed.Digest).Prepend(Root.Digest));
}

/// <summary>A folder of blobs. Any number of processes may share it.</summary>
internal sealed class BundleStore(string folder) : IBlobSource
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private readonly string _blobs = Path.Combine(folder, "blobs");
    private readonly string _refs = Path.Combine(folder, "refs");

    public string Folder => folder;

    public byte[]? TryRead(OciDescriptor descriptor)
    {
        try
        {
            string path = PathOf(descriptor.Digest);
            return new FileInfo(path) is { Exists: true } file && file.Length == descriptor.SizeBytes ? File.ReadAllBytes(path) : null;
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>Whether a blob is there; if so it stays for the time that a download takes.</summary>
    public bool HasForNow(OciDescriptor descriptor)
    {
        if (TryRead(descriptor) is not { } bytes || OciDigest.Of(bytes) != descriptor.Digest) return false;
        Touch(PathOf(descriptor.Digest));
        return true;
    }

    public string PathOf(OciDigest digest) => Path.Combine(_blobs, digest.Hex);

    /// <summary>Opens the file that a download of a blob is put into until it is whole: the next attempt goes on from there.</summary>
    public FileStream OpenPartial(OciDigest digest)
    {
        string path = PathOf(digest) + ".partial";
        try
        {
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException)
        {
            // Another process is at it: side by side costs traffic, waiting could cost much more.
            return new FileStream($"{path}.{Path.GetRandomFileName()}", FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None);
        }
    }

    /// <summary>Makes a download that was verified a blob of the store.</summary>
    public void Finish(FileStream partial, OciDigest digest)
    {
        string path = partial.Name;
        partial.Dispose();
        File.Move(path, PathOf(digest), overwrite: true);
    }

    public void Prepare()
    {
        foreach (string part in new[] { folder, _blobs, _refs })
        {
            if (!OperatingSystem.IsWindows()) Directory.CreateDirectory(part, OwnerOnly);
        }
    }

    public void Add(OciDigest digest, byte[] bytes) => WriteWhole(PathOf(digest), bytes);

    /// <summary>What a reference led to last, or null.</summary>
    public StoredBundle? Find(RegistryReference reference)
    {
        try
        {
            string path = RefPath(reference);
            return File.Exists(path) && File.ReadAllLines(path) is [var name, .. var rest] && name == reference.ToString() ? ParseRef(rest) : null;
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>Every reference's file, and what it led to; null when that cannot be read.</summary>
    public IEnumerable<(string Path, StoredBundle? Bundle)> All() =>
        Directory.EnumerateFiles(_refs).Select(path => (path, File.ReadAllLines(path) is [_, .. var rest] ? ParseRef(rest) : null));

    /// <summary>Files of blobs, and of downloads that are not whole yet.</summary>
    public IEnumerable<string> BlobFiles() => Directory.EnumerateFiles(_blobs);

    public void Remember(RegistryReference reference, StoredBundle bundle)
    {
        // What it led to before stays for as long as somebody who has just looked may take to read it.
        if (Find(reference) is { } before && before.Fingerprint != bundle.Fingerprint)
        {
            foreach (var digest in StoreCleaner.BlobsOf(this, before)) Touch(PathOf(digest));
        }

        string signatures = string.Concat(bundle.Signatures.Select(signed => $"{Text(signed)} {signed.Annotations[MediaTypes.RefName]}\n"));
        WriteWhole(RefPath(reference), Encoding.UTF8.GetBytes($"{reference}\n{Text(bundle.Root)}\n{signatures}"));
    }

    /// <summary>Says that a reference is in use.</summary>
    public void Use(RegistryReference reference) => Touch(RefPath(reference));

    /// <summary>The bundle that a reference led to.</summary>
    /// <exception cref="BundleException">Something of it is missing or damaged.</exception>
    public PluginBundle Open(RegistryReference reference, StoredBundle stored)
    {
        Use(reference);
        return PluginBundle.Of(reference.ToString(), stored.Root, this, [.. stored.Signatures.SelectMany(signed => SignatureManifest.Read(this, signed))]);
    }

    private static string Text(OciDescriptor descriptor) => $"{descriptor.MediaType} {descriptor.Digest} {descriptor.SizeBytes}";

    private static StoredBundle? ParseRef(string[] lines)
    {
        OciDescriptor?[] descriptors = [.. lines.Select(Parse)];
        return descriptors is [{ } root, .. var signatures] && !signatures.Contains(null) ? new StoredBundle(root, signatures!) : null;
    }

    private static OciDescriptor? Parse(string line)
    {
        if (line.Split(' ') is not [var mediaType, var text, var size, .. var tag] || !OciDigest.TryParse(text, out var digest)) return null;
        if (!long.TryParse(size, NumberStyles.None, CultureInfo.InvariantCulture, out long bytes)) return null;
        var descriptor = new OciDescriptor(mediaType, digest, bytes);
        return tag is [var name] ? descriptor with { Annotations = new Dictionary<string, string> { [MediaTypes.RefName] = name } } : descriptor;
    }

    // Another process may have deleted it, or own it: then it says when it is used itself.
    private static void Touch(string path)
    {
        try
        {
            File.SetLastWriteTimeUtc(path, DateTime.UtcNow);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
        }
    }

    private static void WriteWhole(string path, byte[] bytes)
    {
        string aside = $"{path}.{Path.GetRandomFileName()}";
        File.WriteAllBytes(aside, bytes);
        File.Move(aside, path, overwrite: true);
    }

    private string RefPath(RegistryReference reference) => Path.Combine(_refs, OciDigest.Of(Encoding.UTF8.GetBytes(reference.ToString())).Hex);
}
