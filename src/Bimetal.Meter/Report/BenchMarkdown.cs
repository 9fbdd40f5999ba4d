// A report as a Markdown table, put between two markers of a document: how README's figures get there.

using System.Globalization;
using System.Text;

namespace Bimetal.Meter.Report;

/// <summary>Writes the generated part of a Markdown document.</summary>
public static class BenchMarkdown
{
    public const string Begin = "<!-- bench: written by `bimetal bench --markdown` -->";
    public const string End = "<!-- bench end -->";

    /// <summary>Replaces what stands between the markers of <paramref name="document"/>; null when it has no markers.</summary>
    public static string? Replace(string document, BenchReport report)
    {
        int begin = document.IndexOf(Begin, StringComparison.Ordinal);
        int end = document.IndexOf(End, StringComparison.Ordinal);
        if (begin < 0 || end < begin) return null;
        return string.Concat(document.AsSpan(0, begin + Begin.Length), "\n", Table(report), document.AsSpan(end));
    }

    private static string Table(BenchReport report)
    {
        var text = new StringBuilder("| task, µs per exchange | native p50 / p99 | wasm p50 / p99 | tax at p50 | ratio | of the budget |\n|---|---|---|---|---|---|\n");
        foreach (var task in report.Tasks)
        {
            if (task is not { Native: { } native, Tax: { } tax }) continue;
            Row(text, $"{task.Task}: call", native.CallP50Us, native.CallP99Us, task.Wasm.CallP50Us, task.Wasm.CallP99Us, tax.CallDeltaUs, tax.CallRatio, task.LatencyBudgetUs);
            Row(text, $"{task.Task}: request", native.RequestP50Us, native.RequestP99Us, task.Wasm.RequestP50Us, task.Wasm.RequestP99Us, tax.RequestDeltaUs, tax.RequestRatio, task.LatencyBudgetUs);
        }

        var machine = report.Machine;
        text.Append('\n');
        text.Append(CultureInfo.InvariantCulture, $"{machine.Cpu}, {machine.Cores} cores, {machine.Kernel}; Bimetal {machine.Bimetal} on {machine.Runtime}; {machine.Date}. ");
        text.Append(CultureInfo.InvariantCulture, $"Mode: {string.Join("; ", report.Tasks.Select(task => task.Mode).Distinct())}. ");
        text.Append(CultureInfo.InvariantCulture, $"Input: {string.Join("; ", report.Tasks.Select(task => $"{task.Task} {task.Input}"))}.\n");
        return text.ToString();
    }

    private static void Row(
        StringBuilder text, string name, double nativeP50, double nativeP99, double wasmP50, double wasmP99, double delta, double ratio, double? budget) =>
        text.Append(
            CultureInfo.InvariantCulture,
            $"| {name} | {nativeP50:0.00} / {nativeP99:0.00} | {wasmP50:0.00} / {wasmP99:0.00} | {delta:+0.00;-0.00} | {ratio:0.00} | {(budget is { } us ? $"{delta / us:0.00 %}" : "-")} |\n");
}
