// A report as text for a terminal of 100 columns.

using System.Globalization;
using System.Text;

namespace Bimetal.Meter.Report;

/// <summary>Writes the table of `bench` and of `demo --once`.</summary>
public static class BenchTable
{
    public const int Columns = 100;

    /// <summary>Lines of at most <see cref="Columns"/> characters, with a line end after each.</summary>
    public static string Write(BenchReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        var text = new StringBuilder();
        var machine = report.Machine;
        Wrapped(text, $"{machine.Cpu}, {machine.Cores} cores, {machine.Kernel}{(machine.Governor is null ? "" : ", governor " + machine.Governor)}", indent: 2);
        Line(text, $"{machine.Runtime}, Bimetal {machine.Bimetal}, {machine.Date}");
        if (report.Tasks.Any(task => task.Wasm.CloneUs is not null))
            Line(text, "request: a fresh instance, its callbacks and host calls, and its reset; no network takes part");
        foreach (var task in report.Tasks)
        {
            text.Append('\n');
            WriteTask(text, task);
        }

        text.Append('\n');
        Wrapped(text, Summary(report.Summary), indent: 2);
        if (report.Claims.Count > 0) WriteClaims(text, report.Claims);
        foreach (var peer in report.Peers)
            Wrapped(text, peer.Skipped is { } reason ? $"peer {peer.Name}: skipped, {reason}" : $"peer {peer.Name}{(peer.Version is null ? "" : " " + peer.Version)}: {peer.Mode}; {(peer.Code.Count > 0 ? $"{peer.Code.Count} tasks" : $"the same result in {peer.Tasks.Count(task => task.SameResult)} of {peer.Tasks.Count} tasks")}", indent: 2);
        string stages = string.Join(", ", report.RunSecondsBy.Select(stage => string.Create(CultureInfo.InvariantCulture, $"{stage.Key} {stage.Value:0.0}")));
        Wrapped(text, string.Create(CultureInfo.InvariantCulture, $"measured in {report.RunSeconds:0.0} s{(stages.Length == 0 ? "" : ": " + stages)}"), indent: 2);
        return text.ToString();
    }

    private static void WriteTask(StringBuilder text, BenchTask task)
    {
        Wrapped(text, $"{task.Task}: {task.Input}; {task.Mode}", indent: 2);
        if (task is { Native: { } native, Tax: { } tax }) WriteTax(text, task, native, tax);
        else WriteWasmAlone(text, task.Wasm);
        WriteCold(text, task);
        if (task.Receipt.Cold.Count > 0)
            Wrapped(text, $"  cold receipt (ms): {string.Join(", ", task.Receipt.Cold.Select(item => $"{item.Item} {Signed(item.Us / 1000)}"))}", indent: 4);
        if (task.NativeCosts is { } costs) WriteCosts(text, costs);
    }

    private static void WriteTax(StringBuilder text, BenchTask task, MetalFigures native, TaxFigures tax)
    {
        Line(text, $"  {"us per exchange",-24}{"native p50",12}{"p99",10}{"wasm p50",12}{"p99",10}{"p50 diff",11}{"ratio",7}{"of budget",11}");
        Row(text, "call (instance: shared)", native.CallP50Us, native.CallP99Us, task.Wasm.CallP50Us, task.Wasm.CallP99Us, tax.CallDeltaUs, tax.CallRatio, task.LatencyBudgetUs);
        if (task.Wasm.CloneUs is not null)
            Row(text, "request (fresh)", native.RequestP50Us, native.RequestP99Us, task.Wasm.RequestP50Us, task.Wasm.RequestP99Us, tax.RequestDeltaUs, tax.RequestRatio, task.LatencyBudgetUs);
        if (task.NativeBest is { } best) Line(text, $"  best native: {Number(best.CallP50Us)} us p50, {Number(best.CallP99Us)} p99 ({best.Build})");
        if (task.NativeFilter is { } filter) Line(text, $"  built-in filter {filter.Filter}: {Number(filter.P50Us)} us p50, {Number(filter.P99Us)} p99 (C#, part of the gateway)");
        if (task.CodeRatio is { } code) Line(text, string.Create(CultureInfo.InvariantCulture, $"  the code alone, without ABI and host: wasm takes {code:0.00} times as long"));
        if (task.Gateway is { } wire)
            Wrapped(text, $"  through the gateway at {wire.RequestsPerSecond}/s, p50 / p99: without {Number(wire.PlainP50Us)} / {Number(wire.PlainP99Us)}, native {Number(wire.NativeP50Us)} / {Number(wire.NativeP99Us)}, "
                + $"wasm {Number(wire.WasmP50Us)} / {Number(wire.WasmP99Us)} us: {wire.Verdict}", indent: 4);
        double p99Us = task.Wasm.RequestP99Us - native.RequestP99Us;
        string p99Share = task.LatencyBudgetUs is { } budget ? $" ({Share(p99Us / budget)} of the budget)" : "";
        Line(text, $"  request tax: {Signed(tax.RequestDeltaUs)} us, 95 % interval {Signed(tax.IntervalUs[0])} to {Signed(tax.IntervalUs[1])}: {tax.Verdict}");
        Line(text, $"  at p99: {Signed(p99Us)} us{p99Share}; the metals' answers {(task.SameResult ? "are the same, byte for byte" : "DIFFER")}");
        WriteReceipt(text, task.Receipt, tax);
    }

