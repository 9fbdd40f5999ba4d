// Measures plugin folders: builds what is stale, compares the metals' answers, runs the rounds, and makes the report.

using Bimetal.Meter.Receipts;
using Bimetal.Meter.Report;
using Bimetal.Meter.Statistics;
using Bimetal.Meter.Workloads;
using Bimetal.Plugins;
using Bimetal.Plugins.Bundles;
using Bimetal.Plugins.Bundles.Cases;

namespace Bimetal.Meter.Bench;

/// <summary>The entry point of `bench`.</summary>
public static class BenchRunner
{
    /// <summary>Measures.</summary>
    /// <param name="progress">Gets a line at each step.</param>
    /// <exception cref="PluginLoadException">A plugin cannot be built or loaded; the message is for a person.</exception>
    public static async Task<BenchReport> RunAsync(BenchRequest request, IProgress<string>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        var clock = MeterClock.Calibrate();
        var calibration = await Calibration.TryMeasureAsync(clock, progress, cancellation);
        var tasks = new List<BenchTask>();
        foreach (var folder in request.Folders)
        {
            await PluginBuilder.EnsureAsync(folder, progress: progress, cancellation: cancellation);
            tasks.Add(await MeasureAsync(folder, request.Plan, clock, calibration, progress, cancellation));
        }

        return new BenchReport { Machine = MachineDescription.OfThis(), Tasks = tasks, Summary = Summarise(tasks) };
    }

    private static async Task<BenchTask> MeasureAsync(
        PluginFolder folder, MeterPlan plan, MeterClock clock, Calibration? calibration, IProgress<string>? progress, CancellationToken cancellation)
    {
        string name = folder.Manifest.Name;
        var cases = CaseReader.ReadAll(folder);
        progress?.Report($"{name}: comparing {cases.Count} cases on both metals");
        var compared = await PluginCaseRunner.RunAsync(folder, cases, [Metal.Native, Metal.Wasm], cancellation: cancellation);
        await using var workload = await PluginWorkload.LoadAsync(folder, cases, cancellation);
        progress?.Report($"{name}: measuring {workload.Input}, {plan.Rounds} rounds");
        var times = new PluginMeter(workload, clock).Run(plan, progress: null, cancellation);
        double nativeLoadUs = await LoadTimer.MedianUsAsync(workload, Metal.Native, cancellation);
        double wasmLoadUs = await LoadTimer.MedianUsAsync(workload, Metal.Wasm, cancellation);
        var call = PairedComparison.Of(times[Arrangement.Native].RoundMediansUs, times[Arrangement.WasmShared].RoundMediansUs);
        var request = PairedComparison.Of(times[Arrangement.Native].RoundMediansUs, times[Arrangement.WasmPerRequest].RoundMediansUs);
        double? budgetUs = folder.Manifest.LatencyBudget?.TotalMicroseconds;
        return new BenchTask
        {
            Task = name,
            LatencyBudgetUs = budgetUs,
            Mode = "conformant; request: a fresh instance each",
            Input = workload.Input,
            Native = Figures(workload, times, Arrangement.Native, Arrangement.Native) with { ColdLoadUs = Round(nativeLoadUs) },
            Wasm = Figures(workload, times, Arrangement.WasmShared, Arrangement.WasmPerRequest) with { ColdLoadPrecompiledUs = Round(wasmLoadUs) },
            Tax = Tax(call, request, budgetUs),
            Receipt = HotReceipt.Of(times, request.Delta, calibration),
            NativeCosts = Costs(folder),
            SameResult = !compared.HasFailures && times.Values.All(one => one.Odd == 0),
        };
    }

    private static MetalFigures Figures(
        PluginWorkload workload, IReadOnlyDictionary<Arrangement, ArrangementTimes> times, Arrangement call, Arrangement request)
    {
        bool isWasm = call != Arrangement.Native;
        return new MetalFigures
        {
            CallP50Us = Round(times[call].P50Us),
            CallP99Us = Round(times[call].P99Us),
            RequestP50Us = Round(times[request].P50Us),
            RequestP99Us = Round(times[request].P99Us),
            CloneUs = isWasm ? Round(Quantile.Median(times[request].BeginUs)) : null,
            ResetUs = isWasm ? Round(Quantile.Median(times[request].EndUs)) : null,
            SizeBytes = new FileInfo(workload.Folder.PathOf(isWasm ? BuildTarget.Wasm : BuildTarget.NativeHere)).Length,
        };
    }

    private static TaxFigures Tax(PairedComparison call, PairedComparison request, double? budgetUs) => new()
    {
        CallRatio = Round(call.Ratio),
        CallDeltaUs = Round(call.Delta),
        RequestRatio = Round(request.Ratio),
        RequestDeltaUs = Round(request.Delta),
        IntervalUs = [Round(request.DeltaInterval.Low), Round(request.DeltaInterval.High)],
        BudgetShare = budgetUs is { } budget ? Math.Round(request.Delta / budget, 6) : null,
        Verdict = request.Verdict switch
        {
            ComparisonVerdict.FirstFaster => BenchVerdict.NativeFaster,
            ComparisonVerdict.SecondFaster => BenchVerdict.WasmFaster,
            _ => BenchVerdict.TooNoisy,
        },
    };

    private static NativeCosts Costs(PluginFolder folder)
    {
        var native = BuildTarget.All.Where(target => target.Metal == Metal.Native).ToLookup(target => folder.StateOf(target) == BuildState.Current);
        return new NativeCosts
        {
            Builds = native[true].Count(),
            Bytes = native[true].Sum(target => new FileInfo(folder.PathOf(target)).Length),
            Missing = [.. native[false].Select(target => target.Name)],
        };
    }

    private static BenchSummary Summarise(List<BenchTask> tasks) => new()
    {
        Tasks = tasks.Count,
        NativeWins = tasks.Count(task => task.Tax.Verdict == BenchVerdict.NativeFaster),
        CallRatioGeomean = Geomean(tasks.Select(task => task.Tax.CallRatio)),
        RequestRatioGeomean = Geomean(tasks.Select(task => task.Tax.RequestRatio)),
        RequestDeltaUsMedian = tasks.Count == 0 ? null : Round(Quantile.Median(tasks.Select(task => task.Tax.RequestDeltaUs))),
        MaxBudgetShare = tasks.Max(task => task.Tax.BudgetShare),
    };

    private static double? Geomean(IEnumerable<double> values)
    {
        double[] logarithms = [.. values.Where(value => value > 0).Select(value => Math.Log(value))];
        return logarithms.Length == 0 ? null : Round(Math.Exp(logarithms.Average()));
    }

    // Nanoseconds are the last digit that means anything.
    private static double Round(double value) => Math.Round(value, 3);
}
