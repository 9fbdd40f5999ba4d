// A report as a Markdown table, put between two markers of a document: how README's figures get there.

using System.Globalization;
using System.Text;
using Bimetal.Meter.Statistics;

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
        var text = new StringBuilder(
            "| task, µs p50 / p99 | native | best native | wasm, warm | wasm, fresh instance | tax of a request | code alone | of its budget | through the gateway: without, native, wasm |\n|---|---|---|---|---|---|---|---|---|\n");
        foreach (var task in report.Tasks)
        {
            if (task is { Native: { } native, Tax: { } tax }) Row(text, task, native, tax);
        }

        var summary = report.Summary;
        text.Append(CultureInfo.InvariantCulture, $"\nNative was faster in {summary.NativeWins} of the {summary.Tasks} tasks that we chose, in every session");
        string code = summary.CodeRatioGeomean is { } ratio ? string.Create(CultureInfo.InvariantCulture, $"code {ratio:0.00}, ") : "";
        text.Append(CultureInfo.InvariantCulture, $"; geometric means of wasm to native: {code}call {summary.CallRatioGeomean:0.00}, request {summary.RequestRatioGeomean:0.00}");
        text.Append(CultureInfo.InvariantCulture, $"; at most {summary.MaxBudgetShare:0.00 %} of a budget.\n");
        text.Append(What(report));
        if (report.Claims.Count > 0) Claims(text, report.Claims);
        var machine = report.Machine;
        text.Append('\n');
        text.Append(CultureInfo.InvariantCulture, $"{machine.Cpu}, {machine.Cores} cores, {machine.Kernel}; Bimetal {machine.Bimetal} on {machine.Runtime}; {machine.Date}. ");
        text.Append(CultureInfo.InvariantCulture, $"Mode: {string.Join("; ", report.Tasks.Select(task => task.Mode).Distinct())}. ");
        text.Append(CultureInfo.InvariantCulture, $"Input: {string.Join("; ", report.Tasks.Select(task => $"{task.Task} {task.Input}"))}.\n");
        return text.ToString();
    }

    /// <summary>What a reader has to know to read the table.</summary>
    private static string What(BenchReport report)
    {
        double[] resets = [.. report.Tasks.Select(task => task.Wasm.ResetUs).OfType<double>()];
        string reset = resets.Length == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $", {Quantile.Median(resets):0.0} µs of it here");
        return $"\nThe tax of a request is the plugin's part alone, without any network: getting a fresh instance, callbacks, host calls, and the reset{reset}, which comes after the answer and is counted all the same; native has "
            + "callbacks and host calls. \"Warm\" has no reset: that is `instance: shared`, which first-party plugins have unless told otherwise; for them the call's ratio is the one that counts. "
            + "Through the gateway is a whole request over loopback at a fixed rate, with a fresh instance on wasm.\n";
    }

    private static void Row(StringBuilder text, BenchTask task, MetalFigures native, TaxFigures tax)
    {
        string best = task.NativeBest is { } tuned ? Pair(tuned.CallP50Us, tuned.CallP99Us) : "-";
        if (task.NativeFilter is { } filter) best += $"; filter `{filter.Filter}` {Pair(filter.P50Us, filter.P99Us)}";
        string code = task.CodeRatio is { } ratio ? ratio.ToString("0.00", CultureInfo.InvariantCulture) + "x" : "-";
        text.Append(
            CultureInfo.InvariantCulture,
            $"| {task.Task} | {Pair(native.RequestP50Us, native.RequestP99Us)} | {best} | {Pair(task.Wasm.CallP50Us, task.Wasm.CallP99Us)} | {Pair(task.Wasm.RequestP50Us, task.Wasm.RequestP99Us)} ");
        text.Append(
            CultureInfo.InvariantCulture,
            $"| {tax.RequestDeltaUs:+0.00;-0.00} ({tax.IntervalUs[0]:+0.00;-0.00} to {tax.IntervalUs[1]:+0.00;-0.00}) | {code} | {(tax.BudgetShare is { } share ? $"{share:0.00 %}" : "-")} | {(task.Gateway is { } wire ? Wire(wire) : "-")} |\n");
    }

    private static string Wire(GatewayFigures wire) => string.Create(
        CultureInfo.InvariantCulture, $"{wire.PlainP50Us:0} / {wire.PlainP99Us:0}, {wire.NativeP50Us:0} / {wire.NativeP99Us:0}, {wire.WasmP50Us:0} / {wire.WasmP99Us:0}");

    private static void Claims(StringBuilder text, IReadOnlyList<ClaimRow> claims)
    {
        text.Append("\n| the article's claim | claimed | peers as shipped | Bimetal, features off | Bimetal | verdict |\n|---|---|---|---|---|---|\n");
        foreach (var row in claims) text.Append(CultureInfo.InvariantCulture, $"| {row.Claim} | {row.Claimed} | {row.Peers} | {row.Plain} | {row.Bimetal} | {row.Verdict} |\n");
    }

    private static string Pair(double p50, double p99) => string.Create(CultureInfo.InvariantCulture, $"{p50:0.00} / {p99:0.00}");
}
