// The claims of the article "Your WASM 'Future-Proofing' Is Actually a 6x Performance Tax", one row each, judged by rules that stand here and not by
// eye. A ratio is confirmed from the low end of the article's own range on; a rule looks at Bimetal's column alone, never at the plain one.

using System.Globalization;
using Bimetal.Meter.Statistics;

namespace Bimetal.Meter.Report;

/// <summary>Makes the rows of a report.</summary>
internal static class ClaimsTable
{
    /// <summary>The article: 3-10x hot, 2.7-7.5x cold.</summary>
    private const double LeastHotRatio = 3;
    private const double LeastColdRatio = 2.7;

    /// <summary>The article's budget of a request.</summary>
    private const double RequestBudgetUs = 10_000;
    private const double NoticeableShare = 0.01;
    private const double Consistently = 0.9;
    private const string Nobody = "-";

    /// <summary>The rows; empty when no task has both metals.</summary>
    public static IReadOnlyList<ClaimRow> Of(IReadOnlyList<BenchTask> tasks, IReadOnlyList<PeerReport> peers, double? emptyProcessUs)
    {
        BenchTask[] both = [.. tasks.Where(task => task is { Native: not null, Tax: not null })];
        if (both.Length == 0) return [];
        var v8 = peers.FirstOrDefault(peer => peer.Skipped is null && peer.Tasks.Count > 0);
        return [.. Tax(both, v8, CodeOf(peers)), .. Cold(both, v8, emptyProcessUs), .. Sandbox(both, v8), .. Winning(both)];
    }

    private static IEnumerable<ClaimRow> Tax(BenchTask[] tasks, PeerReport? v8, string peersCode)
    {
        double code = Geomean(tasks.Select(task => task.CodeRatio)), call = Geomean(tasks.Select(task => (double?)task.Tax!.CallRatio));
        double request = Geomean(tasks.Select(task => (double?)task.Tax!.RequestRatio));
        double plain = Geomean(tasks.Select(task => task.Wasm.PlainRequestUs / task.Native!.RequestP50Us));
        double? v8Call = PeerRatio(tasks, v8, peer => peer.CallP50Us), v8Request = PeerRatio(tasks, v8, peer => peer.RequestP50Us);
        yield return new ClaimRow(
            "WASM takes 6 times as long, hot: the code itself", "6x (3-10x)", peersCode, Nobody, Ratio(code), ClaimVerdict.Of(double.IsNaN(code) ? null : code >= LeastHotRatio));
        yield return new ClaimRow("... a call of a warm instance", "6x (3-10x)", Ratio(v8Call), Nobody, Ratio(call), ClaimVerdict.Of(call >= LeastHotRatio));
        yield return new ClaimRow("... a request with a fresh instance", "6x (3-10x)", Ratio(v8Request), Ratio(plain), Ratio(request), ClaimVerdict.Of(request >= LeastHotRatio));
        double nativeUs = Median(tasks, task => task.Native!.RequestP50Us), wasmUs = Median(tasks, task => task.Wasm.RequestP50Us);
        yield return new ClaimRow(
            "hot: 0.5-1 ms native, 3-5 ms WASM", "3-5 ms", Us(v8 is null ? null : Quantile.Median(v8.Tasks.Select(task => task.RequestP50Us))),
            Us(Median(tasks, task => task.Wasm.PlainRequestUs ?? double.NaN)), $"{Us(nativeUs)} native, {Us(wasmUs)} wasm", ClaimVerdict.Of(wasmUs >= 3000));
        double deltaUs = Median(tasks, task => task.Tax!.RequestDeltaUs), most = tasks.Max(task => task.Tax!.RequestDeltaUs);
        yield return new ClaimRow(
            "the tax matters below 10 ms", "2-4 ms of 10", Nobody, Nobody, $"{Us(deltaUs)}, at most {Us(most)}: {Share(most / RequestBudgetUs)} of 10 ms",
            ClaimVerdict.Of(most >= NoticeableShare * RequestBudgetUs));
    }

