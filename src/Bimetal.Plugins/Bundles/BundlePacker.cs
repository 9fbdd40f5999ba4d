// From artefacts to a bundle file: of a plugin folder, or of nothing but a module (`build --from`).

using System.Text.RegularExpressions;
using Bimetal.Plugins.Bundles.Oci;
using Bimetal.Plugins.Bundles.Signing;

namespace Bimetal.Plugins.Bundles;

/// <summary>Packs and signs.</summary>
internal static partial class BundlePacker
{
    private const string UnknownVersion = "0.0.0";

    /// <summary>Packs what a run of <see cref="BuildMatrix"/> gave.</summary>
    /// <exception cref="PluginLoadException">The module is not among it.</exception>
    public static BundleArchive Pack(PluginFolder folder, IReadOnlyList<BuildOutcome> outcomes)
    {
        var artefacts = outcomes.Where(outcome => outcome.Result is not null).ToDictionary(outcome => outcome.Target, outcome => File.ReadAllBytes(outcome.Result!.Path));
        if (!artefacts.ContainsKey(BuildTarget.Wasm)) throw new PluginLoadException($"{folder.Path}: a bundle needs the module; add wasm to --targets");
        return BundleWriter.Make(folder.Manifest.Label, artefacts);
    }

    /// <summary>Wraps a module: a .wasm file, or that of another bundle, whose machine code is made anew. Signatures over the module's manifest stay true, and stay.</summary>
    /// <param name="targets">Those with <see cref="ArtefactKind.Code"/> are compiled.</param>
    public static async Task<BundleArchive> WrapAsync(string file, IReadOnlyList<BuildTarget> targets, CancellationToken cancellation)
    {
        byte[] module;
        IReadOnlyList<BundleSignature> signatures = [];
        var label = new BundleLabel(NameOf(file), UnknownVersion, "", null);
        if (file.EndsWith(BundleArchive.Extension, StringComparison.Ordinal))
        {
            var bundle = PluginBundle.OpenFile(file);
            (module, label) = (bundle.ReadModule(), bundle.Label with { Version = bundle.Label.Version.Length > 0 ? bundle.Label.Version : UnknownVersion });
            signatures = bundle.Signatures;
        }
        else
        {
            try
            {
                module = await File.ReadAllBytesAsync(file, cancellation);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                throw new PluginLoadException($"{file}: cannot be read: {exception.Message}", exception);
            }
        }

        var artefacts = new Dictionary<BuildTarget, byte[]> { [BuildTarget.Wasm] = module };
        foreach (var target in targets.Where(target => target.Kind == ArtefactKind.Code))
            artefacts[target] = await Task.Run(() => PrecompiledCode.Compile(file, module, target.Platform!.Value, cancellation), cancellation);
        return WithSignaturesOfModule(BundleWriter.Make(label, artefacts), file, signatures);
    }

    /// <summary>The layout with a signature of this key on its image; a signature that the same key made before is replaced.</summary>
    /// <param name="isRecursive">Signs each manifest of the image as well, so that what it is over can be taken out of it.</param>
    public static BundleArchive Sign(BundleArchive archive, string reference, string keyFile, bool isRecursive = false)
    {
        using var key = TrustKey.LoadPrivate(keyFile);
        var bundle = PluginBundle.Of(reference, archive);
        bundle.VerifyAllLayers();
        var own = new TrustKey(keyFile, key.ExportSubjectPublicKeyInfo());
        foreach (var digest in isRecursive ? bundle.ManifestDigests.Values.Prepend(bundle.Digest).Distinct() : [bundle.Digest])
        {
            var kept = bundle.Signatures.Where(signature => signature.Names(digest) && !signature.IsBy(own, digest));
            archive = archive.WithSignatures(digest, [.. kept, BundleSignature.Make(key, digest, bundle.Label.Name)]);
        }

        return archive;
    }

    /// <summary>Writes a file whole: a reader sees the old one or the new one.</summary>
    public static void Write(BundleArchive archive, string path)
    {
        string aside = $"{path}.{Path.GetRandomFileName()}";
        try
        {
            using (var file = File.Create(aside)) archive.Write(file);
            File.Move(aside, path, overwrite: true);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new PluginLoadException($"{path}: cannot be written: {exception.Message}", exception);
        }
        finally
        {
            File.Delete(aside);
        }
    }

    private static BundleArchive WithSignaturesOfModule(BundleArchive archive, string file, IReadOnlyList<BundleSignature> signatures)
    {
        var manifest = PluginBundle.Of(file, archive).ManifestDigests[BuildTarget.Wasm];
        BundleSignature[] kept = [.. signatures.Where(signature => signature.Names(manifest))];
        return kept.Length == 0 ? archive : archive.WithSignatures(manifest, kept);
    }

    private static string NameOf(string file)
    {
        string name = NotInNames().Replace(Path.GetFileNameWithoutExtension(file).ToLowerInvariant(), "-").Trim('-');
        return name.Length is > 0 and <= 64 ? name : "plugin";
    }

    [GeneratedRegex("[^a-z0-9]+", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex NotInNames();
}
