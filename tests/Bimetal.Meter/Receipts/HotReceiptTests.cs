// How a receipt adds up, on made-up times.

using Bimetal.Meter.Receipts;
using Bimetal.Meter.Report;
using Bimetal.Meter.Workloads;
using Bimetal.Plugins.Bundles.Cases;

namespace Bimetal.Meter.Tests.Receipts;

public sealed class HotReceiptTests
{
    private static readonly double[] s_code = [0.05, 0.05, 0.05];

    [Fact]
    public void Telescope_OfDifferentCases_MovesTheMedianAndNotTheMean()
    {
        // One case is slow and pays most; the median exchange is another one's. Added up case by case, items come to what the median moved by.
        var items = HotReceipt.Telescope([1, 2, 10], [("calls", [0.5, 0.25, 6]), ("code", [0.1, 0.25, 1])]);
        Assert.Equal(["calls", "code"], items.Select(item => item.Item));
        Assert.Equal([0.25, 0.25], items.Select(item => item.Us));

        // The case that was fastest becomes the median one: what it takes more counts only from there on.
        items = HotReceipt.Telescope([1, 2, 10], [("calls", [4, 0, 0])]);
        Assert.Equal(3, items.Single().Us);
    }

    [Fact]
    public void Items_AndWhatIsUnexplained_AreTheTax()
    {
        var receipt = HotReceipt.Of(Times(), requestDeltaUs: 1.5, Replay(), s_code);
        Assert.Equal(1.5, receipt.Hot.Sum(item => item.Us) + receipt.UnexplainedUs, 6);
    }

    [Fact]
    public void Replay_PricesBoundaryHostCallsAndCopies()
    {
        var receipt = HotReceipt.Of(Times(), requestDeltaUs: 1.5, Replay(), s_code);
        Assert.Equal(0.1, UsOf(receipt, "boundary (1 callbacks)"), 6);

        // 0.7 - 0.3 on wasm, 0.35 - 0.2 on native, of that 0.05 copies; whoever answers in the first callback has no second one, which costs 0.1.
        Assert.Equal(0.4 - 0.15 - 0.05 + 0.1, UsOf(receipt, "host calls (native 9, wasm 4)"), 6);
        Assert.Equal(0.05, UsOf(receipt, "copies (38 B)"), 6);
    }

    [Fact]
    public void WithoutReplay_ItsItemsAreMissingAndUnexplained()
    {
        var with = HotReceipt.Of(Times(), requestDeltaUs: 1.5, Replay(), s_code);
        var without = HotReceipt.Of(Times(), requestDeltaUs: 1.5, replay: null, s_code);
        Assert.DoesNotContain(without.Hot, item => item.Item.StartsWith("host calls", StringComparison.Ordinal));
        Assert.Equal(with.UnexplainedUs + UsOf(with, "boundary (1 callbacks)") + UsOf(with, "host calls (native 9, wasm 4)") + UsOf(with, "copies (38 B)"), without.UnexplainedUs, 6);
    }

    [Fact]
    public void Switches_AreWhatTheCallTakesLonger_AndWhatIfsStandOutside()
    {
        var times = Times();
        times[Arrangement.WasmUnmasked] = Of(0.1, 0.65, 0.1, 1, 4);
        times[Arrangement.WasmExplicitBounds] = Of(0.1, 0.9, 0.1, 1, 4);
        var receipt = HotReceipt.Of(times, requestDeltaUs: 1.5, replay: null, codeDeltasUs: null);
        Assert.Equal(0.05, UsOf(receipt, "masks"), 6);
        Assert.Equal(0.2, receipt.WhatIf.Single().Us, 6);
        Assert.DoesNotContain(receipt.Hot, item => item.Item == "explicit bounds");
    }

    private static double UsOf(Receipt receipt, string item) => receipt.Hot.Single(one => one.Item == item).Us;

    private static Dictionary<Arrangement, ArrangementTimes> Times() => new()
    {
        [Arrangement.Native] = Of(0.1, 0.5, 0.1, 1, 9),
        [Arrangement.WasmShared] = Of(0.1, 0.7, 0.1, 0, 4, copiedBytes: 38),
        [Arrangement.WasmPerRequest] = Of(0.2, 0.8, 0.4, 0, 4),
    };

    private static Dictionary<ReplayArrangement, ArrangementTimes> Replay() => new()
    {
        [ReplayArrangement.NativeNothing] = Of(0.1, 0.1, 0.1, 2, 0),
        [ReplayArrangement.WasmNothing] = Of(0.1, 0.3, 0.1, 0, 0),
        [ReplayArrangement.NativeIdentify] = Of(0.1, 0.2, 0.1, 2, 1),
        [ReplayArrangement.WasmIdentify] = Of(0.1, 0.3, 0.1, 0, 1),
        [ReplayArrangement.NativeReplay] = Of(0.1, 0.35, 0.1, 1, 10),
        [ReplayArrangement.WasmReplay] = Of(0.1, 0.7, 0.1, 0, 5),
        [ReplayArrangement.WasmUncopied] = Of(0.1, 0.65, 0.1, 0, 5),
    };

    /// <summary>Three cases that take the same.</summary>
    private static ArrangementTimes Of(double beginUs, double callbacksUs, double endUs, int entries, int hostCalls, long copiedBytes = 0)
    {
        var times = new ArrangementTimes { Parts = [.. Enumerable.Repeat(new CaseParts(CaseEnd.Passed, entries, hostCalls, 0, copiedBytes), 3)] };
        for (int round = 0; round < 10; round++) times.TakeCases([beginUs, beginUs, beginUs], [callbacksUs, callbacksUs, callbacksUs], [endUs, endUs, endUs]);
        return times;
    }
}
