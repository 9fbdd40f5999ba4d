// The claims of the article "Your WASM 'Future-Proofing' Is Actually a 6x Performance Tax", one row each, judged by rules that stand here and by
// intervals that were measured, not by eye. A ratio is confirmed from the low end of the article's own range on; a rule looks at Bimetal's column
// alone, never at the plain one.

using Bimetal.Meter.Statistics;
using static Bimetal.Meter.Report.ClaimText;

namespace Bimetal.Meter.Report;

/// <summary>Makes the rows of a report.</summary>
internal sealed class ClaimsTable
{
    /// <summary>The article: 3-10x hot, 2.7-7.5x cold.</summary>
    private const double LeastHotRatio = 3;
    private const double LeastColdRatio = 2.7;

    /// <summary>The low ends of what it says of WASM: 3-5 ms hot, 8-15 ms cold.</summary>
    private const double LeastHotUs = 3000;
    private const double LeastColdUs = 8000;

    /// <summary>Low end of what explicit checks cost in published figures.</summary>
    private const double LeastBoundsRatio = 1.2;

    /// <summary>The article's budget of a request.</summary>
    private const double RequestBudgetUs = 10_000;
    private const double NoticeableUs = 0.01 * RequestBudgetUs;
    private const double Consistently = 0.9;
    private const double Often = 0.5;

    private readonly BenchTask[] _tasks;
    private readonly IReadOnlyList<PeerReport> _peers;

    private ClaimsTable(BenchTask[] tasks, IReadOnlyList<PeerReport> peers)
    {
        _tasks = tasks;
        _peers = peers;
    }

    /// <summary>The rows; empty when no task has both metals.</summary>
    /// <param name="emptyProcess">A fresh process without a plugin.</param>
    public static IReadOnlyList<ClaimRow> Of(IReadOnlyList<BenchTask> tasks, IReadOnlyList<PeerReport> peers, ClaimFigure? emptyProcess)
    {
        BenchTask[] both = [.. tasks.Where(task => task is { Native: not null, Tax: not null })];
        if (both.Length == 0) return [];
        var table = new ClaimsTable(both, peers);
        return [.. table.Hot(), .. table.Cold(emptyProcess), .. table.Sandbox(), .. table.Winning(), .. table.Beyond()];
    }

    private IEnumerable<ClaimRow> Hot()
    {
        var code = CodeRatio();
        var call = Ratio(task => ClaimFigure.Of(task.Tax!.CallRatio, task.Tax.CallRatioInterval));
        var request = Ratio(task => ClaimFigure.Of(task.Tax!.RequestRatio, task.Tax.RequestRatioInterval));
        var plain = ClaimFigure.Geomean(_tasks.Select(task => task.Wasm.PlainRequestUs is { } us ? ClaimFigure.Of(us / task.Native!.RequestP50Us, null) : (ClaimFigure?)null));
        yield return new ClaimRow(
            "WASM takes 6 times as long, hot: the code itself", "6x (3-10x)", OfPeers(_peers, PeerCode, ClaimText.Ratio), Nobody, ClaimText.Ratio(code), ClaimVerdict.AtLeast(code, LeastHotRatio));
        yield return new ClaimRow(
            "... a call of a warm instance", "6x (3-10x)", PeerRatios(peer => peer.CallP50Us), Nobody, ClaimText.Ratio(call), ClaimVerdict.AtLeast(call, LeastHotRatio));
        yield return new ClaimRow(
            "... a request with a fresh instance", "6x (3-10x)", PeerRatios(peer => peer.RequestP50Us), ClaimText.Ratio(plain), ClaimText.Ratio(request),
            ClaimVerdict.AtLeast(request, LeastHotRatio));
        var nativeUs = Median(task => ClaimFigure.Of(task.Native!.RequestP50Us, task.Native.RequestP50IntervalUs));
        var wasmUs = Median(task => ClaimFigure.Of(task.Wasm.RequestP50Us, task.Wasm.RequestP50IntervalUs));
        yield return new ClaimRow(
            "hot: 0.5-1 ms native, 3-5 ms WASM", "3-5 ms", PeerTimes(peer => peer.RequestP50Us), Us(Median(task => task.Wasm.PlainRequestUs is { } us ? ClaimFigure.Of(us, null) : null)?.Value),
            $"{Us(nativeUs?.Value)} native, {Us(wasmUs?.Value)} wasm", ClaimVerdict.AtLeast(wasmUs, LeastHotUs));
        var most = ClaimFigure.Over(_tasks.Select(task => (ClaimFigure?)ClaimFigure.Of(task.Tax!.RequestDeltaUs, task.Tax.IntervalUs)), values => values.Max());
        double median = Quantile.Median(_tasks.Select(task => task.Tax!.RequestDeltaUs));
        yield return new ClaimRow(
            "the tax matters below 10 ms", "2-4 ms of 10", Nobody, Nobody, $"{Us(median)}, at most {Us(most!.Value.Value)}: {Share(most.Value.Value / RequestBudgetUs)} of 10 ms",
            ClaimVerdict.AtLeast(most, NoticeableUs));
    }

