// npm packages, as a lock file pins them with their digests: fetched once, kept in the user's cache under the digest of the lock file. Their
// scripts are never run.

using Bimetal.Wasm.Compiler.Cache;

namespace Bimetal.Plugins.Bundles.Languages;

internal static class NodePackages
{
    private const string LockFile = "package-lock.json";

    private static readonly SemaphoreSlim s_once = new(1);

    /// <summary>Path of the <c>node_modules</c> of a folder's lock file, fetched if they are not there yet.</summary>
    /// <exception cref="PluginLoadException">They cannot be fetched.</exception>
    public static async Task<string> EnsureAsync(string folder, CancellationToken cancellation)
    {
        string digest = BuildRecord.DigestOfFile(Path.Combine(folder, LockFile));
        string cache = CodeCache.ForUser().Folder;
        string kept = Path.Combine(cache, "npm-" + digest[..16]);
        string modules = Path.Combine(kept, "node_modules");
        await s_once.WaitAsync(cancellation);
        try
        {
            if (Directory.Exists(modules)) return modules;
            string unfinished = Directory.CreateDirectory(kept + "." + Path.GetRandomFileName()).FullName;
            try
            {
                await FetchAsync(folder, unfinished, cancellation);
                Publish(unfinished, kept);
            }
            finally
            {
                if (Directory.Exists(unfinished)) Directory.Delete(unfinished, recursive: true);
            }

            return modules;
        }
        finally
        {
            s_once.Release();
        }
    }

    private static async Task FetchAsync(string folder, string target, CancellationToken cancellation)
    {
        foreach (string file in (ReadOnlySpan<string>)["package.json", LockFile]) File.Copy(Path.Combine(folder, file), Path.Combine(target, file));
        var result = await CompilerProcess.RunAsync("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], "npm", target, cancellation);
        if (result.ExitCode != 0)
            throw new PluginLoadException($"{Path.Combine(folder, LockFile)}: npm ci could not fetch the packages, which needs a network once:\n{result.Messages.TrimEnd()}");
    }

    // Another process may have been faster: then its packages serve.
    private static void Publish(string unfinished, string kept)
    {
        try
        {
            Directory.Move(unfinished, kept);
        }
        catch (IOException) when (Directory.Exists(kept))
        {
        }
    }
}
