// Compiles a plugin folder with clang-19, one command per target, and records what each artefact was built from.

using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Bimetal.Plugins.Bundles;

/// <summary>One artefact that was built.</summary>
/// <param name="Messages">The compiler's warnings; empty when it had none.</param>
public sealed record BuildResult(BuildTarget Target, string Path, long SizeBytes, TimeSpan Time, string Messages);

/// <summary>Builds plugin folders.</summary>
public static class PluginBuilder
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(5);

    /// <summary>Builds targets, whether they are current or not.</summary>
    /// <param name="folder">The plugin.</param>
    /// <param name="targets">Null: both metals of this machine.</param>
    /// <param name="progress">Gets a line when a target begins and when it is done.</param>
    /// <exception cref="PluginLoadException">clang or the SDK is missing, or the source does not compile: the message holds the compiler's.</exception>
    public static async Task<IReadOnlyList<BuildResult>> BuildAsync(
        PluginFolder folder, IReadOnlyList<BuildTarget>? targets = null, IProgress<string>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(folder);
        var sdk = SdkFolder.Find();
        var results = new List<BuildResult>();
        foreach (var target in targets ?? BuildTarget.Here)
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
        BuildTarget[] stale = [.. (targets ?? BuildTarget.Here).Where(target => folder.StateOf(target) != BuildState.Current)];
        return stale.Length == 0 ? Task.FromResult<IReadOnlyList<BuildResult>>([]) : BuildAsync(folder, stale, progress, cancellation);
    }

    private static async Task<BuildResult> BuildOneAsync(PluginFolder folder, BuildTarget target, SdkFolder sdk, CancellationToken cancellation)
    {
        string artefact = folder.PathOf(target);
        Directory.CreateDirectory(Path.GetDirectoryName(artefact)!);
        CheckCrossPackages(target);

        // Digests first: a source that is changed while clang reads it makes the result stale, not wrong.
        string sources = BuildRecord.DigestOfSources(folder.Path);
        // Built aside under its own name, which the linker writes into the file, then moved.
        string aside = Directory.CreateDirectory(Path.Combine(Path.GetDirectoryName(artefact)!, Path.GetRandomFileName())).FullName;
        string temporary = Path.Combine(aside, Path.GetFileName(artefact));
        long started = Stopwatch.GetTimestamp();
        try
        {
            var arguments = ClangCommand.Arguments(target, folder.Path, folder.Manifest.Sources, sdk, temporary);
            var (exitCode, messages) = await RunClangAsync(arguments, cancellation);
            if (exitCode != 0 || !File.Exists(temporary))
                throw new PluginLoadException($"{folder.Path}: does not compile for {target} ({ClangCommand.Program} exited with {exitCode}):\n{messages.TrimEnd()}");
            string digest = BuildRecord.DigestOfFile(temporary);
            File.Move(temporary, artefact, overwrite: true);
            new BuildRecord(sources, BuildRecord.DigestOfSources(sdk.Sources, sdk.NativeInclude), BuildRecord.DigestOf(ClangCommand.Flags(target)), digest)
                .Write(BuildRecord.PathOf(artefact));
            return new BuildResult(target, artefact, new FileInfo(artefact).Length, Stopwatch.GetElapsedTime(started), messages);
        }
        finally
        {
            Directory.Delete(aside, recursive: true);
        }
    }

    private static void CheckCrossPackages(BuildTarget target)
    {
        bool isCross = target == BuildTarget.LinuxArm64 && RuntimeInformation.ProcessArchitecture != Architecture.Arm64;
        if (isCross && !Directory.Exists("/usr/aarch64-linux-gnu"))
            throw new PluginLoadException($"{target}: needs the cross packages; on Debian and Ubuntu: apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross");
    }

    private static async Task<(int ExitCode, string Messages)> RunClangAsync(IReadOnlyList<string> arguments, CancellationToken cancellation)
    {
        var start = new ProcessStartInfo(ClangCommand.Program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true };
        using var clang = new Process { StartInfo = start };
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(s_limit);
        try
        {
            clang.Start();
            var output = clang.StandardOutput.ReadToEndAsync(limit.Token);
            var errors = clang.StandardError.ReadToEndAsync(limit.Token);
            await clang.WaitForExitAsync(limit.Token);
            return (clang.ExitCode, await output + await errors);
        }
        catch (Win32Exception exception)
        {
            throw new PluginLoadException($"{ClangCommand.Program} cannot be started ({exception.Message}); on Debian and Ubuntu: apt-get install clang-19 lld-19", exception);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new PluginLoadException($"{ClangCommand.Program} ran for more than {s_limit.TotalMinutes:0} minutes and was stopped");
        }
        finally
        {
            StopIfRunning(clang);
        }
    }

    private static void StopIfRunning(Process process)
    {
        try
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException)
        {
            // It was never started.
        }
    }
}