    private IEnumerable<ClaimRow> Cold(ClaimFigure? emptyProcess)
    {
        var compiled = Ratio(task => ColdCompiled(task) / ColdNative(task));
        var precompiled = Ratio(task => ColdPrecompiled(task) / ColdNative(task));
        yield return new ClaimRow(
            "cold: WASM takes 2.7-7.5 times as long to load", "2.7-7.5x", PeerRatios(peer => peer.ColdUs, task => task.Native!.ColdLoadUs), compiled is { } onTheWay ? ClaimText.Ratio(onTheWay.Value) : Nobody,
            ClaimText.Ratio(precompiled), ClaimVerdict.AtLeast(precompiled, LeastColdRatio));
        var wasm = Median(ColdPrecompiled);
        yield return new ClaimRow(
            "cold: 2-3 ms native, 8-15 ms WASM (load to first answer)", "8-15 ms", PeerTimes(peer => peer.ColdUs), Us(Median(ColdCompiled)?.Value),
            $"{Us(Median(ColdNative)?.Value)} native, {Us(wasm?.Value)} wasm", ClaimVerdict.AtLeast(wasm, LeastColdUs));
        var nativeProcess = Median(task => Process(task.Native!));
        if (emptyProcess is { } empty && Median(task => Process(task.Wasm)) is { } wasmProcess)
        {
            yield return new ClaimRow(
                "... in a fresh process", "2-3, 8-15 ms", PeerTimes(peer => peer.ColdProcessUs), Nobody, $"{Us(nativeProcess?.Value)} native, {Us(wasmProcess.Value)} wasm; {Us(empty.Value)} without a plugin",
                ClaimVerdict.AtLeast(wasmProcess - empty, LeastColdUs));
        }

        bool?[] done = [.. _tasks.Select(task => IsBelow(ColdNative(task), ColdPrecompiled(task)))], doneOnTheWay = [.. _tasks.Select(task => IsBelow(ColdNative(task), ColdCompiled(task)))];
        yield return new ClaimRow("native has answered before WASM has loaded", "often", Nobody, Count(doneOnTheWay), Count(done), ClaimVerdict.Share(done, Often));
    }