    private static IEnumerable<ClaimRow> Cold(BenchTask[] tasks, PeerReport? v8, double? emptyProcessUs)
    {
        double compiled = Geomean(tasks.Select(task => task.Tax!.ColdRatio)), precompiled = Geomean(tasks.Select(task => task.Tax!.ColdPrecompiledRatio));
        yield return new ClaimRow(
            "cold: WASM takes 2.7-7.5 times as long to load", "2.7-7.5x", Ratio(PeerRatio(tasks, v8, peer => peer.ColdUs, task => task.Native!.ColdLoadUs!.Value)),
            Ratio(compiled), Ratio(precompiled), ClaimVerdict.Of(precompiled >= LeastColdRatio));
        double nativeMs = Median(tasks, task => task.Native!.ColdLoadUs!.Value) / 1000, wasmMs = Median(tasks, task => task.Wasm.ColdLoadPrecompiledUs!.Value) / 1000;
        yield return new ClaimRow(
            "cold: 2-3 ms native, 8-15 ms WASM (load to first answer)", "8-15 ms", v8 is null ? Nobody : Ms(Quantile.Median(v8.Tasks.Select(task => task.ColdUs))),
            Ms(Median(tasks, task => task.Wasm.ColdLoadUs!.Value)), $"{nativeMs:0.00} ms native, {wasmMs:0.00} ms wasm", ClaimVerdict.Of(wasmMs >= 8));
        if (emptyProcessUs is { } empty && tasks.All(task => task.Wasm.ColdProcessUs is not null))
        {
            double native = Median(tasks, task => task.Native!.ColdProcessUs!.Value), wasm = Median(tasks, task => task.Wasm.ColdProcessUs!.Value);
            yield return new ClaimRow(
                "... in a fresh process", "2-3, 8-15 ms", Nobody, Nobody, $"{Ms(native)} native, {Ms(wasm)} wasm; {Ms(empty)} without a plugin", ClaimVerdict.Of(wasm - empty >= 8000));
        }

        int done = tasks.Count(task => task.Native!.ColdLoadUs < task.Wasm.ColdLoadPrecompiledUs);
        yield return new ClaimRow(
            "native has answered before WASM has loaded", "often", Nobody, Count(tasks.Count(task => task.Native!.ColdLoadUs < task.Wasm.ColdLoadUs), tasks), Count(done, tasks),
            ClaimVerdict.Of(done > tasks.Length / 2.0));
    }

    private static IEnumerable<ClaimRow> Sandbox(BenchTask[] tasks, PeerReport? v8)
    {
        double? bounds = MedianOf(tasks.Select(task => task.Receipt.WhatIf.FirstOrDefault(item => item.Item == "explicit bounds")?.Us));
        yield return new ClaimRow(
            "memory: direct against bounds-checked", "checks cost", "guard pages (V8)", bounds is { } us ? $"explicit checks: {us:+0.00;-0.00} us" : Nobody, "guard pages: no check",
            ClaimVerdict.NotConfirmed);
        if (MedianOf(tasks.Select(task => (double?)task.Wasm.MemoryBytes)) is { } wasmBytes && MedianOf(tasks.Select(task => (double?)task.Native!.MemoryBytes)) is { } nativeBytes)
        {
            yield return new ClaimRow(
                "memory: WASM takes more", "more", Nobody, Nobody, $"{nativeBytes / 1024:0} KiB native, {wasmBytes / 1024:0} KiB wasm a plugin", ClaimVerdict.Of(wasmBytes > nativeBytes));
        }

        double? validate = MedianOf(tasks.Select(task => task.Receipt.Cold.FirstOrDefault(item => item.Item == "validate")?.Us));
        double? compile = MedianOf(tasks.Select(task => task.Wasm.CompileMs));
        yield return new ClaimRow("a validation step cannot be avoided", "always", "at each load", Us(validate), $"{Us(validate)}, once a load", ClaimVerdict.Confirmed);
        yield return new ClaimRow(
            "a compilation step cannot be avoided", "always", v8 is null ? Nobody : $"{Us(Quantile.Median(v8.Tasks.Select(task => task.CompileUs)))} at each load",
            compile is { } ms ? $"{ms:0} ms at each load" : Nobody, "once a machine, then cached", ClaimVerdict.NotConfirmed);
    }

