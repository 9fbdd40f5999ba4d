// Bundles from registries, on this disk: blobs by digest, and what each reference led to when it was asked last. Survives restarts, so that a gateway
// starts while its registry is away. Nothing in it is trusted: blobs are verified each time they are read.
//
//   blobs/HEX       content
//   refs/HEX        of the reference's text: "reference, root, signatures" one a line, a descriptor as "mediaType digest size"

using System.Globalization;
using System.Text;
using Bimetal.Plugins.Bundles.Oci;
using Bimetal.Plugins.Bundles.Signing;

namespace Bimetal.Plugins.Bundles.Registry;

/// <summary>What a reference led to.</summary>
/// <param name="Signatures">The manifest of its signatures; null without any.</param>
internal sealed record StoredBundle(OciDescriptor Root, OciDescriptor? Signatures)
{
    /// <summary>Changes when the bundle or its signatures do.</summary>
    public string Fingerprint => $"{Root.Digest} {Signatures?.Digest.ToString() ?? "unsigned"}";
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

    public bool Has(OciDescriptor descriptor) => TryRead(descriptor) is { } bytes && OciDigest.Of(bytes) == descriptor.Digest;

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
            if (!File.Exists(path) || File.ReadAllLines(path) is not [var name, var root, var signatures] || name != reference.ToString()) return null;
            var descriptor = Parse(root);
            return descriptor is null ? null : new StoredBundle(descriptor, Parse(signatures));
        }
        catch (IOException)
        {
            return null;
        }
    }

    public void Remember(RegistryReference reference, StoredBundle bundle) =>
        WriteWhole(RefPath(reference), Encoding.UTF8.GetBytes($"{reference}\n{Text(bundle.Root)}\n{Text(bundle.Signatures)}\n"));

    /// <summary>The bundle that a reference led to.</summary>
    /// <exception cref="BundleException">Something of it is missing or damaged.</exception>
    public PluginBundle Open(RegistryReference reference, StoredBundle stored) =>
        PluginBundle.Of(reference.ToString(), stored.Root, this, stored.Signatures is { } signatures ? SignatureManifest.Read(this, signatures) : []);

    private static string Text(OciDescriptor? descriptor) => descriptor is null ? "-" : $"{descriptor.MediaType} {descriptor.Digest} {descriptor.SizeBytes}";

    private static OciDescriptor? Parse(string line) =>
        line.Split(' ') is [var mediaType, var text, var size] && OciDigest.TryParse(text, out var digest) && long.TryParse(size, NumberStyles.None, CultureInfo.InvariantCulture, out long bytes)
            ? new OciDescriptor(mediaType, digest, bytes)
            : null;

    private static void WriteWhole(string path, byte[] bytes)
    {
        string aside = $"{path}.{Path.GetRandomFileName()}";
        File.WriteAllBytes(aside, bytes);
        File.Move(aside, path, overwrite: true);
    }

    private string RefPath(RegistryReference reference) => Path.Combine(_refs, OciDigest.Of(Encoding.UTF8.GetBytes(reference.ToString())).Hex);
}
