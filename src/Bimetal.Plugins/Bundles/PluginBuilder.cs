// Compiles a plugin folder with the toolchain of its language, target by target, and records what each artefact was built from.

using System.Diagnostics;
using Bimetal.Plugins.Bundles.Languages;

namespace Bimetal.Plugins.Bundles;

/// <summary>One artefact that was built.</summary>
/// <param name="Messages">The compiler's warnings; empty when it had none.</param>
public sealed record BuildResult(BuildTarget Target, string Path, long SizeBytes, TimeSpan Time, string Messages);

/// <summary>Builds plugin folders.</summary>
public static class PluginBuilder
{
    /// <summary>Builds targets, whether they are current or not.</summary>
    /// <param name="folder">The plugin.</param>
    /// <param name="targets">Null: the metals of this machine that the plugin has a build for.</param>
    /// <param name="progress">Gets a line when a target begins and when it is done.</param>
    /// <exception cref="PluginLoadException">A compiler or the SDK is missing, the language has no such target, or the source does not compile: the message holds the compiler's.</exception>
    public static async Task<IReadOnlyList<BuildResult>> BuildAsync(
        PluginFolder folder, IReadOnlyList<BuildTarget>? targets = null, IProgress<string>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(folder);
        var sdk = SdkFolder.Find();
        var results = new List<BuildResult>();
        foreach (var target in targets ?? folder.TargetsHere)
        {
            progress?.Report($"{folder.Manifest.Name}: building {target}");
            var result = await BuildOneAsync(folder, target, sdk, cancellation);
            progress?.Report($"{folder.Manifest.Name}: built {target.Artefact}, {result.SizeBytes} bytes, {result.Time.TotalSeconds:0.00} s");
            results.Add(result);
        }

        return results;
    }

    /// <summary>Builds those targets that are missing or stale.</summary>
    /// <inheritdoc cref="BuildAsync"/>
    public static Task<IReadOnlyList<BuildResult>> EnsureAsync(
        PluginFolder folder, IReadOnlyList<BuildTarget>? targets = null, IProgress<string>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(folder);
        BuildTarget[] stale = [.. (targets ?? folder.TargetsHere).Where(target => folder.StateOf(target) != BuildState.Current)];
        return stale.Length == 0 ? Task.FromResult<IReadOnlyList<BuildResult>>([]) : BuildAsync(folder, stale, progress, cancellation);
    }

    /// <summary>Builds one target.</summary>
    internal static async Task<BuildResult> BuildOneAsync(PluginFolder folder, BuildTarget target, SdkFolder sdk, CancellationToken cancellation)
    {
        if (target.Kind == ArtefactKind.Code) return await PrecompiledCode.BuildAsync(folder, target, cancellation);
        string artefact = folder.PathOf(target);
        Directory.CreateDirectory(Path.GetDirectoryName(artefact)!);
        var toolchain = Toolchain.Of(folder.Manifest.Language);
        if (toolchain.Lacks(target.Metal) is { } lack) throw new PluginLoadException($"{folder.Path}: {lack}");
        if (target.Kind == ArtefactKind.Native && CrossLibraries.Problem(target, sdk) is { } problem) throw new PluginLoadException($"{target}: {problem}");

        // Digests first: a source that is changed while clang reads it makes the result stale, not wrong.
        string sources = BuildRecord.DigestOfSources(folder.Path);
        // Built aside under its own name, which the linker writes into the file, then moved.
        string aside = Directory.CreateDirectory(Path.Combine(Path.GetDirectoryName(artefact)!, Path.GetRandomFileName())).FullName;
        string temporary = Path.Combine(aside, Path.GetFileName(artefact));
        long started = Stopwatch.GetTimestamp();
        try
        {
            var result = await toolchain.CompileAsync(target, folder, sdk, temporary, cancellation);
            if (result.ExitCode != 0 || !File.Exists(temporary))
                throw new PluginLoadException($"{folder.Path}: does not compile for {target} ({result.Program} exited with {result.ExitCode}):\n{result.Messages.TrimEnd()}");
            string digest = BuildRecord.DigestOfFile(temporary);
            File.Move(temporary, artefact, overwrite: true);
            new BuildRecord(sources, BuildRecord.DigestOfSources(toolchain.SdkFolders(sdk)), BuildRecord.DigestOf(toolchain.Flags(target)), digest)
                .Write(BuildRecord.PathOf(artefact));
            return new BuildResult(target, artefact, new FileInfo(artefact).Length, Stopwatch.GetElapsedTime(started), result.Messages);
        }
        finally
        {
            Directory.Delete(aside, recursive: true);
        }
    }
}
