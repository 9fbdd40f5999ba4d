// Makes a bundle out of artefacts:
//
//   index ─┬─ wasm/wasip1         config application/vnd.wasm.config.v0+json   layer application/wasm
//          ├─ linux/amd64         layers: the .so for glibc, the module's code for x64
//          ├─ linux/amd64 (musl)  layers: the .so for musl,  the same code
//          └─ linux/arm64 …
//
// A platform without a native build has a manifest when there is code for its processor.

using System.Globalization;
using System.Text.Json;
using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Compiler;

namespace Bimetal.Plugins.Bundles.Oci;

/// <summary>What a bundle says of itself.</summary>
/// <param name="RootId">Which of the plugins that the module registers is meant; empty: it has one.</param>
public sealed record BundleLabel(string Name, string Version, string Description, TimeSpan? LatencyBudget, string RootId = "")
{
    private const string BudgetUnit = "us";

    /// <summary>The budget as an annotation says it; empty without one.</summary>
    internal string BudgetText => LatencyBudget is { } budget ? string.Create(CultureInfo.InvariantCulture, $"{budget.TotalMicroseconds}{BudgetUnit}") : "";

    /// <summary>A budget from an annotation; null for none, and for what is none.</summary>
    internal static TimeSpan? ParseBudget(string text)
    {
        if (!text.EndsWith(BudgetUnit, StringComparison.Ordinal)) return null;
        bool isNumber = double.TryParse(text.AsSpan(0, text.Length - BudgetUnit.Length), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double us);
        return isNumber && us > 0 && us < TimeSpan.FromDays(1).TotalMicroseconds ? TimeSpan.FromMicroseconds(us) : null;
    }
}

/// <summary>Writes bundles. The same artefacts give the same bytes.</summary>
internal static class BundleWriter
{
    /// <summary>Makes a bundle in memory.</summary>
    /// <param name="artefacts">The module, and whatever else there is.</param>
    public static BundleArchive Make(BundleLabel label, IReadOnlyDictionary<BuildTarget, byte[]> artefacts)
    {
        var blobs = new BlobSet();
        byte[] module = artefacts[BuildTarget.Wasm];
        var manifests = new List<OciDescriptor> { ModuleManifest(blobs, module) };
        foreach (var target in BuildTarget.All.Where(target => target.Kind == ArtefactKind.Native))
        {
            var code = target.Platform == TargetPlatform.LinuxX64 ? BuildTarget.CodeX64 : BuildTarget.CodeArm64;
            bool isNeeded = artefacts.ContainsKey(target) || (!target.IsMusl && artefacts.ContainsKey(code));
            if (isNeeded) manifests.Add(PlatformManifest(blobs, target, artefacts.GetValueOrDefault(target), artefacts.GetValueOrDefault(code), module));
        }

        var root = blobs.Add(MediaTypes.Index, new OciDocument(MediaTypes.Index, manifests, null, AnnotationsOf(label)).Write());
        return new BundleArchive([root with { Annotations = new Dictionary<string, string> { [MediaTypes.RefName] = label.Version } }], blobs);
    }

    private static OciDescriptor ModuleManifest(BlobSet blobs, byte[] module)
    {
        var layer = blobs.Add(MediaTypes.WasmLayer, module);
        var config = blobs.Add(MediaTypes.WasmConfig, Json(writer =>
        {
            writer.WriteString("created", "1970-01-01T00:00:00Z");
            writer.WriteString("architecture", "wasm");
            writer.WriteString("os", "wasip1");
            writer.WriteStartArray("layerDigests");
            writer.WriteStringValue(layer.Digest.ToString());
            writer.WriteEndArray();
        }));
        return Manifest(blobs, config, [layer], new Dictionary<string, string>()) with { Os = "wasip1", Architecture = "wasm" };
    }

    private static OciDescriptor PlatformManifest(BlobSet blobs, BuildTarget target, byte[]? native, byte[]? code, byte[] module)
    {
        var layers = new List<OciDescriptor>();
        if (native is not null) layers.Add(blobs.Add(MediaTypes.NativeLayer, native));
        if (code is not null)
        {
            layers.Add(blobs.Add(MediaTypes.CodeLayer, code) with
            {
                Annotations = new Dictionary<string, string>
                {
                    [MediaTypes.CodeModule] = OciDigest.Of(module).ToString(),
                    [MediaTypes.CodeAbi] = AbiVersion.Current.ToString(),
                    [MediaTypes.CodeOptions] = PrecompiledCode.Options(target.Platform!.Value).Describe(),
                },
            });
        }

        string architecture = PlatformNames.ArchitectureOf(target);
        var config = blobs.Add(MediaTypes.ImageConfig, Json(writer =>
        {
            writer.WriteString("architecture", architecture);
            writer.WriteString("os", "linux");
            writer.WriteStartObject("config");
            writer.WriteEndObject();
            writer.WriteStartObject("rootfs");
            writer.WriteString("type", "layers");
            writer.WriteStartArray("diff_ids");
            foreach (var layer in layers) writer.WriteStringValue(layer.Digest.ToString());
            writer.WriteEndArray();
            writer.WriteEndObject();
        }));
        var annotations = new Dictionary<string, string> { [MediaTypes.Libc] = target.IsMusl ? "musl" : "glibc" };
        return Manifest(blobs, config, layers, annotations) with { Os = "linux", Architecture = architecture, Annotations = annotations };
    }

    private static OciDescriptor Manifest(BlobSet blobs, OciDescriptor config, IReadOnlyList<OciDescriptor> layers, Dictionary<string, string> annotations) =>
        blobs.Add(MediaTypes.Manifest, new OciDocument(MediaTypes.Manifest, layers, config, annotations).Write());

    private static Dictionary<string, string> AnnotationsOf(BundleLabel label)
    {
        var annotations = new Dictionary<string, string> { [MediaTypes.Title] = label.Name, [MediaTypes.Version] = label.Version };
        if (label.Description.Length > 0) annotations[MediaTypes.Description] = label.Description;
        if (label.BudgetText.Length > 0) annotations[MediaTypes.LatencyBudget] = label.BudgetText;
        if (label.RootId.Length > 0) annotations[MediaTypes.RootId] = label.RootId;
        return annotations;
    }

    private static byte[] Json(Action<Utf8JsonWriter> write)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, OciDocument.JsonOptions))
        {
            writer.WriteStartObject();
            write(writer);
            writer.WriteEndObject();
        }

        return stream.ToArray();
    }
}
