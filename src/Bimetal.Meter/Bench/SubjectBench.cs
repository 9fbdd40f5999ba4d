// All measurements of one plugin, in an order that leaves none of them the other's work: build, compare answers, cold loads, fresh
// processes, then the rounds.

using Bimetal.Meter.Cold;
using Bimetal.Meter.Functions;
using Bimetal.Meter.Receipts;
using Bimetal.Meter.Report;
using Bimetal.Meter.Statistics;
using Bimetal.Meter.Wire;
using Bimetal.Meter.Workloads;
using Bimetal.Plugins;
using Bimetal.Plugins.Bundles;
using Bimetal.Plugins.Bundles.Cases;

namespace Bimetal.Meter.Bench;

/// <summary>Measures subjects under one request.</summary>
internal sealed class SubjectBench(
    BenchRequest request, MeterClock clock, ColdLoad coldLoad, IReadOnlyDictionary<string, TimeSpan> nativeBuilds, RunTimes stages, IProgress<string>? progress)
{
    private const string Mode = "conformant; request: a fresh instance each";

    /// <exception cref="PluginLoadException">It cannot be built or loaded.</exception>
    public async Task<BenchTask> MeasureAsync(BenchSubject subject, CancellationToken cancellation)
    {
        var costs = await stages.TimeAsync("builds", () => BuildAsync(subject, cancellation));
        bool isSame = await stages.TimeAsync("answers compared", () => CompareAsync(subject, cancellation));
        var best = request.Ablates ? await stages.TimeAsync("best native", () => NativeBest.TryBuildAsync(subject, progress, cancellation)) : null;
        var filter = request.Ablates ? await NativeFilter.TryFindAsync(subject, progress) : null;
        Report(subject, "cold loads");
        var cold = await stages.TimeAsync("cold loads", () => LoadColdAsync(subject, cancellation));
        var processes = request.Processes > 0 && ColdProcess.IsPossible
            ? await stages.TimeAsync("fresh processes", () => ColdProcess.MeasureAsync(subject, best is not null, request.Processes, cancellation))
            : new Dictionary<string, ColdProcessFigures>();
        Report(subject, $"{subject.Input}, {request.Sessions} sessions of {request.Plan.Rounds} rounds");
        var replays = new List<IReadOnlyDictionary<ReplayArrangement, ArrangementTimes>>();
        var sessions = await RunSessionsAsync(subject, best, filter, replays, cancellation);
        var times = Merge(sessions);
        var code = request.Ablates ? await stages.TimeAsync("code alone", () => CodeMeter.TryMeasureAsync(subject, request.Plan.Rounds * request.Sessions, progress, cancellation)) : null;
        var task = new BenchTask
        {
            Task = subject.Name,
            LatencyBudgetUs = subject.LatencyBudgetUs,
            Mode = Mode,
            Input = subject.Input,
            Wasm = Figures(subject.WasmPath, times[Arrangement.WasmShared], times[Arrangement.WasmPerRequest], processes.GetValueOrDefault("wasm")) with
            {
                ColdLoadUs = Rounded(cold.Compiled.TotalUs),
                ColdLoadIntervalUs = Bounds(cold.Compiled.TotalIntervalUs),
                ColdLoadPrecompiledUs = Rounded(cold.Precompiled.TotalUs),
                ColdLoadPrecompiledIntervalUs = Bounds(cold.Precompiled.TotalIntervalUs),
                ValidateUs = Rounded(cold.Precompiled["validate"]),
                CompileMs = Rounded((cold.Compiled["compile"] + cold.Compiled["link"]) / 1000),
                CloneUs = MedianOf(times[Arrangement.WasmPerRequest].BeginUs),
                ResetUs = MedianOf(times[Arrangement.WasmPerRequest].EndUs),
                PlainRequestUs = Rounded(cold.PlainRequestUs),
            },
            Receipt = new Receipt { Hot = [], UnexplainedUs = 0 },
            NativeCosts = costs,
            SameResult = isSame && times.Values.All(one => one.Odd == 0),
        };
        return cold.Native is null ? task : WithNative(task, subject, times, sessions, replays, cold, processes.GetValueOrDefault("native"), code) with
        {
            Gateway = request.WireTime > TimeSpan.Zero ? await stages.TimeAsync("gateway", () => GatewayMeter.TryMeasureAsync(subject, request.WireTime, cancellation)) : null,
            NativeFilter = filter is null ? null : FilterFiguresOf(filter, times[Arrangement.NativeFilter]),
            NativeBest = best is null ? null : await BestAsync(subject, best, filter, times, processes.GetValueOrDefault(ColdProcess.Best), cancellation),
        };
    }

    /// <summary>Each session loads the plugin anew.</summary>
    private async Task<List<IReadOnlyDictionary<Arrangement, ArrangementTimes>>> RunSessionsAsync(
        BenchSubject subject, NativeBest? best, NativeFilter? filter, List<IReadOnlyDictionary<ReplayArrangement, ArrangementTimes>> replays, CancellationToken cancellation)
    {
        var replay = request.Ablates ? await ReplayMeter.TryPrepareAsync(subject, progress, cancellation) : null;
        var sessions = new List<IReadOnlyDictionary<Arrangement, ArrangementTimes>>();
        while (sessions.Count < request.Sessions)
        {
            await using var workload = await stages.TimeAsync("loads of sessions", () => PluginWorkload.LoadAsync(subject, Arrangements(subject), best?.Path, cancellation, filter is null ? null : filter.Make));
            var times = await stages.TimeAsync("rounds", () => Task.FromResult(workload.Measure(request.Plan, clock, cancellation)));
            sessions.Add(times);
            if (replay is null) continue;
            var replayed = await stages.TimeAsync("replays", () => replay.TryMeasureAsync(request.Plan.ForReplays, clock, times[Arrangement.Native], times[Arrangement.WasmShared], progress, cancellation));
            if (replayed is null) replay = null;
            else replays.Add(replayed);
        }

        return sessions;
    }

    /// <summary>The faster one of the plugin's best native build and the built-in filter.</summary>
    private async Task<MetalFigures> BestAsync(
        BenchSubject subject, NativeBest best, NativeFilter? filter, Dictionary<Arrangement, ArrangementTimes> times, ColdProcessFigures? process, CancellationToken cancellation)
    {
        var built = times[Arrangement.NativeBest];

        // A filter is part of the gateway: it is neither loaded nor has it a size of its own.
        if (filter is not null && times[Arrangement.NativeFilter] is var own && own.P50Us < built.P50Us)
            return Figures(best.Path, own, own, process: null) with { Build = filter.Build, SizeBytes = 0 };
        var cold = await stages.TimeAsync("cold loads", () => coldLoad.PrecompiledAsync(subject, subject.ConfigForBest(best.Path), request.ColdLoads, cancellation));
        return Figures(best.Path, built, built, process) with { Build = best.Build, ColdLoadUs = Rounded(cold.TotalUs), ColdLoadIntervalUs = Bounds(cold.TotalIntervalUs) };
    }

    private static FilterFigures FilterFiguresOf(NativeFilter filter, ArrangementTimes times) =>
        new(filter.Name, Rounded(times.P50Us), Bounds(MedianInterval.Of(times.RoundMediansUs)), Rounded(times.P99Us));

    private static BenchTask WithNative(
        BenchTask task, BenchSubject subject, Dictionary<Arrangement, ArrangementTimes> times, List<IReadOnlyDictionary<Arrangement, ArrangementTimes>> sessions,
        List<IReadOnlyDictionary<ReplayArrangement, ArrangementTimes>> replays,
        (ColdTimes Compiled, ColdTimes Precompiled, double PlainRequestUs, ColdTimes? Native) cold, ColdProcessFigures? process, CodeFigures? code)
    {
        var native = cold.Native!;
        PairedComparison[] each = [.. sessions.Select(session => PairedComparison.Of(session[Arrangement.Native].RoundMediansUs, session[Arrangement.WasmPerRequest].RoundMediansUs))];
        var warm = times[Arrangement.Native];
        var call = PairedComparison.Of(warm.RoundMediansUs, times[Arrangement.WasmShared].RoundMediansUs);
        var fresh = PairedComparison.Of(warm.RoundMediansUs, times[Arrangement.WasmPerRequest].RoundMediansUs);
        return task with
        {
            Native = Figures(subject.NativePath!, warm, warm, process) with { ColdLoadUs = Rounded(native.TotalUs), ColdLoadIntervalUs = Bounds(native.TotalIntervalUs) },
            CodeRatio = code is null ? null : Rounded(code.Ratio),
            CodeRatioInterval = code is null ? null : Bounds(code.RatioInterval),
            CodeNativeUs = code is null ? null : Rounded(code.NativeUs),
            Tax = new TaxFigures
            {
                Sessions = [.. each.Select(one => new SessionFigures(Rounded(one.Delta), Bounds(one.DeltaInterval)))],
                NativeWins = RepeatedSessions.IsFirstAlwaysFaster(each),
                CallRatio = Rounded(call.Ratio),
                CallDeltaUs = Rounded(call.Delta),
                CallIntervalUs = Bounds(call.DeltaInterval),
                CallRatioInterval = Bounds(call.RatioInterval),
                RequestRatio = Rounded(fresh.Ratio),
                RequestDeltaUs = Rounded(fresh.Delta),
                IntervalUs = Bounds(fresh.DeltaInterval),
                RequestRatioInterval = Bounds(fresh.RatioInterval),
                BudgetShare = subject.LatencyBudgetUs is { } budget ? Math.Round(fresh.Delta / budget, 6) : null,
                ColdRatio = Rounded(cold.Compiled.TotalUs / native.TotalUs),
                ColdPrecompiledRatio = Rounded(cold.Precompiled.TotalUs / native.TotalUs),
                Verdict = BenchVerdict.Of(fresh.Verdict),
            },
            Receipt = HotReceipt.Of(times, fresh.Delta, replays.Count < sessions.Count ? null : Merge(replays), code?.StrippedDeltasUs) with { Cold = ColdReceipt.Of(native, cold.Compiled) },
        };
    }

    private IReadOnlyList<Arrangement> Arrangements(BenchSubject subject)
    {
        if (!request.Ablates) return PluginWorkload.Taxes;
        // A receipt is a comparison: without native there is none.
        return subject.MayRunNative ? request.Arrangements : PluginWorkload.Taxes;
    }

    /// <summary>Builds the native metal once more, for what a build takes, if it was not built in this run.</summary>
    private async Task<NativeCosts?> BuildAsync(BenchSubject subject, CancellationToken cancellation)
    {
        if (!subject.MayRunNative) return null;
        var folder = subject.Folder!;
        if (!nativeBuilds.TryGetValue(subject.Name, out var took)) took = (await PluginBuilder.BuildAsync(folder, [BuildTarget.NativeHere], progress: null, cancellation))[0].Time;
        var native = BuildTarget.All.Where(target => target.Metal == Metal.Native).ToLookup(target => folder.StateOf(target) == BuildState.Current);
        return new NativeCosts
        {
            Builds = native[true].Count(),
            BuildSeconds = Math.Round(took.TotalSeconds, 2),
            Bytes = native[true].Sum(target => new FileInfo(folder.PathOf(target)).Length),
            Missing = [.. native[false].Select(target => target.Name)],
        };
    }

    /// <summary>Every case, byte for byte; true as well where there is one metal alone.</summary>
    private async Task<bool> CompareAsync(BenchSubject subject, CancellationToken cancellation)
    {
        if (!subject.MayRunNative) return true;
        Report(subject, $"comparing {subject.AllCases.Count} cases on both metals");
        var compared = await PluginCaseRunner.RunAsync(subject.Folder!, subject.AllCases, [Metal.Native, Metal.Wasm], cancellation: cancellation);
        return !compared.HasFailures;
    }

    private async Task<(ColdTimes Compiled, ColdTimes Precompiled, double PlainRequestUs, ColdTimes? Native)> LoadColdAsync(BenchSubject subject, CancellationToken cancellation)
    {
        var compiled = await coldLoad.CompileAsync(subject, request.Compilations, cancellation);
        var precompiled = await coldLoad.PrecompiledAsync(subject, Metal.Wasm, request.ColdLoads, cancellation);
        double plainUs = await coldLoad.PlainRequestUsAsync(subject, request.ColdLoads, cancellation);
        return (compiled, precompiled, plainUs, subject.MayRunNative ? await coldLoad.PrecompiledAsync(subject, Metal.Native, request.ColdLoads, cancellation) : null);
    }

    private static MetalFigures Figures(string file, ArrangementTimes call, ArrangementTimes fresh, ColdProcessFigures? process) => new()
    {
        ColdProcessUs = process?.Us.Value,
        ColdProcessIntervalUs = process is null ? null : Bounds(process.Us.Interval),
        CallP50Us = Rounded(call.P50Us),
        CallP50IntervalUs = Bounds(MedianInterval.Of(call.RoundMediansUs)),
        CallP99Us = Rounded(call.P99Us),
        RequestP50Us = Rounded(fresh.P50Us),
        RequestP50IntervalUs = Bounds(MedianInterval.Of(fresh.RoundMediansUs)),
        RequestQuantilesUs = [.. fresh.QuantilesUs.Select(Rounded)],
        RequestP99Us = Rounded(fresh.P99Us),
        RequestP99IntervalUs = Bounds(MedianInterval.Of(fresh.RoundP99sUs)),
        MemoryBytes = (long?)process?.MemoryBytes.Value,
        MemoryIntervalBytes = process is null ? null : Bounds(process.MemoryBytes.Interval),
        InstanceBytes = (long?)process?.InstanceBytes.Value,
        SizeBytes = new FileInfo(file).Length,
    };

    private static Dictionary<TArrangement, ArrangementTimes> Merge<TArrangement>(List<IReadOnlyDictionary<TArrangement, ArrangementTimes>> sessions)
        where TArrangement : struct, Enum =>
        sessions[0].Keys.ToDictionary(arrangement => arrangement, arrangement => ArrangementTimes.Merge([.. sessions.Select(session => session[arrangement])]));

    private static double MedianOf(List<double[]> rounds) => Rounded(Quantile.Median(rounds.Select(cases => Quantile.Median(cases))));

    private static double[] Bounds(Interval interval) => [Rounded(interval.Low), Rounded(interval.High)];

    private void Report(BenchSubject subject, string what) => progress?.Report($"{subject.Name}: {what}");

    // Nanoseconds are the last digit that means anything.
    private static double Rounded(double value) => Math.Round(value, 3);
}
