// Two reports of one machine: what got slower beyond noise. Sessions differ more than the rounds of one session do (memory is laid out
// differently, the neighbours are others), so intervals that do not touch are not enough: the difference must also be large in itself.

using System.Globalization;

namespace Bimetal.Meter.Report;

/// <summary>One figure that is in both reports.</summary>
public sealed record ComparedFigure(string Task, string Figure, double BeforeUs, double AfterUs, bool IsRegression);

/// <summary>Compares reports.</summary>
public static class BenchComparison
{
    /// <summary>Below this share of the old figure a difference is noise between sessions.</summary>
    public const double LeastShare = 0.1;

    /// <summary>Below so many microseconds a difference is noise between sessions.</summary>
    public const double LeastUs = 0.05;

    /// <summary>Why two reports cannot be compared, one line; null when they can.</summary>
    public static string? Objection(BenchReport before, BenchReport after)
    {
        ArgumentNullException.ThrowIfNull(before);
        ArgumentNullException.ThrowIfNull(after);
        if (before.Schema != after.Schema) return $"its schema is {before.Schema}, not {after.Schema}";
        if (before.Machine.Cpu != after.Machine.Cpu || before.Machine.Cores != after.Machine.Cores)
            return $"it was measured on {before.Machine.Cpu} with {before.Machine.Cores} cores, this is {after.Machine.Cpu} with {after.Machine.Cores}; figures of different machines are not compared";
        if (!before.Tasks.Any(task => after.Tasks.Any(other => other.Task == task.Task))) return "it has none of the tasks that were measured now";
        return null;
    }

    /// <summary>Every figure that both have, task by task.</summary>
    public static IReadOnlyList<ComparedFigure> Compare(BenchReport before, BenchReport after)
    {
        ArgumentNullException.ThrowIfNull(before);
        ArgumentNullException.ThrowIfNull(after);
        var figures = from task in after.Tasks
                      join old in before.Tasks on task.Task equals old.Task
                      from figure in Figures(old, task)
                      select figure;
        return [.. figures];
    }

    /// <summary>The comparison as lines, regressions marked.</summary>
    public static string Write(IReadOnlyList<ComparedFigure> figures, string beforeFile)
    {
        ArgumentNullException.ThrowIfNull(figures);
        int slower = figures.Count(figure => figure.IsRegression);
        var lines = figures.Select(figure => string.Create(
            CultureInfo.InvariantCulture,
            $"  {figure.Task,-18} {figure.Figure,-24} {figure.BeforeUs,10:0.00} {figure.AfterUs,10:0.00} us{(figure.IsRegression ? "  REGRESSION" : "")}"));
        return string.Join('\n', [$"compared with {beforeFile}: {slower} regression{(slower == 1 ? "" : "s")} beyond noise", .. lines, ""]);
    }

    private static IEnumerable<ComparedFigure> Figures(BenchTask before, BenchTask after)
    {
        if (before.Tax is { } oldTax && after.Tax is { } newTax)
        {
            yield return Of(after.Task, "request tax", oldTax.RequestDeltaUs, newTax.RequestDeltaUs, oldTax.IntervalUs, newTax.IntervalUs);
            yield return Of(after.Task, "call tax", oldTax.CallDeltaUs, newTax.CallDeltaUs, oldTax.CallIntervalUs, newTax.CallIntervalUs);
        }

        yield return Of(after.Task, "wasm request p50", before.Wasm.RequestP50Us, after.Wasm.RequestP50Us, before.Wasm.RequestP50IntervalUs, after.Wasm.RequestP50IntervalUs);
        yield return Of(after.Task, "wasm call p50", before.Wasm.CallP50Us, after.Wasm.CallP50Us, before.Wasm.CallP50IntervalUs, after.Wasm.CallP50IntervalUs);
        if (before.Native is { } oldNative && after.Native is { } newNative)
            yield return Of(after.Task, "native p50", oldNative.RequestP50Us, newNative.RequestP50Us, oldNative.RequestP50IntervalUs, newNative.RequestP50IntervalUs);
    }

    private static ComparedFigure Of(string task, string figure, double before, double after, IReadOnlyList<double>? beforeInterval, IReadOnlyList<double>? afterInterval)
    {
        double atMost = beforeInterval?[1] ?? before, atLeast = afterInterval?[0] ?? after;
        bool isRegression = atLeast > atMost && after - before > Math.Max(LeastUs, LeastShare * Math.Abs(before));
        return new ComparedFigure(task, figure, before, after, isRegression);
    }
}
