// All targets of a plugin side by side: what is current stays, what cannot be built here is listed with its reason, never silently missing.

using Bimetal.Plugins.Bundles.Languages;

namespace Bimetal.Plugins.Bundles;

/// <summary>How a target came out.</summary>
public enum BuildVerdict
{
    Built,

    /// <summary>Nothing that it is made of has changed.</summary>
    Unchanged,

    /// <summary>Something that it needs is not here.</summary>
    NotBuilt,

    /// <summary>The source does not compile.</summary>
    Failed,
}

/// <summary>One target of a run.</summary>
/// <param name="Reason">Why it was not built; otherwise empty.</param>
/// <param name="Result">The artefact; null without one.</param>
public sealed record BuildOutcome(BuildTarget Target, BuildVerdict Verdict, string Reason, BuildResult? Result);

/// <summary>Builds a plugin folder for many targets.</summary>
public static class BuildMatrix
{
    /// <summary>Builds targets in parallel, as many at a time as there are processors. Precompiled code follows the module.</summary>
    /// <param name="targets">In any order; each at most once.</param>
    /// <param name="progress">Gets a line for each target that is done, with how many there are.</param>
    /// <returns>One outcome per target, in the order of <see cref="BuildTarget.All"/>.</returns>
    /// <exception cref="PluginLoadException">The SDK is missing.</exception>
    public static async Task<IReadOnlyList<BuildOutcome>> BuildAsync(
        PluginFolder folder, IReadOnlyList<BuildTarget> targets, IProgress<string>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(targets);
        var sdk = SdkFolder.Find();
        using var places = new SemaphoreSlim(Environment.ProcessorCount);
        int done = 0;

        async Task<BuildOutcome> OneAsync(BuildTarget target, Task<BuildOutcome>? first)
        {
            if (first is not null && await first is { Result: null } missing)
                return Tell(new BuildOutcome(target, missing.Verdict, $"there is no module to compile: {missing.Target} was not built", null));
            await places.WaitAsync(cancellation);
            try
            {
                return Tell(await Task.Run(() => BuildOneAsync(folder, target, sdk, cancellation), cancellation));
            }
            finally
            {
                places.Release();
            }
        }

        BuildOutcome Tell(BuildOutcome outcome)
        {
            int count = Interlocked.Increment(ref done);
            progress?.Report($"{folder.Manifest.Name}: [{count}/{targets.Count}] {outcome.Target} {WordOf(outcome.Verdict)}");
            return outcome;
        }

        var module = targets.Contains(BuildTarget.Wasm) ? OneAsync(BuildTarget.Wasm, first: null) : null;
        return await Task.WhenAll(BuildTarget.All.Where(targets.Contains).Select(target =>
            target == BuildTarget.Wasm ? module! : OneAsync(target, target.Kind == ArtefactKind.Code ? module : null)));
    }

    /// <summary>How a verdict is written.</summary>
    public static string WordOf(BuildVerdict verdict) => verdict switch
    {
        BuildVerdict.Built => "built",
        BuildVerdict.Unchanged => "unchanged",
        BuildVerdict.NotBuilt => "not built",
        _ => "failed",
    };

    private static async Task<BuildOutcome> BuildOneAsync(PluginFolder folder, BuildTarget target, SdkFolder sdk, CancellationToken cancellation)
    {
        if (folder.StateOf(target) == BuildState.Current)
        {
            string path = folder.PathOf(target);
            return new BuildOutcome(target, BuildVerdict.Unchanged, "", new BuildResult(target, path, new FileInfo(path).Length, TimeSpan.Zero, ""));
        }

        var toolchain = Toolchain.Of(folder.Manifest.Language);
        if (toolchain.Lacks(target.Metal) is { } lack) return new BuildOutcome(target, BuildVerdict.NotBuilt, lack, null);
        if (target.Kind == ArtefactKind.Native && (await CrossLibraries.PrepareAsync(target, sdk, cancellation) ?? CrossLibraries.Problem(target, sdk)) is { } problem) return new BuildOutcome(target, BuildVerdict.NotBuilt, problem, null);
        try
        {
            if (await toolchain.MissingAsync(target, folder, cancellation) is { } missing) return new BuildOutcome(target, BuildVerdict.NotBuilt, missing, null);
            return new BuildOutcome(target, BuildVerdict.Built, "", await PluginBuilder.BuildOneAsync(folder, target, sdk, cancellation));
        }
        catch (PluginLoadException exception)
        {
            return new BuildOutcome(target, BuildVerdict.Failed, exception.Message, null);
        }
    }
}
