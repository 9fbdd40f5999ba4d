// A whole bundle between a registry and this machine: manifests, the layers that a plugin is made of, signatures.

using Bimetal.Plugins.Bundles.Oci;
using Bimetal.Plugins.Bundles.Signing;

namespace Bimetal.Plugins.Bundles.Registry;

/// <summary>Pulls into the store, pushes from memory.</summary>
internal static class BundleTransfer
{
    /// <summary>What a reference leads to now; only its manifest is fetched, and signatures: of it and of the manifests in it.</summary>
    /// <exception cref="RegistryException">The registry refuses, or is away.</exception>
    /// <exception cref="BundleException">What it sent does not verify.</exception>
    public static async Task<StoredBundle> LookAsync(RegistryReference reference, RegistryClient client, BundleStore store, CancellationToken cancellation)
    {
        store.Prepare();
        var (root, bytes) = await client.GetManifestAsync(reference.TagOrDigest, cancellation);
        store.Add(root.Digest, bytes);
        var document = OciDocument.Parse(bytes, root.MediaType);
        var signatures = new List<OciDescriptor>();
        foreach (var signed in document.IsIndex ? document.Children.Prepend(root) : [root])
        {
            if (await SignaturesAsync(signed.Digest, client, store, cancellation) is { } found) signatures.Add(found);
        }

        return new StoredBundle(root, signatures);
    }

    /// <summary>Fetches what of a bundle is not in the store yet, and remembers where the reference led.</summary>
    /// <param name="progress">Gets a line when a layer begins, and bytes while it comes.</param>
    public static async Task<StoredBundle> PullAsync(RegistryReference reference, RegistryClient client, BundleStore store, TransferProgress? progress, CancellationToken cancellation)
    {
        var found = await LookAsync(reference, client, store, cancellation);
        var document = OciDocument.Parse(store.Read(found.Root, OciDocument.MaximumBytes), found.Root.MediaType);
        if (!document.IsIndex)
        {
            await FetchLayersAsync(document, client, store, progress, cancellation);
        }
        else
        {
            foreach (var child in document.Children)
            {
                if (!store.HasForNow(child)) store.Add(child.Digest, (await client.GetManifestAsync(child.Digest.ToString(), cancellation)).Bytes);
                await FetchLayersAsync(OciDocument.Parse(store.Read(child, OciDocument.MaximumBytes), child.MediaType), client, store, progress, cancellation);
            }
        }

        store.Remember(reference, found);
        new StoreCleaner(store).Clean(DateTime.UtcNow);
        return found;
    }

    /// <summary>Uploads a layout: blobs, manifests, the tag, signatures.</summary>
    /// <returns>The digest under the tag.</returns>
    public static async Task<OciDigest> PushAsync(BundleArchive archive, PluginBundle bundle, RegistryReference reference, RegistryClient client, TransferProgress? progress, CancellationToken cancellation)
    {
        var root = OciDocument.Parse(archive.Blobs.Read(bundle.Root, OciDocument.MaximumBytes), bundle.Root.MediaType);
        foreach (var child in root.IsIndex ? root.Children : [])
            await PushManifestAsync(archive.Blobs, child, child.Digest.ToString(), client, progress, cancellation);
        if (root.IsIndex) await client.PutManifestAsync(reference.Tag, bundle.Root.MediaType, archive.Blobs.Read(bundle.Root, OciDocument.MaximumBytes), cancellation);
        else await PushManifestAsync(archive.Blobs, bundle.Root, reference.Tag, client, progress, cancellation);
        foreach (var signatures in archive.Manifests.Where(SignatureManifest.IsOne))
            await PushManifestAsync(archive.Blobs, signatures, signatures.Annotations[MediaTypes.RefName], client, progress, cancellation);
        return bundle.Digest;
    }

