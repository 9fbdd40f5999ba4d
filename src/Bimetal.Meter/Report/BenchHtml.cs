// A report as one page that needs nothing else: no script, no font, no image from elsewhere. Charts are in BenchCharts.

using System.Globalization;
using System.Net;
using System.Text;

namespace Bimetal.Meter.Report;

/// <summary>Writes the page of `bench --html`.</summary>
public static class BenchHtml
{
    // Colours of the parts are told apart in grey as well, by their order in the legend. Print has no dark mode and breaks no chart in two.
    private const string Style = """
        :root { color-scheme: light dark; --ink: #1b1d21; --muted: #5c6370; --line: #d5d9e0; --back: #fff; --native: #b4611a; --wasm: #2f6fb0; }
        @media (prefers-color-scheme: dark) { :root { --ink: #e6e8ec; --muted: #9aa3b2; --line: #3a3f4a; --back: #16181d; --native: #e39a55; --wasm: #6fa8e0; } }
        @media print { :root { --ink: #000; --muted: #444; --line: #bbb; --back: #fff; --native: #b4611a; --wasm: #2f6fb0; } section { break-inside: avoid; } body figure svg { min-width: 0; } body .wide, body figure { overflow: visible; } body table { font-size: .6rem; } body th, body td { padding: .15rem .2rem; } }
        body { margin: 0 auto; max-width: 62rem; padding: 1rem; background: var(--back); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
        h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
        p.note, figcaption { color: var(--muted); font-size: .875rem; }
        .wide, figure { overflow-x: auto; } figure { margin: 0; }
        table { border-collapse: collapse; width: 100%; font-size: .875rem; font-variant-numeric: tabular-nums; }
        th, td { border-bottom: 1px solid var(--line); padding: .3rem .5rem; text-align: right; vertical-align: top; overflow-wrap: normal; } td { white-space: nowrap; } td.text { white-space: normal; } th:first-child, td:first-child, td.text, th.text { text-align: left; }
        svg { width: 100%; height: auto; } figure svg { min-width: 36rem; } svg text { fill: var(--ink); font: 12px system-ui, sans-serif; } svg .muted { fill: var(--muted); } svg .axis { stroke: var(--line); }
        .native { fill: var(--native); } .wasm { fill: var(--wasm); } .native-line { stroke: var(--native); fill: none; stroke-width: 2; } .wasm-line { stroke: var(--wasm); fill: none; stroke-width: 2; }
        """;