    private static IEnumerable<ClaimRow> Winning(BenchTask[] tasks)
    {
        int wins = tasks.Count(task => task.Tax!.NativeWins), large = tasks.Count(task => task.Tax!.NativeWins && task.Tax.RequestDeltaUs > NoticeableShare * RequestBudgetUs);
        int sessions = tasks.Max(task => task.Tax!.Sessions.Count);
        string each = sessions > 1 ? $" in {sessions} of {sessions} sessions" : "";
        yield return new ClaimRow(
            "native wins in 90 % of such tasks, consistently", "90 %", Nobody, Nobody, $"{wins} of the {tasks.Length} tasks that we chose{each}",
            sessions < 2 ? ClaimVerdict.CannotBeJudged : ClaimVerdict.Of(wins >= Consistently * tasks.Length));
        yield return new ClaimRow(
            "... by more than 1 % of 10 ms", "90 %", Nobody, Nobody, $"{large} of {tasks.Length}", sessions < 2 ? ClaimVerdict.CannotBeJudged : ClaimVerdict.Of(large >= Consistently * tasks.Length));
        BenchTask[] budgeted = [.. tasks.Where(task => task.LatencyBudgetUs is not null)];
        int fits = budgeted.Count(task => task.Wasm.RequestP99Us <= task.LatencyBudgetUs);
        yield return new ClaimRow(
            "there is no third option", "none", Nobody, Nobody, $"sandboxed within the budget at p99: {Count(fits, budgeted)}",
            budgeted.Length == 0 ? ClaimVerdict.CannotBeJudged : ClaimVerdict.Of(fits < Consistently * budgeted.Length));
        string missing = string.Join(", ", tasks.SelectMany(task => task.NativeCosts?.Missing ?? []).Distinct());
        yield return new ClaimRow(
            "native makes an infrastructure more complex", "admitted", Nobody, Nobody,
            $"a build for each platform{(missing.Length == 0 ? "" : $" (not built here: {missing})")}, no sandbox, never unloaded", ClaimVerdict.Confirmed);
        yield return new ClaimRow("providers move to native", "they do", Nobody, Nobody, "a bench measures machines, not providers", ClaimVerdict.CannotBeJudged);
    }

    private static string CodeOf(IReadOnlyList<PeerReport> peers)
    {
        string[] ratios = [.. peers.Where(peer => peer.Code.Count > 0).Select(peer => $"{Ratio(Geomean(peer.Code.Select(code => (double?)code.Ratio)))} {peer.Name.Split([' ', ','])[0]}")];
        return ratios.Length == 0 ? Nobody : string.Join(", ", ratios);
    }

    private static double? PeerRatio(BenchTask[] tasks, PeerReport? peer, Func<PeerTask, double> figure, Func<BenchTask, double>? native = null)
    {
        if (peer is null) return null;
        var ratios = from task in tasks
                     join other in peer.Tasks on task.Task equals other.Task
                     select (double?)(figure(other) / (native?.Invoke(task) ?? task.Native!.RequestP50Us));
        double ratio = Geomean(ratios);
        return double.IsNaN(ratio) ? null : ratio;
    }

    private static double Median(BenchTask[] tasks, Func<BenchTask, double> figure) => Quantile.Median(tasks.Select(figure));

    private static double? MedianOf(IEnumerable<double?> values)
    {
        double[] known = [.. values.OfType<double>()];
        return known.Length == 0 ? null : Quantile.Median(known);
    }

    private static double Geomean(IEnumerable<double?> values)
    {
        double[] logarithms = [.. values.OfType<double>().Where(value => value > 0).Select(value => Math.Log(value))];
        return logarithms.Length == 0 ? double.NaN : Math.Exp(logarithms.Average());
    }

    private static string Ratio(double? ratio) => ratio is { } value && !double.IsNaN(value) ? value.ToString("0.0", CultureInfo.InvariantCulture) + "x" : Nobody;

    private static string Us(double? us) => us is not { } value || double.IsNaN(value) ? Nobody
        : value < 1000 ? value.ToString(value < 10 ? "0.0" : "0", CultureInfo.InvariantCulture) + " us" : Ms(value);

    private static string Ms(double us) => (us / 1000).ToString("0.0", CultureInfo.InvariantCulture) + " ms";

    private static string Share(double share) => (share * 100).ToString("0.00", CultureInfo.InvariantCulture) + " %";

    private static string Count(int count, BenchTask[] tasks) => $"{count} of {tasks.Length}";
}
