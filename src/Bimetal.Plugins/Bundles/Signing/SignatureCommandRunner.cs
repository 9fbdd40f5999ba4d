// `bimetal sign BUNDLE` and `bimetal verify BUNDLE`: everything but the command line itself.

using Bimetal.Plugins.Bundles.Oci;
using Bimetal.Wasm.Engine;

namespace Bimetal.Plugins.Bundles.Signing;

/// <summary>Signs bundle files, and says who signed them.</summary>
public static class SignatureCommandRunner
{
    /// <summary>Adds a signature to a bundle file.</summary>
    /// <returns>0; 1 when the file is no sound bundle, or the key no private one.</returns>
    /// <param name="isRecursive">Each manifest of the bundle is signed as well.</param>
    public static int Sign(string path, string keyFile, bool isRecursive, TextWriter output, TextWriter error) => Guard(path, error, () =>
    {
        var archive = PluginBundle.OpenLayout(path).Archive;
        var signed = BundlePacker.Sign(archive, path, keyFile, isRecursive);
        BundlePacker.Write(signed, path);
        using var key = TrustKey.LoadPrivate(keyFile);
        output.WriteLine($"{path}: {PluginBundle.Of(path, signed).Digest} signed with {keyFile} ({new TrustKey(keyFile, key.ExportSubjectPublicKeyInfo()).Fingerprint})");
        return ExitCodes.Success;
    });

    /// <summary>Checks every byte of a bundle file, and that one of the keys signed it.</summary>
    /// <returns>0; 1 when it is damaged or none of the keys signed it.</returns>
    public static int Verify(string path, IReadOnlyList<string> keyFiles, TextWriter output, TextWriter error) => Guard(path, error, () =>
    {
        TrustKey[] keys = [.. keyFiles.Select(TrustKey.Load)];
        var bundle = PluginBundle.OpenFile(path);
        bundle.VerifyAllLayers();
        output.WriteLine($"{path}: {bundle.Label.Name} {bundle.Label.Version} {bundle.Digest}");
        output.WriteLine($"{path}: holds {string.Join(", ", bundle.Targets.Prepend(BuildTarget.Wasm))}; every digest is right");
        foreach (var key in keys.Where(key => PartsBy(key, bundle).Length > 0)) output.WriteLine($"{path}: signed by {key.Name} ({key.Fingerprint}): {PartsBy(key, bundle)}");
        var verdict = new SignaturePolicy { Builders = keys }.JudgeWhole(bundle, DateTimeOffset.UtcNow);
        if (verdict.IsBuilt) return ExitCodes.Success;
        error.WriteLine($"{path}: not verified: {verdict.Reason}; sign it with: bimetal sign {path} --key KEY");
        return ExitCodes.Failure;
    });

    /// <summary>What of a bundle a key signed.</summary>
    private static string PartsBy(TrustKey key, PluginBundle bundle) =>
        bundle.IsSignedBy(key) ? "everything" : string.Join(", ", bundle.Targets.Prepend(BuildTarget.Wasm).Where(target => bundle.IsSignedBy(key, target)));

    private static int Guard(string path, TextWriter error, Func<int> work)
    {
        try
        {
            return work();
        }
        catch (BundleException exception)
        {
            error.WriteLine($"{path}: {exception.Message}; fetch or build the bundle again");
        }
        catch (PluginLoadException exception)
        {
            error.WriteLine(exception.Message);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            error.WriteLine($"{path}: cannot be read: {exception.Message}");
        }

        return ExitCodes.Failure;
    }
}