    /// <summary>The whole document.</summary>
    public static string Write(BenchReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        var page = new StringBuilder();
        page.Append("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
        page.Append("<title>Bimetal bench</title>\n<style>\n").Append(Style).Append("\n</style>\n</head>\n<body>\n<h1>What the sandbox costs here</h1>\n");
        Note(page, $"{report.Machine.Cpu}, {report.Machine.Cores} cores, {report.Machine.Kernel}; Bimetal {report.Machine.Bimetal} on {report.Machine.Runtime}; {report.Machine.Date}; measured in {Number(report.RunSeconds)} s.");
        Note(page, $"Mode: {string.Join("; ", report.Tasks.Select(task => task.Mode).Distinct())}. The tax is wasm minus native for the same source and input; negative means wasm was faster.");
        BenchTask[] both = [.. report.Tasks.Where(task => task is { Native: not null, Tax: not null })];
        if (both.Length > 0)
        {
            Chart(page, "Tax per task", BenchCharts.Taxes(both), "Microseconds that a request (fresh instance) and a call (warm instance) take longer on wasm, with 95 % intervals.");
            Chart(page, "Receipts", BenchCharts.Receipts(both), "Where the request tax goes. Parts below zero stand left of the line: there wasm was faster.");
            Chart(page, "Latency distributions", BenchCharts.Distributions(both), "Quantiles of an exchange from p1 to p99.9, logarithmic: native and wasm with a fresh instance.");
        }

        foreach (var curve in report.Scaling) Chart(page, curve.Title, BenchCharts.Scaling(curve), curve.Note);
        Tasks(page, report.Tasks);
        if (report.Claims.Count > 0) Claims(page, report.Claims);
        Peers(page, report.Peers);
        page.Append("</body>\n</html>\n");
        return page.ToString();
    }

    private static void Chart(StringBuilder page, string title, string svg, string caption) =>
        page.Append(CultureInfo.InvariantCulture, $"<section><h2>{Text(title)}</h2>\n<figure>{svg}<figcaption>{Text(caption)}</figcaption></figure></section>\n");

    private static void Tasks(StringBuilder page, IReadOnlyList<BenchTask> tasks)
    {
        page.Append("<section><h2>Figures</h2>\n<div class=\"wide\"><table><thead><tr>");
        foreach (string head in new[] { "task, µs", "native p50", "p99", "best native p50", "built-in filter p50", "wasm call p50", "p99", "wasm request p50", "p99", "tax", "95 %", "code ratio", "of budget", "verdict" })
            page.Append("<th>").Append(head).Append("</th>");
        page.Append("</tr></thead>\n<tbody>\n");
        foreach (var task in tasks)
        {
            Row(page,
            [
                task.Task, Number(task.Native?.RequestP50Us), Number(task.Native?.RequestP99Us), Number(task.NativeBest?.CallP50Us), Number(task.NativeFilter?.P50Us), Number(task.Wasm.CallP50Us), Number(task.Wasm.CallP99Us),
                Number(task.Wasm.RequestP50Us), Number(task.Wasm.RequestP99Us), Number(task.Tax?.RequestDeltaUs),
                task.Tax is { } tax ? $"{Number(tax.IntervalUs[0])} to {Number(tax.IntervalUs[1])}" : "-", Number(task.CodeRatio),
                task.Tax?.BudgetShare is { } share ? $"{Number(share * 100)} %" : "-", task.Tax?.Verdict ?? "native is not loaded",
            ]);
        }

        page.Append("</tbody></table></div>\n");
        Note(page, "Input: " + string.Join("; ", tasks.Select(task => $"{task.Task}: {task.Input}")) + ".");
        page.Append("</section>\n");
    }

    private static void Claims(StringBuilder page, IReadOnlyList<ClaimRow> claims)
    {
        page.Append("<section><h2>The claims</h2>\n<div class=\"wide\"><table><thead><tr><th>claim</th><th class=\"text\">claimed</th><th class=\"text\">peers as shipped</th>"
            + "<th class=\"text\">features off</th><th class=\"text\">Bimetal</th><th class=\"text\">verdict</th></tr></thead>\n<tbody>\n");
        foreach (var row in claims)
        {
            page.Append("<tr>");
            foreach (string cell in new[] { row.Claim, row.Claimed, row.Peers, row.Plain, row.Bimetal, row.Verdict }) page.Append("<td class=\"text\">").Append(Text(cell)).Append("</td>");
            page.Append("</tr>\n");
        }

        page.Append("</tbody></table></div></section>\n");
    }

    private static void Peers(StringBuilder page, IReadOnlyList<PeerReport> peers)
    {
        foreach (var peer in peers)
            Note(page, peer.Skipped is { } reason ? $"{peer.Name}: skipped, {reason}." : $"{peer.Name} {peer.Version}: {peer.Mode}; {Math.Max(peer.Tasks.Count, peer.Code.Count)} tasks.");
    }

    private static void Row(StringBuilder page, string[] cells)
    {
        page.Append("<tr>");
        foreach (string cell in cells) page.Append("<td>").Append(Text(cell)).Append("</td>");
        page.Append("</tr>\n");
    }

    private static void Note(StringBuilder page, string text) => page.Append("<p class=\"note\">").Append(Text(text)).Append("</p>\n");

    private static string Text(string text) => WebUtility.HtmlEncode(text);

    private static string Number(double? value) => value is { } number ? number.ToString(Math.Abs(number) < 100 ? "0.00" : "0", CultureInfo.InvariantCulture) : "-";
}