    private static void WriteReceipt(StringBuilder text, Receipt receipt, TaxFigures tax)
    {
        string items = string.Join(", ", receipt.Hot.Select(item => $"{item.Item} {Signed(item.Us)}"));
        double share = receipt.UnexplainedShareOf(tax.RequestDeltaUs);
        string flag = share > Receipt.LargeShare ? $" ({share * 100:0} % of the tax: MUCH)" : "";
        Wrapped(text, $"  receipt (us): {items}, unexplained {Signed(receipt.UnexplainedUs)}{flag}", indent: 4);
        foreach (var item in receipt.WhatIf) Line(text, $"  what if: {item.Item} would add {Signed(item.Us)} us");
    }

    private static void WriteWasmAlone(StringBuilder text, MetalFigures wasm)
    {
        Line(text, $"  wasm alone (us): call {Number(wasm.CallP50Us)} p50, {Number(wasm.CallP99Us)} p99; request {Number(wasm.RequestP50Us)} p50, {Number(wasm.RequestP99Us)} p99");
        Line(text, "  third-party or without sources: native code of it is never loaded, so nothing is compared");
    }

    private static void WriteCold(StringBuilder text, BenchTask task)
    {
        if (task.Wasm.ColdLoadPrecompiledUs is null) return;
        Wrapped(text, $"  cold load to first answer (ms): native {Ms(task.Native?.ColdLoadUs)}, wasm {Ms(task.Wasm.ColdLoadPrecompiledUs)}, compiled on the way {Ms(task.Wasm.ColdLoadUs)}", indent: 4);
        if (task.Wasm.ColdProcessUs is null) return;
        Wrapped(text, $"  fresh process to first answer (ms): native {Ms(task.Native?.ColdProcessUs)}, wasm {Ms(task.Wasm.ColdProcessUs)}; "
            + $"memory (KiB): native {Kib(task.Native?.MemoryBytes)}, wasm {Kib(task.Wasm.MemoryBytes)}; "
            + $"each request in flight: {Kib(task.Native?.InstanceBytes)}, {Kib(task.Wasm.InstanceBytes)}", indent: 4);
    }

    private static void WriteClaims(StringBuilder text, IReadOnlyList<ClaimRow> claims)
    {
        text.Append('\n');
        Line(text, "The claims (claimed | peers as shipped | Bimetal with its features off | Bimetal):");
        foreach (var row in claims)
        {
            Line(text, $"{row.Claim} {new string('.', Math.Max(2, Columns - row.Claim.Length - row.Verdict.Length - 2))} {row.Verdict}");
            Wrapped(text, $"  {row.Claimed} | {row.Peers} | {row.Plain} | {row.Bimetal}", indent: 4);
        }
    }

    private static void WriteCosts(StringBuilder text, NativeCosts costs)
    {
        string missing = costs.Missing.Count == 0 ? "" : $"; not built: {string.Join(", ", costs.Missing)}";
        Wrapped(text, $"  what native costs: {costs.Builds} build{(costs.Builds == 1 ? "" : "s")} of {costs.BuildSeconds?.ToString("0.00", CultureInfo.InvariantCulture) ?? "?"} s, {costs.Bytes} bytes{missing}; no sandbox, no limits, never unloaded", indent: 4);
    }

    private static void Row(
        StringBuilder text, string name, double nativeP50Us, double nativeP99Us, double wasmP50Us, double wasmP99Us, double deltaUs, double ratio, double? budgetUs)
    {
        string share = budgetUs is { } budget ? Share(deltaUs / budget) : "-";
        Line(text, $"  {name,-24}{Number(nativeP50Us),12}{Number(nativeP99Us),10}{Number(wasmP50Us),12}{Number(wasmP99Us),10}{Signed(deltaUs),11}{ratio.ToString("0.00", CultureInfo.InvariantCulture),7}{share,11}");
    }

    private static string Summary(BenchSummary summary)
    {
        string ratios = summary.RequestRatioGeomean is { } request ? $"; geometric mean ratio: call {summary.CallRatioGeomean:0.00}, request {request:0.00}" : "";
        if (summary.CodeRatioGeomean is { } code) ratios += $", code alone {code:0.00}";
        if (summary.ColdPrecompiledRatioGeomean is { } cold) ratios += $", cold load {cold:0.0} ({summary.ColdRatioGeomean:0.0} when compiled on the way)";
        string sessions = summary.Tasks == 1 ? "" : " in every session";
        string share = summary.MaxBudgetShare is { } largest ? $"; at most {Share(largest)} of a budget" : "";
        return $"native faster in {summary.NativeWins} of {summary.Tasks} tasks{sessions}{ratios}{share}";
    }

    private static string Number(double us) => us.ToString(us < 1 ? "0.000" : us < 100 ? "0.00" : "0.0", CultureInfo.InvariantCulture);

    private static string Signed(double us) => us.ToString("+0.00;-0.00;0.00", CultureInfo.InvariantCulture);

    private static string Ms(double? us) => us is { } value ? (value / 1000).ToString("0.00", CultureInfo.InvariantCulture) : "-";

    private static string Kib(long? bytes) => bytes is { } value ? (value / 1024.0).ToString("0", CultureInfo.InvariantCulture) : "-";

    private static string Share(double share) => (share * 100).ToString("0.00", CultureInfo.InvariantCulture) + " %";

    private static void Line(StringBuilder text, string line) => text.Append(line.Length <= Columns ? line : line[..Columns]).Append('\n');

    private static void Wrapped(StringBuilder text, string line, int indent)
    {
        while (line.Length > Columns)
        {
            int cut = line.LastIndexOf(' ', Columns - 1);
            if (cut <= indent) break;
            Line(text, line[..cut]);
            line = new string(' ', indent) + line[(cut + 1)..];
        }

        Line(text, line);
    }
}
