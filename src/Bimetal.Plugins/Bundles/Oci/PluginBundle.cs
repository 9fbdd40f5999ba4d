// A bundle as it is read: its manifests are parsed and verified at once, its layers when they are asked for. Also takes the wasm images that users
// of Istio, Envoy Gateway and Higress have: a single manifest with the module as a layer, or in a compressed tar.

using System.Diagnostics.CodeAnalysis;
using Bimetal.Plugins.Bundles.Signing;

namespace Bimetal.Plugins.Bundles.Oci;

/// <summary>One bundle. Immutable; every byte that it gives was verified against <see cref="Digest"/>.</summary>
internal sealed class PluginBundle
{
    /// <summary>Largest layer of each kind.</summary>
    public const long MaximumModuleBytes = 128L << 20;

    public const long MaximumMachineCodeBytes = 256L << 20;

    private readonly IBlobSource _blobs;
    private readonly OciDescriptor? _module;
    private readonly Dictionary<BuildTarget, OciDescriptor> _layers;
    private readonly List<OciDescriptor> _configs;
    private readonly Dictionary<BuildTarget, OciDigest> _manifests;

    private PluginBundle(string reference, OciDescriptor root, IBlobSource blobs, BundleContent content, BundleLabel label)
    {
        Reference = reference;
        Root = root;
        _blobs = blobs;
        (_module, _layers, _configs, _manifests) = (content.Module, content.Layers, content.Configs, content.Manifests);
        Label = label;
    }

    /// <summary>The file or reference, for messages.</summary>
    public string Reference { get; }

    /// <summary>The index, or the only manifest.</summary>
    public OciDescriptor Root { get; }

    /// <summary>What signatures of the whole are over.</summary>
    public OciDigest Digest => Root.Digest;

    /// <summary>The manifests that its artefacts are in; a signature over one of them vouches for that artefact alone.</summary>
    public IReadOnlyDictionary<BuildTarget, OciDigest> ManifestDigests => _manifests;

    public BundleLabel Label { get; }

    /// <summary>Signatures that came with it, of the whole and of single manifests; nobody has checked them.</summary>
    public IReadOnlyList<BundleSignature> Signatures { get; init; } = [];

    /// <summary>Whether some signature is over a manifest alone.</summary>
    public bool IsSignedInParts => Signatures.Any(signature => !signature.Names(Digest));

    /// <summary>Whether a key signed the whole or, if only <paramref name="target"/> is asked for, the manifest of that.</summary>
    public bool IsSignedBy(TrustKey key, BuildTarget? target = null) =>
        Signatures.Any(signature => signature.IsBy(key, Digest) || (target is not null && _manifests.TryGetValue(target, out var manifest) && signature.IsBy(key, manifest)));

    /// <summary>What it holds beside the module.</summary>
    public IEnumerable<BuildTarget> Targets => BuildTarget.All.Where(_layers.ContainsKey);

    /// <summary>Reads a bundle file.</summary>
    /// <exception cref="PluginLoadException">Names the file, what is wrong, and the remedy.</exception>
    public static PluginBundle OpenFile(string path) => OpenLayout(path).Bundle;

