// `bimetal bench`: everything but the command line itself.

using System.Text.Json;
using Bimetal.Meter.Functions;
using Bimetal.Meter.Report;
using Bimetal.Plugins;
using Bimetal.Plugins.Bundles;
using Bimetal.Wasm.Engine;

namespace Bimetal.Meter.Bench;

/// <summary>Where reports go, and what they are compared with; null: nowhere, nothing.</summary>
/// <param name="Json">A file that is written as JSON.</param>
/// <param name="Html">A file that is written as one page.</param>
/// <param name="Markdown">A document whose generated part is rewritten.</param>
/// <param name="Compare">An earlier JSON report.</param>
public sealed record BenchOutputs(string? Json, string? Html, string? Markdown, string? Compare);

/// <summary>Measures plugins or a function on both metals and prints the table.</summary>
public static class BenchCommandRunner
{
    /// <param name="arguments">Configurations, plugin folders or names of reference plugins; none: all reference plugins.</param>
    /// <param name="outputs">Where the report goes beside the table.</param>
    /// <returns>0; 1 when a plugin cannot be built or loaded, its metals answer differently, or something got slower beyond noise; 2 when an argument is wrong.</returns>
    public static async Task<int> RunAsync(
        IReadOnlyList<string> arguments, bool isFull, BenchOutputs outputs, TextWriter output, TextWriter error, CancellationToken cancellation)
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

        return await ReportAsync(outputs, output, error, () => BenchRunner.RunAsync(request, new LineProgress(error), cancellation));
    }

    /// <summary>Measures one function on both metals, no plugin needed.</summary>
    /// <returns>As above.</returns>
    public static Task<int> RunFunctionAsync(FunctionRequest request, BenchOutputs outputs, TextWriter output, TextWriter error, CancellationToken cancellation) =>
        ReportAsync(outputs, output, error, () => FunctionBench.RunAsync(request, new LineProgress(error), cancellation));

    private static async Task<int> ReportAsync(BenchOutputs outputs, TextWriter output, TextWriter error, Func<Task<BenchReport>> measure)
    {
        BenchReport? before = null;
        try
        {
            // Before the minutes of measuring, not after them.
            if (outputs.Compare is { } old) before = BenchJson.Read(await File.ReadAllTextAsync(old)) ?? throw new JsonException("is empty");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or JsonException)
        {
            await error.WriteLineAsync($"{outputs.Compare}: is not a report that `bimetal bench --json` wrote: {exception.Message}");
            return ExitCodes.WrongUsage;
        }

        try
        {
            var report = await measure();
            if (outputs.Json is { } json) await File.WriteAllTextAsync(json, BenchJson.Write(report));
            if (outputs.Html is { } html) await File.WriteAllTextAsync(html, BenchHtml.Write(report));
            if (outputs.Markdown is { } document) await RewriteAsync(document, report);
            await output.WriteAsync(BenchTable.Write(report));
            bool isSame = report.Tasks.All(task => task.SameResult);
            bool isSlower = before is not null && await CompareAsync(before, report, outputs.Compare!, output, error);
            return isSame && !isSlower ? ExitCodes.Success : ExitCodes.Failure;
        }
        catch (Exception exception) when (exception is PluginLoadException or IOException or UnauthorizedAccessException)
        {
            await error.WriteLineAsync(exception.Message);
            return ExitCodes.Failure;
        }
    }

    /// <returns>Whether something got slower, or nothing can be said of it.</returns>
    private static async Task<bool> CompareAsync(BenchReport before, BenchReport report, string file, TextWriter output, TextWriter error)
    {
        if (BenchComparison.Objection(before, report) is { } objection)
        {
            await error.WriteLineAsync($"{file}: {objection}");
            return true;
        }

        var figures = BenchComparison.Compare(before, report);
        await output.WriteAsync("\n" + BenchComparison.Write(figures, file));
        return figures.Any(figure => figure.IsRegression);
    }

    private static async Task RewriteAsync(string file, BenchReport report)
    {
        string document = await File.ReadAllTextAsync(file);
        string rewritten = BenchMarkdown.Replace(document, report) ?? throw new IOException($"{file}: has no lines {BenchMarkdown.Begin} and {BenchMarkdown.End}");
        await File.WriteAllTextAsync(file, rewritten);
    }
}
