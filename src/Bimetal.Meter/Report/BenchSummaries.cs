// Figures over all tasks of a report.

using Bimetal.Meter.Statistics;

namespace Bimetal.Meter.Report;

internal static class BenchSummaries
{
    /// <summary>Sums up. Tasks without a native side count in none of the comparisons.</summary>
    public static BenchSummary Of(IReadOnlyList<BenchTask> tasks)
    {
        TaxFigures[] taxes = [.. tasks.Select(task => task.Tax).OfType<TaxFigures>()];
        return new BenchSummary
        {
            Tasks = tasks.Count,
            NativeWins = taxes.Count(tax => tax.NativeWins),
            CodeRatioGeomean = Geomean(tasks.Select(task => task.CodeRatio)),
            CallRatioGeomean = Geomean(taxes.Select(tax => (double?)tax.CallRatio)),
            RequestRatioGeomean = Geomean(taxes.Select(tax => (double?)tax.RequestRatio)),
            RequestDeltaUsMedian = taxes.Length == 0 ? null : Math.Round(Quantile.Median(taxes.Select(tax => tax.RequestDeltaUs)), 3),
            ColdRatioGeomean = Geomean(taxes.Select(tax => tax.ColdRatio)),
            ColdPrecompiledRatioGeomean = Geomean(taxes.Select(tax => tax.ColdPrecompiledRatio)),
            MaxBudgetShare = taxes.Max(tax => tax.BudgetShare),
        };
    }

    private static double? Geomean(IEnumerable<double?> values)
    {
        double[] logarithms = [.. values.OfType<double>().Where(value => value > 0).Select(value => Math.Log(value))];
        return logarithms.Length == 0 ? null : Math.Round(Math.Exp(logarithms.Average()), 3);
    }
}
