// A plan as text for a terminal of 100 columns: a table of plugins, their reasons, what native would cost, and the routes.

using System.Globalization;
using System.Text;

namespace Bimetal.Meter.Plan;

internal static class PlanTable
{
    public const int Columns = 100;

    public static string Write(PlanReport report)
    {
        var text = new StringBuilder();
        Wrapped(text, $"{report.Machine.Cpu}, {report.Machine.Cores} cores; planned for {Number(report.Rps)} requests per second; times in us", 2);
        text.Append('\n');
        Line(text, $"{"plugin",-18}{"trust",-13}{"budget",8}{"native p99",11}{"wasm p99",10}{"tax",9}{"of budget",11}{"cpu s/day",11}  {"runs on",-7}");
        foreach (var plugin in report.Plugins)
        {
            Line(text, $"{Short(plugin.Plugin, 17),-18}{plugin.Trust,-13}{Number(plugin.LatencyBudgetUs),8}{Number(plugin.Native?.P99Us),11}{Number(plugin.Wasm?.P99Us),10}{Number(plugin.TaxUs),9}"
                + $"{Share(plugin.BudgetShare),11}{Number(plugin.CpuSecondsPerDay),11}  {plugin.Decision,-7}");
        }

        foreach (var plugin in report.Plugins)
        {
            text.Append('\n');
            Wrapped(text, $"{plugin.Plugin}: {plugin.Decision}, because {plugin.Reason}.", 2);
            if (plugin.TaxIntervalUs is [var low, var high]) Wrapped(text, $"  tax: {Signed(plugin.TaxUs!.Value)} us per request, 95 % interval {Signed(low)} to {Signed(high)}; {plugin.Input}, {plugin.Measured}", 4);
            if (plugin.CostPerDay is { } cost) Wrapped(text, $"  in money: {Money(cost)} a day, {Money(cost * 365)} a year, at {report.CoreHourPrice!.Value.ToString(CultureInfo.InvariantCulture)} per core hour", 4);
            if (plugin.NativeCosts is { } native)
            {
                string missing = native.Missing.Count == 0 ? "" : $", not built for {string.Join(", ", native.Missing)}";
                Wrapped(text, $"  native costs: {native.Builds} {(native.Builds == 1 ? "build" : "builds")} of {native.Bytes} bytes to keep current{missing}; no sandbox, no CPU or memory limit, never unloaded", 4);
            }

            if (plugin.Shadow is { } shadow) Wrapped(text, $"  shadow: {shadow.Different} of {shadow.Compared} live requests came out differently{(shadow.Example is null ? "" : ", such as " + shadow.Example)}", 4);
            if (plugin.Problem is not null) Wrapped(text, "  not measured: " + plugin.Problem, 4);
        }

        if (report.Routes.Count > 0) text.Append('\n');
        foreach (var route in report.Routes)
        {
            string sum = route.P99SumUs is { } us ? $"p99s add up to at most {Number(us)} us" : "not every plugin was measured";
            string budget = route.LatencyBudgetUs is { } limit ? $" of a budget of {Number(limit)} us{(route.Fits is { } fits ? fits ? $" ({Share(route.BudgetShare)}): fits" : $" ({Share(route.BudgetShare)}): DOES NOT FIT" : "")}" : "; the route has no latency_budget";
            Wrapped(text, $"route {route.Route}: {string.Join(", ", route.Plugins)}: {sum}{budget}", 2);
        }

        return text.ToString();
    }

    private static string Short(string name, int length) => name.Length <= length ? name : name[..(length - 1)] + "…";

    private static string Number(double? value) => value is not { } number ? "-" : number.ToString(Math.Abs(number) < 100 ? "0.##" : "0", CultureInfo.InvariantCulture);

    private static string Signed(double us) => us.ToString("+0.00;-0.00;0.00", CultureInfo.InvariantCulture);

    private static string Money(double value) => value.ToString("0.####", CultureInfo.InvariantCulture);

    private static string Share(double? share) => share is not { } value ? "-" : (value * 100).ToString("0.##", CultureInfo.InvariantCulture) + " %";

    private static void Line(StringBuilder text, string line) => text.Append((line.Length <= Columns ? line : line[..Columns]).TrimEnd()).Append('\n');

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
