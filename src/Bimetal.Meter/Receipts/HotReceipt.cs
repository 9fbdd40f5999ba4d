// The itemised request tax of a warm plugin. Three kinds of items: differences between arrangements with one switch changed (instances,
// deadline, stack check, masks), prices of the calibration times what an exchange has of them (boundary, host calls, copies), and the code
// itself, measured without ABI and host. What they do not add up to stands as unexplained.

using Bimetal.Meter.Report;
using Bimetal.Meter.Statistics;
using Bimetal.Meter.Workloads;

namespace Bimetal.Meter.Receipts;

/// <summary>Makes hot receipts. Every item is a difference: wasm minus native.</summary>
internal static class HotReceipt
{
    /// <summary>Items that together with <see cref="Receipt.UnexplainedUs"/> are the request tax.</summary>
    /// <param name="times">Native, and wasm in the arrangements that were loaded.</param>
    /// <param name="requestDeltaUs">The request tax.</param>
    /// <param name="calibration">Prices; without them these items are unexplained.</param>
    /// <param name="codeDeltaUs">What the same functions take longer without ABI and host; null: unexplained.</param>
    public static Receipt Of(IReadOnlyDictionary<Arrangement, ArrangementTimes> times, double requestDeltaUs, Calibration? calibration, double? codeDeltaUs)
    {
        var native = times[Arrangement.Native];
        var call = times[Arrangement.WasmShared];
        var fresh = times[Arrangement.WasmPerRequest];
        var items = new List<ReceiptItem>
        {
            Item("clone", Difference(fresh.BeginUs, native.BeginUs)),
            Item("reset", Difference(fresh.EndUs, native.EndUs)),
            Item("fresh pages", Difference(fresh.CallbacksUs, call.CallbacksUs)),
        };
        if (calibration is not null)
        {
            items.Add(Item($"boundary ({native.Entries:0.#} callbacks)", calibration.BoundaryUs * native.Entries));
            var (onNative, onWasm) = (calibration.Native, calibration.Wasm);
            items.Add(Item($"host calls ({Count(native.HostCalls, call.HostCalls)})", (onWasm.HostCallUs * call.HostCalls) - (onNative.HostCallUs * native.HostCalls)));
            items.Add(Item($"values ({Count(native.Values, call.Values)})", (onWasm.ValueUs * call.Values) - (onNative.ValueUs * native.Values)));
            items.Add(Item($"copies ({call.CopiedBytes:0} B)", calibration.CopyUsPerByte * call.CopiedBytes));
        }

        AddSwitch(items, "interruption", Arrangement.WasmUnlimited, times);
        AddSwitch(items, "stack check", Arrangement.WasmUncheckedStack, times);
        AddSwitch(items, "masks", Arrangement.WasmUnmasked, times);
        AddSwitch(items, "write marks", Arrangement.WasmUnmarked, times);
        if (codeDeltaUs is { } code) items.Add(Item("code quality", code));
        return new Receipt
        {
            Hot = items,
            UnexplainedUs = Math.Round(requestDeltaUs - items.Sum(item => item.Us), 3),
            WhatIf = [.. WhatIf("explicit bounds", Arrangement.WasmExplicitBounds, times), .. WhatIf("polling for the deadline", Arrangement.WasmPolling, times)],
        };
    }

    private static IEnumerable<ReceiptItem> WhatIf(string name, Arrangement other, IReadOnlyDictionary<Arrangement, ArrangementTimes> times) =>
        times.TryGetValue(other, out var changed) ? [Item(name, Difference(changed.CallbacksUs, times[Arrangement.WasmShared].CallbacksUs))] : [];

    /// <summary>What the switch costs where it is on.</summary>
    private static void AddSwitch(List<ReceiptItem> items, string name, Arrangement without, IReadOnlyDictionary<Arrangement, ArrangementTimes> times)
    {
        if (times.TryGetValue(without, out var off)) items.Add(Item(name, Difference(times[Arrangement.WasmShared].CallbacksUs, off.CallbacksUs)));
    }

    private static string Count(double native, double wasm) => native == wasm ? $"{native:0.#}" : $"native {native:0.#}, wasm {wasm:0.#}";

    private static double Difference(List<double> with, List<double> without) => PairedComparison.Of(without, with).Delta;

    private static ReceiptItem Item(string name, double us) => new(name, Math.Round(us, 3));
}
