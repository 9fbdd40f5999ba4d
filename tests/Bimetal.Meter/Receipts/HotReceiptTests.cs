// How a receipt adds up, on made-up times.

using Bimetal.Meter.Receipts;
using Bimetal.Meter.Workloads;

namespace Bimetal.Meter.Tests.Receipts;

public sealed class HotReceiptTests
{
    private static readonly Calibration s_calibration = new(
        BoundaryUs: 0.1, Native: new MetalPrices(HostCallUs: 0.01, ValueUs: 0.02), Wasm: new MetalPrices(HostCallUs: 0.03, ValueUs: 0.05), CopyUsPerByte: 0.001);

    [Fact]
    public void HostCalls_ThatOnlyOneMetalMakes_AreNoDifferenceInPrice()
    {
        // A list: nine fields asked for one by one on native, once on wasm, which is what native takes more, and not a tax.
        var receipt = HotReceipt.Of(Times(nativeCalls: 9, wasmCalls: 1, nativeValues: 16, wasmValues: 1), requestDeltaUs: 1, s_calibration, codeDeltaUs: null);
        Assert.Equal(-0.06, receipt.Hot.Single(item => item.Item == "host calls (native 9, wasm 1)").Us, 6);
        Assert.Equal(-0.27, receipt.Hot.Single(item => item.Item == "values (native 16, wasm 1)").Us, 6);
    }

    [Fact]
    public void Items_AndWhatIsUnexplained_AreTheTax()
    {
        var receipt = HotReceipt.Of(Times(nativeCalls: 3, wasmCalls: 3, nativeValues: 1, wasmValues: 1), requestDeltaUs: 2, s_calibration, codeDeltaUs: 0.25);
        Assert.Contains(receipt.Hot, item => item is { Item: "host calls (3)", Us: 0.06 });
        Assert.Equal(2, receipt.Hot.Sum(item => item.Us) + receipt.UnexplainedUs, 6);
    }

    private static Dictionary<Arrangement, ArrangementTimes> Times(int nativeCalls, int wasmCalls, int nativeValues, int wasmValues)
    {
        static ArrangementTimes Of(int calls, int values, double callbacksUs)
        {
            var times = new ArrangementTimes { Entries = 1, HostCalls = calls, Values = values };
            for (int round = 0; round < 10; round++)
            {
                times.BeginUs.Add(0.1);
                times.CallbacksUs.Add(callbacksUs);
                times.EndUs.Add(0.1);
            }

            return times;
        }

        return new()
        {
            [Arrangement.Native] = Of(nativeCalls, nativeValues, 0.5),
            [Arrangement.WasmShared] = Of(wasmCalls, wasmValues, 0.7),
            [Arrangement.WasmPerRequest] = Of(wasmCalls, wasmValues, 0.8),
        };
    }
}
