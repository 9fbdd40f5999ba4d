// The itemised request tax of a warm plugin: what a fresh instance costs, what crossing the boundary costs, what host calls cost. What is
// left (copies of bodies, the code itself, checks) is not measured by itself and stands as unexplained.

using Bimetal.Meter.Report;
using Bimetal.Meter.Statistics;
using Bimetal.Meter.Workloads;

namespace Bimetal.Meter.Receipts;

/// <summary>Makes hot receipts. Every item is a difference: wasm minus native.</summary>
internal static class HotReceipt
{
    /// <summary>Items that together with <see cref="Receipt.UnexplainedUs"/> are the request tax.</summary>
    /// <param name="calibration">Costs of an empty callback and of a host call; without them both are unexplained.</param>
    public static Receipt Of(IReadOnlyDictionary<Arrangement, ArrangementTimes> times, double requestDeltaUs, Calibration? calibration)
    {
        var native = times[Arrangement.Native];
        var fresh = times[Arrangement.WasmPerRequest];
        var items = new List<ReceiptItem>
        {
            Item("clone", Difference(fresh.BeginUs, native.BeginUs)),
            Item("reset", Difference(fresh.EndUs, native.EndUs)),
        };
        if (calibration is not null)
        {
            items.Add(Item($"boundary ({native.Entries:0.#} callbacks)", calibration.BoundaryUs * native.Entries));
            items.Add(Item($"host calls ({native.HostCalls:0.#})", calibration.HostCallUs * native.HostCalls));
        }

        return new Receipt { Hot = items, UnexplainedUs = Math.Round(requestDeltaUs - items.Sum(item => item.Us), 3) };
    }

    private static double Difference(List<double> wasm, List<double> native) => PairedComparison.Of(native, wasm).Delta;

    private static ReceiptItem Item(string name, double us) => new(name, Math.Round(us, 3));
}
