// What of a bundle may run here. The order matters: signatures are judged, and every layer is verified against the signed digest, before the first
// byte of machine code is looked at, let alone mapped.

using Bimetal.Plugins.Bundles.Oci;
using Bimetal.Plugins.Bundles.Signing;
using Bimetal.Wasm.Abi;

namespace Bimetal.Plugins.Bundles;

/// <summary>Chooses the artefact of a bundle.</summary>
internal static class BundleSource
{
    /// <summary>The bytes that run on a metal.</summary>
    /// <exception cref="PluginLoadException">The bundle is not trusted for that, lacks it, or is damaged.</exception>
    public static PluginSource Choose(PluginBundle bundle, PluginConfig config, Metal metal, PluginHostServices services)
    {
        SignatureVerdict Verdict(BuildTarget target) => config.Signatures.Judge(bundle, target, services.Time.GetUtcNow());
        var verdict = Verdict(BuildTarget.Of(metal));
        if (config.Signatures.IsRequired && !verdict.IsPublished)
            throw new PluginLoadException($"{bundle.Reference}: signatures.require is true, and {verdict.Reason}; sign it with: bimetal sign BUNDLE --key KEY");
        bundle.VerifyAllLayers();
        if (metal == Metal.Native) return Native(bundle, verdict.IsBuilt, verdict.Reason);
        byte[] module = bundle.ReadModule();
        return new PluginSource(bundle.Reference, module) { Code = Code(bundle, module, Verdict(BuildTarget.CodeHere).IsBuilt, config.Name, services) };
    }

    private static PluginSource Native(PluginBundle bundle, bool isBuilt, string reason)
    {
        if (!isBuilt)
        {
            throw new PluginLoadException(
                $"{bundle.Reference}: machine code is loaded only under the signature of a key in signatures.builders, and {reason}; build it yourself and sign it, or set metal: wasm");
        }

        if (bundle.TryRead(BuildTarget.NativeHere, out byte[]? native, out _)) return new PluginSource(bundle.Reference, native);
        throw new PluginLoadException(
            $"{bundle.Reference}: has no native build for {BuildTarget.NativeHere}; it has: {string.Join(", ", bundle.Targets.Prepend(BuildTarget.Wasm))}; build it with --targets {BuildTarget.NativeHere}, or set metal: wasm");
    }

    /// <summary>Precompiled code when it may be loaded and fits; otherwise nothing, and the module is compiled here.</summary>
    private static byte[] Code(PluginBundle bundle, byte[] module, bool isBuilt, string plugin, PluginHostServices services)
    {
        if (!isBuilt || !bundle.TryRead(BuildTarget.CodeHere, out byte[]? code, out var annotations)) return [];
        string? misfit = null;
        if (annotations.GetValueOrDefault(MediaTypes.CodeModule) != OciDigest.Of(module).ToString()) misfit = "it is of another module";
        else if (annotations.GetValueOrDefault(MediaTypes.CodeAbi) != AbiVersion.Current.ToString()) misfit = "it is for another version of Bimetal";
        else if (annotations.GetValueOrDefault(MediaTypes.CodeOptions) != services.Engine.CompileOptions.Describe()) misfit = "it was compiled with other options";
        if (misfit is null) return code;
        services.Report(PluginLogLevel.Info, plugin, $"the bundle's machine code is not used, because {misfit}; the module is compiled here");
        return [];
    }
}
