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
        foreach (var task in report.Tasks)
        {
            text.Append('\n');
            WriteTask(text, task);
        }

        text.Append('\n');
        Wrapped(text, Summary(report.Summary), indent: 2);
        return text.ToString();
    }

    private static void WriteTask(StringBuilder text, BenchTask task)
    {
        Wrapped(text, $"{task.Task}: {task.Input}; {task.Mode}", indent: 2);
        Line(text, $"  {"us per exchange",-22}{"native p50",12}{"p99",10}{"wasm p50",12}{"p99",10}{"p50 diff",12}{"ratio",8}{"of budget",11}");
        Row(text, "call (warm instance)", task.Native.CallP50Us, task.Native.CallP99Us, task.Wasm.CallP50Us, task.Wasm.CallP99Us, task.Tax.CallDeltaUs, task.Tax.CallRatio, task.LatencyBudgetUs);
        Row(text, "request (fresh)", task.Native.RequestP50Us, task.Native.RequestP99Us, task.Wasm.RequestP50Us, task.Wasm.RequestP99Us, task.Tax.RequestDeltaUs, task.Tax.RequestRatio, task.LatencyBudgetUs);
        double p99Us = task.Wasm.RequestP99Us - task.Native.RequestP99Us;
        string p99Share = task.LatencyBudgetUs is { } budget ? $" ({Share(p99Us / budget)} of the budget)" : "";
        Line(text, $"  request tax: {Signed(task.Tax.RequestDeltaUs)} us, 95 % interval {Signed(task.Tax.IntervalUs[0])} to {Signed(task.Tax.IntervalUs[1])}: {task.Tax.Verdict}");
        Line(text, $"  at p99: {Signed(p99Us)} us{p99Share}; the metals' answers {(task.SameResult ? "are the same, byte for byte" : "DIFFER")}");
        string items = string.Join(", ", task.Receipt.Hot.Select(item => $"{item.Item} {Signed(item.Us)}"));
        Wrapped(text, $"  receipt (us): {items}, unexplained {Signed(task.Receipt.UnexplainedUs)}", indent: 4);
    }

    private static void Row(
        StringBuilder text, string name, double nativeP50Us, double nativeP99Us, double wasmP50Us, double wasmP99Us, double deltaUs, double ratio, double? budgetUs)
    {
        string share = budgetUs is { } budget ? Share(deltaUs / budget) : "-";
        Line(text, $"  {name,-22}{Number(nativeP50Us),12}{Number(nativeP99Us),10}{Number(wasmP50Us),12}{Number(wasmP99Us),10}{Signed(deltaUs),12}{ratio.ToString("0.00", CultureInfo.InvariantCulture),8}{share,11}");
    }

    private static string Summary(BenchSummary summary)
    {
        string ratios = summary.RequestRatioGeomean is { } request ? $"; geometric mean ratio: call {summary.CallRatioGeomean:0.00}, request {request:0.00}" : "";
        string share = summary.MaxBudgetShare is { } largest ? $"; at most {Share(largest)} of a budget" : "";
        return $"native faster in {summary.NativeWins} of {summary.Tasks} tasks{ratios}{share}";
    }

    private static string Number(double us) => us.ToString(us < 100 ? "0.00" : "0.0", CultureInfo.InvariantCulture);

    private static string Signed(double us) => us.ToString("+0.00;-0.00;0.00", CultureInfo.InvariantCulture);

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
