// A bundle as it is read: its manifests are parsed and verified at once, its layers when they are asked for. Also takes the wasm images that users
// of Istio, Envoy Gateway and Higress have: a single manifest with the module as a layer, or in a compressed tar.

using System.Diagnostics.CodeAnalysis;
using System.Formats.Tar;
using System.IO.Compression;
using Bimetal.Plugins.Bundles.Signing;

namespace Bimetal.Plugins.Bundles.Oci;

/// <summary>One bundle. Immutable; every byte that it gives was verified against <see cref="Digest"/>.</summary>
internal sealed class PluginBundle
{
    /// <summary>Largest layer of each kind.</summary>
    public const long MaximumModuleBytes = 128L << 20;

    public const long MaximumMachineCodeBytes = 256L << 20;

    private const string ModuleInTar = "plugin.wasm";

    private readonly IBlobSource _blobs;
    private readonly OciDescriptor? _module;
    private readonly Dictionary<BuildTarget, OciDescriptor> _layers;

    private PluginBundle(string reference, OciDescriptor root, IBlobSource blobs, OciDescriptor? module, Dictionary<BuildTarget, OciDescriptor> layers, BundleLabel label)
    {
        Reference = reference;
        Root = root;
        _blobs = blobs;
        _module = module;
        _layers = layers;
        Label = label;
    }

    /// <summary>The file or reference, for messages.</summary>
    public string Reference { get; }

    /// <summary>The index, or the only manifest.</summary>
    public OciDescriptor Root { get; }

    /// <summary>What signatures are over.</summary>
    public OciDigest Digest => Root.Digest;

    public BundleLabel Label { get; }

    /// <summary>Signatures that came with it; nobody has checked them.</summary>
    public IReadOnlyList<BundleSignature> Signatures { get; init; } = [];

    /// <summary>What it holds beside the module.</summary>
    public IEnumerable<BuildTarget> Targets => BuildTarget.All.Where(_layers.ContainsKey);

    /// <summary>Reads a bundle file.</summary>
    /// <exception cref="PluginLoadException">Names the file, what is wrong, and the remedy.</exception>
    public static PluginBundle OpenFile(string path)
    {
        try
        {
            using var file = File.OpenRead(path);
            return Of(path, BundleArchive.Read(file));
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
        return Of(reference, images[0], archive.Blobs, SignatureManifest.ReadAll(archive, images[0].Digest));
    }

    /// <summary>Reads what a root descriptor leads to.</summary>
    /// <exception cref="BundleException">It is no bundle.</exception>
    public static PluginBundle Of(string reference, OciDescriptor root, IBlobSource blobs, IReadOnlyList<BundleSignature> signatures)
    {
        var document = OciDocument.Parse(blobs.Read(root, OciDocument.MaximumBytes), root.MediaType);
        var layers = new Dictionary<BuildTarget, OciDescriptor>();
        OciDescriptor? module = null;
        var unknown = new List<string>();
        foreach (var child in document.IsIndex ? document.Children : [root])
        {
            var manifest = document.IsIndex ? OciDocument.Parse(blobs.Read(child, OciDocument.MaximumBytes), child.MediaType) : document;
            if (manifest.IsIndex) throw new BundleException("its index holds another index");
            AddLayers(child, manifest, ref module, layers, unknown);
        }

        if (module is null && layers.Count == 0)
        {
            string found = unknown.Count == 0 ? "no layers" : $"layers of the media type {string.Join(", ", unknown.Distinct())}";
            throw new BundleException($"it has {found}; a plugin is one of {MediaTypes.WasmLayer}, {MediaTypes.OldWasmLayer} or a tar with {ModuleInTar}");
        }

        return new PluginBundle(reference, root, blobs, module, layers, LabelOf(reference, document)) { Signatures = signatures };
    }

    /// <summary>The bytes of the module.</summary>
    /// <exception cref="PluginLoadException">There is none, or it does not verify.</exception>
    public byte[] ReadModule()
    {
        if (_module is null) throw new PluginLoadException($"{Reference}: has no wasm module; it has: {string.Join(", ", Targets)}");
        byte[] layer = Read(_module, MaximumModuleBytes);
        return _module.MediaType is MediaTypes.WasmLayer or MediaTypes.OldWasmLayer ? layer : FromTar(layer);
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

    /// <summary>Reads every layer, so that what is wrong with any of them shows now.</summary>
    public void VerifyAllLayers()
    {
        if (_module is not null) Read(_module, MaximumModuleBytes);
        foreach (var layer in _layers.Values) Read(layer, MaximumMachineCodeBytes);
    }

    private static void AddLayers(
        OciDescriptor descriptor, OciDocument manifest, ref OciDescriptor? module, Dictionary<BuildTarget, OciDescriptor> layers, List<string> unknown)
    {
        var target = PlatformNames.TargetOf(descriptor);
        foreach (var layer in manifest.Children)
        {
            switch (layer.MediaType)
            {
                case MediaTypes.WasmLayer or MediaTypes.OldWasmLayer:
                case MediaTypes.TarGzipLayer or MediaTypes.DockerTarGzipLayer or MediaTypes.TarLayer:
                    module ??= layer;
                    break;
                case MediaTypes.NativeLayer when target is not null:
                    layers.TryAdd(target, layer);
                    break;
                case MediaTypes.CodeLayer when target is not null:
                    layers.TryAdd(PlatformNames.ArchitectureOf(target) == "arm64" ? BuildTarget.CodeArm64 : BuildTarget.CodeX64, layer);
                    break;
                default:
                    unknown.Add(layer.MediaType);
                    break;
            }
        }
    }

    private static BundleLabel LabelOf(string reference, OciDocument document)
    {
        string Annotation(string name) => document.Annotations.GetValueOrDefault(name, "");
        string title = Annotation(MediaTypes.Title);
        string name = title.Length > 0 ? title : Path.GetFileNameWithoutExtension(reference);
        return new BundleLabel(name, Annotation(MediaTypes.Version), Annotation(MediaTypes.Description), LatencyBudget: null, Annotation(MediaTypes.RootId));
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

    private byte[] FromTar(byte[] layer)
    {
        try
        {
            using var bytes = new MemoryStream(layer);
            using Stream stream = _module!.MediaType == MediaTypes.TarLayer ? bytes : new GZipStream(bytes, CompressionMode.Decompress);
            using var tar = new TarReader(stream);
            while (tar.GetNextEntry() is { } entry)
            {
                string name = entry.Name.StartsWith("./", StringComparison.Ordinal) ? entry.Name[2..] : entry.Name;
                if (name != ModuleInTar || entry.DataStream is null) continue;
                if (entry.Length > MaximumModuleBytes) throw new PluginLoadException($"{Reference}: {ModuleInTar} has {entry.Length} bytes, {MaximumModuleBytes} are the most");
                byte[] module = new byte[entry.Length];
                entry.DataStream.ReadExactly(module);
                return module;
            }
        }
        catch (Exception exception) when (exception is InvalidDataException or FormatException or EndOfStreamException or ArgumentException)
        {
            throw new PluginLoadException($"{Reference}: its layer is not a whole tar: {exception.Message}", exception);
        }

        throw new PluginLoadException($"{Reference}: its layer has no file {ModuleInTar}, so it is not a wasm plugin's image");
    }
}
