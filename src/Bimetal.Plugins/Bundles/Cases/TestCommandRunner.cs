// `bimetal test DIR`: everything but the command line itself.

using System.Text.Json;
using Bimetal.Plugins.Targets;
using Bimetal.Wasm.Engine;

namespace Bimetal.Plugins.Bundles.Cases;

/// <summary>Builds a plugin folder where that is needed, runs its cases and prints the outcome.</summary>
public static class TestCommandRunner
{
    /// <param name="metals">The metals to run on; with both, each case must also do the same on both, byte for byte, and a metal that its language has no build for is left out.</param>
    /// <param name="targetName">A target to run on, through its loader or under emulation; null: this process.</param>
    /// <param name="jsonFile">Where the counts go as JSON; null: nowhere.</param>
    /// <returns>0 when every case came out as expected; 1 when not; 2 for an unknown target.</returns>
    public static async Task<int> RunAsync(
        string path, IReadOnlyList<Metal> metals, string? targetName, string? jsonFile, TextWriter output, TextWriter error, CancellationToken cancellation)
    {
        var target = targetName is null ? BuildTarget.NativeHere : BuildTarget.Find(targetName);
        if (target is not { Kind: ArtefactKind.Native })
        {
            await error.WriteLineAsync($"unknown target {targetName}; there are: {string.Join(", ", BuildTarget.All.Where(one => one.Kind == ArtefactKind.Native))}");
            return ExitCodes.WrongUsage;
        }

        try
        {
            var folder = PluginFolder.Open(path);
            if (metals.Count > 1) metals = [.. metals.Where(metal => folder.TargetsHere.Contains(BuildTarget.Of(metal)))];
            var report = await RunAsync(folder, metals, target, cancellation);
            foreach (var failed in report.Results.Where(result => result.Mismatch is not null))
                await output.WriteLineAsync($"{failed.Case.File}: {failed.Case.Name} on {NameOf(failed.Metal)}: {failed.Mismatch}");
            foreach (string difference in report.Differences) await output.WriteLineAsync(difference);
            foreach (var metal in metals) await output.WriteLineAsync($"{NameOf(metal),-7} {report.Passed(metal)} passed, {report.Failed(metal)} failed");
            if (metals.Count > 1) await output.WriteLineAsync($"both    {report.Differences.Count} differences between the metals");
            if (jsonFile is not null) await File.WriteAllBytesAsync(jsonFile, ToJson(report, metals, target), cancellation);
            return report.HasFailures ? ExitCodes.Failure : ExitCodes.Success;
        }
        catch (Exception exception) when (exception is PluginLoadException or IOException or UnauthorizedAccessException)
        {
            await error.WriteLineAsync(exception.Message);
            return ExitCodes.Failure;
        }
    }

    private static async Task<CaseReport> RunAsync(PluginFolder folder, IReadOnlyList<Metal> metals, BuildTarget target, CancellationToken cancellation)
    {
        var cases = CaseReader.ReadAll(folder);
        if (target == BuildTarget.NativeHere)
        {
            await PluginBuilder.EnsureAsync(folder, [.. metals.Select(BuildTarget.Of)], cancellation: cancellation);
            return await PluginCaseRunner.RunAsync(folder, cases, metals, cancellation: cancellation);
        }

        var outcomes = await BuildMatrix.BuildAsync(folder, TargetLoader.Needs(target, metals), cancellation: cancellation);
        if (outcomes.FirstOrDefault(outcome => outcome.Result is null) is { } missing) throw new PluginLoadException($"{missing.Target}: {missing.Reason}");
        return await PluginCaseRunner.RunAsync(
            folder, cases, metals, load: (metal, configuration, services) => Task.FromResult(TargetLoader.Load(folder, target, metal, configuration, services)), cancellation: cancellation);
    }

    private static string NameOf(Metal metal) => metal == Metal.Native ? "native" : "wasm";

    private static byte[] ToJson(CaseReport report, IReadOnlyList<Metal> metals, BuildTarget target)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true }))
        {
            writer.WriteStartObject();
            writer.WriteString("plugin", report.Plugin);
            writer.WriteString("target", target.Name);
            writer.WriteStartArray("metals");
            foreach (var metal in metals)
            {
                writer.WriteStartObject();
                writer.WriteString("metal", NameOf(metal));
                writer.WriteNumber("passed", report.Passed(metal));
                writer.WriteNumber("failed", report.Failed(metal));
                writer.WriteNumber("skipped", 0);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        return stream.ToArray();
    }
}