    /// <summary>The layout of a stored bundle, as a file holds it.</summary>
    public static BundleArchive ToArchive(RegistryReference reference, StoredBundle stored, BundleStore store)
    {
        var blobs = new BlobSet();
        var root = Copy(store, blobs, stored.Root) with { Annotations = new Dictionary<string, string> { [MediaTypes.RefName] = reference.Tag.Length > 0 ? reference.Tag : "latest" } };
        var signatures = stored.Signatures.Select(signed => Copy(store, blobs, signed) with { Annotations = signed.Annotations });
        return new BundleArchive([root, .. signatures], blobs);
    }

    private static OciDescriptor Copy(BundleStore store, BlobSet blobs, OciDescriptor descriptor)
    {
        byte[] bytes = store.Read(descriptor, OciDocument.MaximumBytes);
        var document = OciDocument.Parse(bytes, descriptor.MediaType);
        foreach (var child in document.Children)
        {
            if (document.IsIndex) Copy(store, blobs, child);
            else if (store.TryRead(child) is not null) blobs.Add(child.MediaType, store.Read(child, PluginBundle.MaximumMachineCodeBytes));
        }

        if (document.Config is { } config) blobs.Add(config.MediaType, store.Read(config, OciDocument.MaximumBytes));
        return blobs.Add(descriptor.MediaType, bytes);
    }

    private static async Task<OciDescriptor?> SignaturesAsync(OciDigest signed, RegistryClient client, BundleStore store, CancellationToken cancellation)
    {
        string tag = SignatureManifest.TagOf(signed);
        try
        {
            var (manifest, bytes) = await client.GetManifestAsync(tag, cancellation);
            store.Add(manifest.Digest, bytes);
            await FetchLayersAsync(OciDocument.Parse(bytes, manifest.MediaType), client, store, null, cancellation);
            return manifest with { Annotations = new Dictionary<string, string> { [MediaTypes.RefName] = tag } };
        }
        catch (RegistryException exception) when (exception.IsAbsent)
        {
            return null;
        }
    }

    private static async Task FetchLayersAsync(OciDocument manifest, RegistryClient client, BundleStore store, TransferProgress? progress, CancellationToken cancellation)
    {
        foreach (var layer in manifest.Children.Where(layer => PluginBundle.IsKnownLayer(layer.MediaType)).Prepend(manifest.Config!))
        {
            if (store.HasForNow(layer)) continue;
            progress?.Begin(layer);
            await using var partial = store.OpenPartial(layer.Digest);
            await client.GetBlobAsync(layer, partial, PluginBundle.MaximumMachineCodeBytes, progress is null ? null : progress.Add, cancellation);
            store.Finish(partial, layer.Digest);
        }
    }

    private static async Task PushManifestAsync(BlobSet blobs, OciDescriptor descriptor, string tagOrDigest, RegistryClient client, TransferProgress? progress, CancellationToken cancellation)
    {
        byte[] bytes = blobs.Read(descriptor, OciDocument.MaximumBytes);
        var manifest = OciDocument.Parse(bytes, descriptor.MediaType);
        foreach (var layer in manifest.Children.Prepend(manifest.Config!))
        {
            progress?.Begin(layer);
            await client.PutBlobAsync(layer, blobs.Read(layer, PluginBundle.MaximumMachineCodeBytes), progress is null ? null : progress.Add, cancellation);
        }

        await client.PutManifestAsync(tagOrDigest, manifest.MediaType, bytes, cancellation);
    }
}

/// <summary>Lines about a transfer: each layer as it begins, and long ones every few MiB.</summary>
internal sealed class TransferProgress(IProgress<string> lines)
{
    private const long StepBytes = 8 << 20;

    private OciDescriptor? _layer;
    private long _done;
    private long _told;

    public void Begin(OciDescriptor layer)
    {
        (_layer, _done, _told) = (layer, 0, 0);
        lines.Report($"{layer.Digest.ToString()[..19]} {layer.SizeBytes:N0} bytes {layer.MediaType}");
    }

    public void Add(long bytes)
    {
        _done += bytes;
        if (_layer is null || _done - _told < StepBytes) return;
        _told = _done;
        lines.Report($"{_layer.Digest.ToString()[..19]} {_done:N0} of {_layer.SizeBytes:N0} bytes");
    }
}
