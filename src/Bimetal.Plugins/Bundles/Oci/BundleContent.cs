// What the manifests of a bundle hold, while they are looked through: which layer is the module, which are machine code, and for what.

namespace Bimetal.Plugins.Bundles.Oci;

/// <summary>Collects layers; the first manifest that has one for a target counts.</summary>
internal sealed class BundleContent
{
    private readonly List<string> _unknown = [];

    /// <summary>The module, or the tar that it is in.</summary>
    public OciDescriptor? Module { get; private set; }

    public Dictionary<BuildTarget, OciDescriptor> Layers { get; } = [];

    public List<OciDescriptor> Configs { get; } = [];

    /// <summary>Digest of the manifest that an artefact was taken from.</summary>
    public Dictionary<BuildTarget, OciDigest> Manifests { get; } = [];

    /// <summary>Why it is no plugin, or null.</summary>
    public string? Problem
    {
        get
        {
            if (Module is not null || Layers.Count > 0) return null;
            string found = _unknown.Count == 0 ? "no layers" : $"layers of the media type {string.Join(", ", _unknown.Distinct())}";
            return $"it has {found}; a plugin is one of {MediaTypes.WasmLayer}, {MediaTypes.OldWasmLayer} or a tar with {ModuleTar.FileName}";
        }
    }

    /// <param name="descriptor">The manifest's, which says what platform it is for.</param>
    public void Add(OciDescriptor descriptor, OciDocument manifest)
    {
        Configs.Add(manifest.Config!);
        var target = PlatformNames.TargetOf(descriptor);
        OciDescriptor? module = null, tar = null;
        foreach (var layer in manifest.Children)
        {
            switch (layer.MediaType)
            {
                case MediaTypes.WasmLayer or MediaTypes.OldWasmLayer:
                    module ??= layer;
                    break;
                case MediaTypes.TarGzipLayer or MediaTypes.DockerTarGzipLayer or MediaTypes.TarLayer:
                    // Istio and Higress: the plugin is in the last layer; those before it hold documents.
                    tar = layer;
                    break;
                case MediaTypes.NativeLayer when target is not null:
                    AddLayer(target, layer, descriptor);
                    break;
                case MediaTypes.CodeLayer when target is not null:
                    AddLayer(PlatformNames.ArchitectureOf(target) == "arm64" ? BuildTarget.CodeArm64 : BuildTarget.CodeX64, layer, descriptor);
                    break;
                default:
                    _unknown.Add(layer.MediaType);
                    break;
            }
        }

        if (Module is not null || (module ?? tar) is not { } found) return;
        Module = found;
        Manifests[BuildTarget.Wasm] = descriptor.Digest;
    }

    private void AddLayer(BuildTarget target, OciDescriptor layer, OciDescriptor manifest)
    {
        if (Layers.TryAdd(target, layer)) Manifests[target] = manifest.Digest;
    }
}