    private IEnumerable<ClaimRow> Sandbox()
    {
        var code = CodeRatio();
        double? bounds = MedianOf(task => task.Receipt.WhatIf.FirstOrDefault(item => item.Item == "explicit bounds")?.Us);
        yield return new ClaimRow(
            "memory: direct against bounds-checked", "checks cost", "guard pages (V8)", bounds is { } us ? FormattableString.Invariant($"explicit checks: {us:+0.00;-0.00} us") : Nobody,
            $"guard pages: the code takes {ClaimText.Ratio(code)}", ClaimVerdict.AtLeast(code, LeastBoundsRatio));
        bool?[] takesMore = [.. _tasks.Where(task => task.Wasm.MemoryBytes is not null && task.Native!.MemoryBytes is not null).Select(task => IsBelow(Memory(task.Native!), Memory(task.Wasm)))];
        if (MedianOf(task => task.Wasm.MemoryBytes) is { } wasmBytes && MedianOf(task => task.Native!.MemoryBytes) is { } nativeBytes)
        {
            yield return new ClaimRow(
                "memory: WASM takes more", "more", Nobody, Nobody, FormattableString.Invariant($"{nativeBytes / 1024:0} KiB native, {wasmBytes / 1024:0} KiB wasm a plugin; {Count(takesMore)}"),
                ClaimVerdict.Share(takesMore, Often));
        }

        bool?[] validates = [.. _tasks.Where(task => task.Wasm.ValidateUs is not null).Select(task => (bool?)(task.Wasm.ValidateUs > 0))];
        string validate = Us(MedianOf(task => task.Wasm.ValidateUs));
        yield return new ClaimRow("a validation step cannot be avoided", "always", "at each load", validate, $"{validate}, once a load", ClaimVerdict.Share(validates, least: 1));
        bool?[] compiles = [.. _tasks.Where(task => task.Wasm.CompileMs is not null).Select(task => IsBelow(ClaimFigure.Of(task.Wasm.CompileMs!.Value * 1000, null), ColdPrecompiled(task)))];
        double? compile = MedianOf(task => task.Wasm.CompileMs);
        yield return new ClaimRow(
            "a compilation step cannot be avoided", "always", PeerTimes(peer => peer.CompileUs), compile is { } ms ? $"{Us(ms * 1000)} at each load" : Nobody,
            $"once a machine: a load of cached code takes {Us(Median(ColdPrecompiled)?.Value)}", ClaimVerdict.Share(compiles, least: 1));
    }

    private IEnumerable<ClaimRow> Winning()
    {
        int sessions = _tasks.Max(task => task.Tax!.Sessions.Count);
        bool?[] wins = [.. _tasks.Select(task => (bool?)task.Tax!.NativeWins)];
        bool?[] large = [.. _tasks.Select(task => InEverySession(task, NoticeableUs))];
        string each = sessions > 1 ? $" in {sessions} of {sessions} sessions" : "";
        yield return new ClaimRow(
            "native wins in 90 % of such tasks, consistently", "90 %", Nobody, Nobody, $"{wins.Count(one => one == true)} of the {_tasks.Length} tasks that we chose{each}",
            sessions < 2 ? ClaimVerdict.CannotBeJudged : ClaimVerdict.Share(wins, Consistently));
        yield return new ClaimRow("... by more than 1 % of 10 ms", "90 %", Nobody, Nobody, Count(large), sessions < 2 ? ClaimVerdict.CannotBeJudged : ClaimVerdict.Share(large, Consistently));
    }

    private IEnumerable<ClaimRow> Beyond()
    {
        // The claim is that none is within its budget, so the shares are of those that are not.
        bool?[] fails = [.. _tasks.Where(task => task.LatencyBudgetUs is not null).Select(task => IsBelow(ClaimFigure.Of(task.LatencyBudgetUs!.Value, null), P99(task.Wasm)))];
        yield return new ClaimRow(
            "there is no third option", "none", Nobody, Nobody, $"sandboxed within the budget at p99: {Count([.. fails.Select(one => !one)])}", ClaimVerdict.Share(fails, 1 - Consistently));
        int platforms = _tasks.Max(task => task.NativeCosts is { } costs ? costs.Builds + costs.Missing.Count : 0);
        string missing = string.Join(", ", _tasks.SelectMany(task => task.NativeCosts?.Missing ?? []).Distinct());
        yield return new ClaimRow(
            "native makes an infrastructure more complex", "admitted", Nobody, Nobody,
            $"{platforms} builds for one .wasm{(missing.Length == 0 ? "" : $" (not built here: {missing})")}, no sandbox, never unloaded",
            platforms == 0 ? ClaimVerdict.CannotBeJudged : ClaimVerdict.AtLeast(ClaimFigure.Of(platforms, null), 2));
        yield return new ClaimRow("providers move to native", "they do", Nobody, Nobody, "a bench measures machines, not providers", ClaimVerdict.CannotBeJudged);
    }

