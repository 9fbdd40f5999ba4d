// Runs a compiler as a child process, for a limited time.

using System.ComponentModel;
using System.Diagnostics;

namespace Bimetal.Plugins.Bundles.Languages;

/// <summary>How a compiler ended.</summary>
/// <param name="Program">What was run last.</param>
/// <param name="Messages">What it printed.</param>
internal sealed record CompilerResult(string Program, int ExitCode, string Messages);

internal static class CompilerProcess
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(5);

    /// <summary>Runs a program to its end.</summary>
    /// <param name="packages">Debian's packages that bring it.</param>
    /// <exception cref="PluginLoadException">It cannot be started, or does not end.</exception>
    public static async Task<CompilerResult> RunAsync(
        string program, IReadOnlyList<string> arguments, string packages, string workingFolder, CancellationToken cancellation)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true, WorkingDirectory = workingFolder };

        // What a source says with __DATE__ and __TIME__ is the same on every day.
        start.Environment.TryAdd("SOURCE_DATE_EPOCH", "0");
        using var process = new Process { StartInfo = start };
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(s_limit);
        try
        {
            process.Start();
            var output = process.StandardOutput.ReadToEndAsync(limit.Token);
            var errors = process.StandardError.ReadToEndAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token);
            return new CompilerResult(program, process.ExitCode, await output + await errors);
        }
        catch (Win32Exception exception)
        {
            throw new PluginLoadException($"{program} cannot be started ({exception.Message}); on Debian and Ubuntu: apt-get install {packages}", exception);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new PluginLoadException($"{program} ran for more than {s_limit.TotalMinutes:0} minutes and was stopped");
        }
        finally
        {
            StopIfRunning(process);
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
