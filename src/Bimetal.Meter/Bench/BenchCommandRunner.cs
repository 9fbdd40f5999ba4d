// `bimetal bench`: everything but the command line itself.

using Bimetal.Meter.Report;
using Bimetal.Plugins;
using Bimetal.Plugins.Bundles;
using Bimetal.Wasm.Engine;

namespace Bimetal.Meter.Bench;

/// <summary>Measures plugins on both metals and prints the table.</summary>
public static class BenchCommandRunner
{
    /// <param name="arguments">Configurations, plugin folders or names of reference plugins; none: all reference plugins.</param>
    /// <param name="jsonFile">Where the report goes as JSON; null: nowhere.</param>
    /// <param name="markdownFile">A document whose generated part is rewritten with the table; null: none.</param>
    /// <returns>0; 1 when a plugin cannot be built or loaded, or its metals answer differently; 2 when an argument is wrong.</returns>
    public static async Task<int> RunAsync(
        IReadOnlyList<string> arguments, bool isFull, string? jsonFile, string? markdownFile, TextWriter output, TextWriter error, CancellationToken cancellation)
    {
        BenchRequest request;
        try
        {
            request = BenchRequest.Of(arguments, isFull);
        }
        catch (PluginLoadException exception)
        {
            await error.WriteLineAsync(exception.Message);
            return ExitCodes.WrongUsage;
        }

        try
        {
            var report = await BenchRunner.RunAsync(request, new LineProgress(error), cancellation);
            if (jsonFile is not null) await File.WriteAllTextAsync(jsonFile, BenchJson.Write(report), cancellation);
            if (markdownFile is not null) await RewriteAsync(markdownFile, report, cancellation);
            await output.WriteAsync(BenchTable.Write(report));
            return report.Tasks.All(task => task.SameResult) ? ExitCodes.Success : ExitCodes.Failure;
        }
        catch (Exception exception) when (exception is PluginLoadException or IOException or UnauthorizedAccessException)
        {
            await error.WriteLineAsync(exception.Message);
            return ExitCodes.Failure;
        }
    }

    private static async Task RewriteAsync(string file, BenchReport report, CancellationToken cancellation)
    {
        string document = await File.ReadAllTextAsync(file, cancellation);
        string rewritten = BenchMarkdown.Replace(document, report) ?? throw new IOException($"{file}: has no lines {BenchMarkdown.Begin} and {BenchMarkdown.End}");
        await File.WriteAllTextAsync(file, rewritten, cancellation);
    }
}
