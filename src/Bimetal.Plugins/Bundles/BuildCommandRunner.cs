// `bimetal build`: everything but the command line itself.

using Bimetal.Plugins.Bundles.Oci;
using Bimetal.Wasm.Engine;

namespace Bimetal.Plugins.Bundles;

/// <summary>Builds a plugin folder or wraps a module, packs the bundle, and prints what was built, and what was not.</summary>
public static class BuildCommandRunner
{
    /// <returns>0; 1 when it does not build, or a target that was named cannot be built here; 2 for an unknown target.</returns>
    public static async Task<int> RunAsync(BuildRequest request, TextWriter output, TextWriter error, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(request);
        var named = request.Targets.Select(name => (Name: name, Target: BuildTarget.Find(name))).ToList();
        if (named.Find(target => target.Target is null) is { Name: { } unknown })
        {
            await error.WriteLineAsync($"unknown target {unknown}; there are: {string.Join(", ", BuildTarget.All)}");
            return ExitCodes.WrongUsage;
        }

        if ((request.Folder is null) == (request.From is null))
        {
            await error.WriteLineAsync("name a plugin folder, or --from FILE.wasm, and not both");
            return ExitCodes.WrongUsage;
        }

        var targets = TargetsOf([.. named.Select(target => target.Target!)]);
        try
        {
            return request.Folder is { } folder
                ? await BuildFolderAsync(PluginFolder.Open(folder), request, targets, output, error, cancellation)
                : await WrapAsync(request.From!, request, targets, output, cancellation);
        }
        catch (BundleException exception)
        {
            await error.WriteLineAsync($"{request.From ?? request.Folder}: {exception.Message}");
        }
        catch (PluginLoadException exception)
        {
            await error.WriteLineAsync(exception.Message);
        }

        return ExitCodes.Failure;
    }

    private static async Task<int> BuildFolderAsync(
        PluginFolder folder, BuildRequest request, IReadOnlyList<BuildTarget> targets, TextWriter output, TextWriter error, CancellationToken cancellation)
    {
        var outcomes = await BuildMatrix.BuildAsync(folder, targets, new LineProgress(error), cancellation);
        foreach (var outcome in outcomes) await PrintAsync(outcome, output, error);
        if (outcomes.Any(outcome => outcome.Verdict == BuildVerdict.Failed)) return ExitCodes.Failure;
        if (request.Output is not null || request.Key is not null || targets.Contains(BuildTarget.Wasm))
            await PackAsync(BundlePacker.Pack(folder, outcomes), request.Output ?? Path.Combine(folder.Path, "build", folder.Manifest.Name + BundleArchive.Extension), request.Key, output);
        return request.Targets.Count > 0 && outcomes.Any(outcome => outcome.Result is null) ? ExitCodes.Failure : ExitCodes.Success;
    }

    private static async Task<int> WrapAsync(string file, BuildRequest request, IReadOnlyList<BuildTarget> targets, TextWriter output, CancellationToken cancellation)
    {
        var archive = await BundlePacker.WrapAsync(file, targets, cancellation);
        string beside = file.EndsWith(BundleArchive.Extension, StringComparison.Ordinal) ? "rebuilt" + BundleArchive.Extension : BundleArchive.Extension;
        await PackAsync(archive, request.Output ?? Path.ChangeExtension(file, beside), request.Key, output);
        return ExitCodes.Success;
    }

    private static async Task PackAsync(BundleArchive archive, string path, string? key, TextWriter output)
    {
        if (key is not null) archive = BundlePacker.Sign(archive, path, key);
        BundlePacker.Write(archive, path);
        await output.WriteLineAsync($"{"bundle",-16} {new FileInfo(path).Length,10:N0} bytes {(key is null ? "unsigned" : "signed"),9}  {path}  {archive.Manifests[0].Digest}");
    }

    /// <summary>What a list of names means: nothing is everything, and the module comes with its code for each architecture.</summary>
    private static IReadOnlyList<BuildTarget> TargetsOf(IReadOnlyList<BuildTarget> named)
    {
        if (named.Count == 0) return BuildTarget.All;
        bool wantsModule = named.Any(target => target.Metal == Metal.Wasm);
        bool wantsAllCode = named.Contains(BuildTarget.Wasm) && !named.Any(target => target.Kind == ArtefactKind.Code);
        return [.. BuildTarget.All.Where(target => named.Contains(target) || (wantsModule && target == BuildTarget.Wasm) || (wantsAllCode && target.Kind == ArtefactKind.Code))];
    }

    private static async Task PrintAsync(BuildOutcome outcome, TextWriter output, TextWriter error)
    {
        if (outcome.Result is not { } result)
        {
            await (outcome.Verdict == BuildVerdict.Failed ? error : output).WriteLineAsync($"{outcome.Target.Name,-16} {BuildMatrix.WordOf(outcome.Verdict)}: {outcome.Reason}");
            return;
        }

        if (result.Messages.Length > 0) await error.WriteLineAsync(result.Messages.TrimEnd());
        string time = outcome.Verdict == BuildVerdict.Unchanged ? "unchanged" : $"{result.Time.TotalSeconds:0.00} s";
        await output.WriteLineAsync($"{result.Target.Name,-16} {result.SizeBytes,10:N0} bytes {time,9}  {result.Path}");
    }
}
