// Keeps the store bounded: what the references in use lead to, and little else. Runs after each pull. Processes that share the store may be in the
// middle of something, so nothing is deleted that was written or looked at a moment ago.

using Bimetal.Plugins.Bundles.Oci;

namespace Bimetal.Plugins.Bundles.Registry;

internal sealed class StoreCleaner(BundleStore store)
{
    /// <summary>A reference that nobody has loaded, pulled or polled for so long is forgotten.</summary>
    public static readonly TimeSpan ReferenceLife = TimeSpan.FromDays(90);

    /// <summary>A download that broke off is gone on with for so long.</summary>
    public static readonly TimeSpan PartialLife = TimeSpan.FromDays(1);

    /// <summary>A blob that no reference leads to any more stays for so long: somebody may be about to read it, or to refer to it.</summary>
    public static readonly TimeSpan BlobLife = TimeSpan.FromHours(1);

    /// <summary>Deletes what is not needed any more. What cannot be deleted stays.</summary>
    public void Clean(DateTime nowUtc)
    {
        try
        {
            var needed = new HashSet<string>();
            foreach (var (path, bundle) in store.All().ToList())
            {
                if (IsOlder(path, ReferenceLife, nowUtc)) File.Delete(path);
                else if (bundle is not null) needed.UnionWith(BlobsOf(store, bundle).Select(digest => digest.Hex));
            }

            foreach (string path in store.BlobFiles().ToList())
            {
                string name = Path.GetFileName(path);
                bool isStale = OciDigest.IsHex(name) ? !needed.Contains(name) && IsOlder(path, BlobLife, nowUtc) : IsOlder(path, PartialLife, nowUtc);
                if (isStale) File.Delete(path);
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Another process is at it, or owns it; the next pull cleans again.
        }
    }

    /// <summary>Everything that a bundle consists of, as far as its manifests can be read.</summary>
    public static IEnumerable<OciDigest> BlobsOf(BundleStore store, StoredBundle bundle) => bundle.Signatures.Prepend(bundle.Root).SelectMany(root => BlobsOf(store, root));

    private static IEnumerable<OciDigest> BlobsOf(BundleStore store, OciDescriptor manifest)
    {
        OciDocument document;
        try
        {
            document = OciDocument.Parse(store.Read(manifest, OciDocument.MaximumBytes), manifest.MediaType);
        }
        catch (BundleException)
        {
            return [manifest.Digest];
        }

        var below = document.IsIndex ? document.Children.Where(child => MediaTypes.IsManifest(child.MediaType)).SelectMany(child => BlobsOf(store, child)) : document.Children.Prepend(document.Config!).Select(layer => layer.Digest);
        return [manifest.Digest, .. below];
    }

    private static bool IsOlder(string path, TimeSpan life, DateTime nowUtc) => nowUtc - File.GetLastWriteTimeUtc(path) > life;
}