    /// <summary>Null when the intervals touch.</summary>
    private static bool? IsBelow(ClaimFigure? left, ClaimFigure? right) => left is not { } low || right is not { } high ? null
        : low.Interval.High < high.Interval.Low ? true
        : low.Interval.Low >= high.Interval.High ? false
        : null;

    /// <summary>Whether the tax is above that beyond noise in all sessions; false when it is below in one.</summary>
    private static bool? InEverySession(BenchTask task, double us) => task.Tax!.Sessions.All(session => session.IntervalUs[0] > us) ? true
        : task.Tax.Sessions.Any(session => session.IntervalUs[1] <= us) ? false
        : null;

    private static ClaimFigure? ColdNative(BenchTask task) => task.Native!.ColdLoadUs is { } us ? ClaimFigure.Of(us, task.Native.ColdLoadIntervalUs) : null;

    private static ClaimFigure? ColdCompiled(BenchTask task) => task.Wasm.ColdLoadUs is { } us ? ClaimFigure.Of(us, task.Wasm.ColdLoadIntervalUs) : null;

    private static ClaimFigure? ColdPrecompiled(BenchTask task) => task.Wasm.ColdLoadPrecompiledUs is { } us ? ClaimFigure.Of(us, task.Wasm.ColdLoadPrecompiledIntervalUs) : null;

    private static ClaimFigure? Process(MetalFigures metal) => metal.ColdProcessUs is { } us ? ClaimFigure.Of(us, metal.ColdProcessIntervalUs) : null;

    private static ClaimFigure? Memory(MetalFigures metal) => metal.MemoryBytes is { } bytes ? ClaimFigure.Of(bytes, metal.MemoryIntervalBytes) : null;

    private static ClaimFigure? P99(MetalFigures metal) => ClaimFigure.Of(metal.RequestP99Us, metal.RequestP99IntervalUs);

    private ClaimFigure? CodeRatio() => Ratio(task => task.CodeRatio is { } ratio ? ClaimFigure.Of(ratio, task.CodeRatioInterval) : null);

    private ClaimFigure? Ratio(Func<BenchTask, ClaimFigure?> figure) => ClaimFigure.Geomean(_tasks.Select(figure));

    private ClaimFigure? Median(Func<BenchTask, ClaimFigure?> figure) => ClaimFigure.Median(_tasks.Select(figure));

    private double? MedianOf(Func<BenchTask, double?> figure) => Median(task => figure(task) is { } value ? ClaimFigure.Of(value, null) : null)?.Value;

    private static double? PeerCode(PeerReport peer) => ClaimFigure.Geomean(peer.Code.Select(code => (ClaimFigure?)ClaimFigure.Of(code.Ratio, null)))?.Value;

    private string PeerTimes(Func<PeerTask, double?> figure) =>
        OfPeers(_peers, peer => ClaimFigure.Median(peer.Tasks.Select(task => figure(task) is { } us ? ClaimFigure.Of(us, null) : (ClaimFigure?)null))?.Value, us => Us(us));

    private string PeerRatios(Func<PeerTask, double?> figure, Func<BenchTask, double?>? native = null) => OfPeers(
        _peers,
        peer => ClaimFigure.Geomean(
            from task in _tasks
            join other in peer.Tasks on task.Task equals other.Task
            let ratio = figure(other) / (native is null ? task.Native!.RequestP50Us : native(task))
            select ratio is { } known ? ClaimFigure.Of(known, null) : (ClaimFigure?)null)?.Value,
        ClaimText.Ratio);

    private static string Count(bool?[] tasks)
    {
        int certain = tasks.Count(holds => holds == true), open = tasks.Count(holds => holds is null);
        return $"{certain} of {tasks.Length}{(open == 0 ? "" : $", {open} too noisy to say")}";
    }
}
