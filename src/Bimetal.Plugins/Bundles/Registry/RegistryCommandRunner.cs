// `bimetal push BUNDLE REF` and `bimetal pull REF`: everything but the command line itself.

using Bimetal.Plugins.Bundles.Oci;
using Bimetal.Wasm.Compiler.Cache;
using Bimetal.Wasm.Engine;

namespace Bimetal.Plugins.Bundles.Registry;

/// <summary>Files that say how a registry is spoken to.</summary>
/// <param name="Auth">Logins; null: the usual places.</param>
/// <param name="Ca">PEM certificates of the registry's authority; null: the system's count.</param>
public sealed record RegistryFiles(string? Auth = null, string? Ca = null);

/// <summary>Moves bundle files to and from registries.</summary>
public static class RegistryCommandRunner
{
    /// <summary>Uploads a bundle file with its signatures.</summary>
    /// <returns>0; 1 when the file is no sound bundle or the registry refuses; 2 for a reference that is none.</returns>
    public static Task<int> PushAsync(string path, string reference, RegistryFiles files, TextWriter output, TextWriter error, CancellationToken cancellation) =>
        GuardAsync(reference, error, async target =>
        {
            if (target.Tag.Length == 0 || target.Digest is not null)
            {
                await error.WriteLineAsync($"{reference}: a push goes to a tag, without a digest");
                return ExitCodes.WrongUsage;
            }

            var (archive, bundle) = PluginBundle.OpenLayout(path);
            bundle.VerifyAllLayers();
            using var client = new RegistryClient(target, RegistryAccess.Find(target.Host, files.Auth, files.Ca));
            var digest = await BundleTransfer.PushAsync(archive, bundle, target, client, new TransferProgress(new LineProgress(error)), cancellation);
            await output.WriteLineAsync($"{target with { Digest = digest }}");
            return ExitCodes.Success;
        });

    /// <summary>Downloads a bundle, or a wasm image of somebody else's, into a bundle file.</summary>
    /// <param name="outputPath">Null: the repository's last name, in the working folder.</param>
    /// <returns>0; 1 when the registry refuses or what it sends does not verify; 2 for a reference that is none.</returns>
    public static Task<int> PullAsync(string reference, string? outputPath, RegistryFiles files, TextWriter output, TextWriter error, CancellationToken cancellation) =>
        GuardAsync(reference, error, async source =>
        {
            var store = UserStore();
            using var client = new RegistryClient(source, RegistryAccess.Find(source.Host, files.Auth, files.Ca));
            var stored = await BundleTransfer.PullAsync(source, client, store, new TransferProgress(new LineProgress(error)), cancellation);
            var bundle = store.Open(source, stored);
            bundle.VerifyAllLayers();
            string path = outputPath ?? source.Repository.Split('/')[^1] + BundleArchive.Extension;
            BundlePacker.Write(BundleTransfer.ToArchive(source, stored, store), path);
            await output.WriteLineAsync($"{path}: {source with { Digest = stored.Root.Digest }}, {bundle.Signatures.Count} signatures");
            return ExitCodes.Success;
        });

    /// <summary>Beside this user's cache of compiled code.</summary>
    internal static BundleStore UserStore() => new(Path.Combine(CodeCache.ForUser().Folder, "bundles"));

    private static async Task<int> GuardAsync(string text, TextWriter error, Func<RegistryReference, Task<int>> work)
    {
        if (!RegistryReference.TryParse(text, out var reference))
        {
            await error.WriteLineAsync($"'{text}' is not a reference; write {RegistryReference.Form}");
            return ExitCodes.WrongUsage;
        }

        try
        {
            return await work(reference);
        }
        catch (RegistryException exception)
        {
            await error.WriteLineAsync($"{reference}: {exception.Message}");
        }
        catch (BundleException exception)
        {
            await error.WriteLineAsync($"{reference}: {exception.Message}; {RegistryBundles.Remedy}");
        }
        catch (Exception exception) when (exception is PluginLoadException or IOException or UnauthorizedAccessException)
        {
            await error.WriteLineAsync(exception.Message);
        }

        return ExitCodes.Failure;
    }
}
