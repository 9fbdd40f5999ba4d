// The itemised request tax of a warm plugin. Three kinds of items: differences between arrangements with one switch changed (instances,
// deadline, stack check, masks), the replay of the plugin's callbacks and host calls without the plugin (boundary, host calls, copies), and the code
// itself, measured without ABI and host. What they do not add up to stands as unexplained.
//
// A tax is the difference of two medians over exchanges of several cases, and medians do not add up as sums do. So every item is measured for each
// case, and shown as what it moves the median by, in the order of the receipt, from native to wasm.

using Bimetal.Meter.Report;
using Bimetal.Meter.Statistics;
using Bimetal.Meter.Workloads;

namespace Bimetal.Meter.Receipts;

/// <summary>Makes hot receipts. Every item is a difference: wasm minus native.</summary>
internal static class HotReceipt
{
    private static readonly (string Item, Arrangement Without)[] s_switches =
    [
        ("interruption", Arrangement.WasmUnlimited), ("stack check", Arrangement.WasmUncheckedStack), ("masks", Arrangement.WasmUnmasked), ("write marks", Arrangement.WasmUnmarked),
    ];

    private static readonly (string Item, Arrangement With)[] s_whatIfs = [("explicit bounds", Arrangement.WasmExplicitBounds), ("polling for the deadline", Arrangement.WasmPolling)];

    /// <summary>Items that together with <see cref="Receipt.UnexplainedUs"/> are the request tax.</summary>
    /// <param name="times">Native, and wasm in the arrangements that were loaded.</param>
    /// <param name="requestDeltaUs">The request tax.</param>
    /// <param name="replay">Without it what it stands for is unexplained.</param>
    /// <param name="codeDeltasUs">What the same functions take longer without ABI and host, case by case; null: unexplained.</param>
    public static Receipt Of(
        IReadOnlyDictionary<Arrangement, ArrangementTimes> times, double requestDeltaUs, IReadOnlyDictionary<ReplayArrangement, ArrangementTimes>? replay, double[]? codeDeltasUs)
    {
        var native = times[Arrangement.Native];
        var call = times[Arrangement.WasmShared];
        var fresh = times[Arrangement.WasmPerRequest];
        var steps = new List<(string Item, double[] DeltasUs)>
        {
            ("clone", Difference(fresh.BeginUs, native.BeginUs)),
            ("reset", Difference(fresh.EndUs, native.EndUs)),
            ("fresh pages", Difference(fresh.CallbacksUs, call.CallbacksUs)),
        };
        if (replay is not null) steps.AddRange(OfReplay(native, call, replay));
        foreach (var (item, without) in s_switches.Where(pair => times.ContainsKey(pair.Without))) steps.Add((item, Difference(call.CallbacksUs, times[without].CallbacksUs)));
        if (codeDeltasUs is not null) steps.Add(("code quality", codeDeltasUs));

        double[] nativeUs = Middle([native.BeginUs, native.CallbacksUs, native.EndUs], parts => parts.Sum());
        var items = Telescope(nativeUs, steps);
        return new Receipt
        {
            Hot = items,
            UnexplainedUs = Math.Round(requestDeltaUs - items.Sum(item => item.Us), 3),
            WhatIf = [.. from pair in s_whatIfs where times.ContainsKey(pair.With) select new ReceiptItem(pair.Item, Rounded(Quantile.Median(Difference(times[pair.With].CallbacksUs, call.CallbacksUs))))],
        };
    }

    /// <summary>What each step moves the median over cases by, beginning with <paramref name="startUs"/>.</summary>
    internal static List<ReceiptItem> Telescope(double[] startUs, IEnumerable<(string Item, double[] DeltasUs)> steps)
    {
        var items = new List<ReceiptItem>();
        double[] sums = [.. startUs];
        double before = Quantile.Median(sums);
        foreach (var (item, deltasUs) in steps)
        {
            for (int index = 0; index < sums.Length; index++) sums[index] += deltasUs[index];
            double after = Quantile.Median(sums);
            items.Add(new ReceiptItem(item, Rounded(after - before)));
            before = after;
        }

        return items;
    }

    private static IEnumerable<(string Item, double[] DeltasUs)> OfReplay(ArrangementTimes native, ArrangementTimes wasm, IReadOnlyDictionary<ReplayArrangement, ArrangementTimes> replay)
    {
        List<double[]> Of(ReplayArrangement arrangement) => replay[arrangement].CallbacksUs;

        // Without an answer of the plugin more callbacks come than in its own exchange.
        double[] nothing = Difference(Of(ReplayArrangement.WasmNothing), Of(ReplayArrangement.NativeNothing));
        double[] perEntry = [.. nothing.Select((us, index) => us / Math.Max(1, replay[ReplayArrangement.NativeNothing].Parts[index].Entries))];
        double[] boundary = [.. perEntry.Select((us, index) => us * native.Parts[index].Entries)];
        yield return ($"boundary ({Median(native, part => part.Entries):0.#} callbacks)", boundary);

        double[] calls = Middle(
            [Of(ReplayArrangement.WasmReplay), Of(ReplayArrangement.WasmIdentify), Of(ReplayArrangement.NativeReplay), Of(ReplayArrangement.NativeIdentify)],
            times => times[0] - times[1] - (times[2] - times[3]));

        // With no answer and nothing held, the callbacks of those that only identify are other ones as well.
        for (int index = 0; index < calls.Length; index++)
            calls[index] += perEntry[index] * (replay[ReplayArrangement.NativeIdentify].Parts[index].Entries - replay[ReplayArrangement.NativeReplay].Parts[index].Entries);

        double[]? copies = replay.TryGetValue(ReplayArrangement.WasmUncopied, out var uncopied) ? Difference(Of(ReplayArrangement.WasmReplay), uncopied.CallbacksUs) : null;
        if (copies is not null) calls = [.. calls.Zip(copies, (us, copyUs) => us - copyUs)];
        double onNative = Median(native, part => part.HostCalls), onWasm = Median(wasm, part => part.HostCalls);
        yield return ($"host calls ({(onNative == onWasm ? $"{onNative:0.#}" : $"native {onNative:0.#}, wasm {onWasm:0.#}")})", calls);
        if (copies is not null) yield return ($"copies ({Median(wasm, part => part.CopiedBytes):0} B)", copies);
    }

    private static double[] Difference(List<double[]> with, List<double[]> without) => Middle([with, without], times => times[0] - times[1]);

    /// <summary>For each case the median over rounds of what the lists' values of a round come to.</summary>
    private static double[] Middle(List<double[]>[] lists, Func<double[], double> combine)
    {
        int rounds = lists[0].Count, cases = lists[0][0].Length;
        return [.. Enumerable.Range(0, cases).Select(index =>
            Quantile.Median(Enumerable.Range(0, rounds).Select(round => combine([.. lists.Select(list => list[round][index])]))))];
    }

    private static double Median(ArrangementTimes times, Func<CaseParts, double> part) => Quantile.Median(times.Parts.Select(part));

    private static double Rounded(double us) => Math.Round(us, 3);
}