    /// <summary>Reads a bundle file, with the layout that it is.</summary>
    /// <inheritdoc cref="OpenFile"/>
    public static (BundleArchive Archive, PluginBundle Bundle) OpenLayout(string path)
    {
        try
        {
            using var file = File.OpenRead(path);
            var archive = BundleArchive.Read(file);
            return (archive, Of(path, archive));
        }
        catch (BundleException exception)
        {
            throw new PluginLoadException($"{path}: {exception.Message}; fetch or build the bundle again", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new PluginLoadException($"{path}: cannot be read: {exception.Message}", exception);
        }
    }

    /// <summary>Reads a layout.</summary>
    /// <exception cref="BundleException">It is no bundle.</exception>
    public static PluginBundle Of(string reference, BundleArchive archive)
    {
        var images = archive.Manifests.Where(manifest => !SignatureManifest.IsOne(manifest)).ToList();
        if (images.Count != 1) throw new BundleException($"its index.json has {images.Count} images, and a bundle is one");
        return Of(reference, images[0], archive.Blobs, SignatureManifest.ReadAll(archive));
    }

    /// <summary>Reads what a root descriptor leads to.</summary>
    /// <exception cref="BundleException">It is no bundle.</exception>
    public static PluginBundle Of(string reference, OciDescriptor root, IBlobSource blobs, IReadOnlyList<BundleSignature> signatures)
    {
        var document = OciDocument.Parse(blobs.Read(root, OciDocument.MaximumBytes), root.MediaType);
        var content = new BundleContent();
        foreach (var child in document.IsIndex ? document.Children : [root])
        {
            var manifest = document.IsIndex ? OciDocument.Parse(blobs.Read(child, OciDocument.MaximumBytes), child.MediaType) : document;
            if (manifest.IsIndex) throw new BundleException("its index holds another index");
            content.Add(child, manifest);
        }

        if (content.Problem is { } problem) throw new BundleException(problem);
        return new PluginBundle(reference, root, blobs, content, LabelOf(reference, document)) { Signatures = signatures };
    }

    /// <summary>The bytes of the module.</summary>
    /// <exception cref="PluginLoadException">There is none, or it does not verify.</exception>
    public byte[] ReadModule()
    {
        if (_module is null) throw new PluginLoadException($"{Reference}: has no wasm module; it has: {string.Join(", ", Targets)}");
        byte[] layer = Read(_module, MaximumModuleBytes);
        return _module.MediaType is MediaTypes.WasmLayer or MediaTypes.OldWasmLayer ? layer : ModuleTar.Read(Reference, layer, _module.MediaType != MediaTypes.TarLayer);
    }

    /// <summary>The bytes of another artefact; false when the bundle has none for that target.</summary>
    /// <exception cref="PluginLoadException">It does not verify.</exception>
    public bool TryRead(BuildTarget target, [NotNullWhen(true)] out byte[]? bytes, out IReadOnlyDictionary<string, string> annotations)
    {
        bool isThere = _layers.TryGetValue(target, out var layer);
        annotations = layer?.Annotations ?? new Dictionary<string, string>();
        bytes = isThere ? Read(layer!, MaximumMachineCodeBytes) : null;
        return isThere;
    }

    /// <summary>Whether a layer of this media type is something that a plugin is made of.</summary>
    public static bool IsKnownLayer(string mediaType) => mediaType is MediaTypes.WasmLayer or MediaTypes.OldWasmLayer or MediaTypes.TarGzipLayer or MediaTypes.DockerTarGzipLayer
        or MediaTypes.TarLayer or MediaTypes.NativeLayer or MediaTypes.CodeLayer or MediaTypes.SimpleSigning;

    /// <summary>Reads every layer and every config, so that what is wrong with any of them shows now.</summary>
    public void VerifyAllLayers()
    {
        foreach (var config in _configs) Read(config, OciDocument.MaximumBytes);
        if (_module is not null) Read(_module, MaximumModuleBytes);
        foreach (var layer in _layers.Values) Read(layer, MaximumMachineCodeBytes);
    }

    private static BundleLabel LabelOf(string reference, OciDocument document)
    {
        string Annotation(string name) => document.Annotations.GetValueOrDefault(name, "");
        string title = Annotation(MediaTypes.Title);
        string name = title.Length > 0 ? title : Path.GetFileNameWithoutExtension(reference);
        return new BundleLabel(name, Annotation(MediaTypes.Version), Annotation(MediaTypes.Description), BundleLabel.ParseBudget(Annotation(MediaTypes.LatencyBudget)), Annotation(MediaTypes.RootId));
    }

    private byte[] Read(OciDescriptor layer, long maximumBytes)
    {
        try
        {
            return _blobs.Read(layer, maximumBytes);
        }
        catch (BundleException exception)
        {
            throw new PluginLoadException($"{Reference}: {exception.Message}; fetch or build the bundle again", exception);
        }
    }
}
