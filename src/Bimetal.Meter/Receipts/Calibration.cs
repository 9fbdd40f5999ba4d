// What entering a guest, calling the host and copying a body cost more on wasm than on native, measured in this run with the calibration
// plugin (bench/calibration). No CPU limits are set: what a deadline costs is a line of its own in the receipt.

using Bimetal.Meter.Statistics;
using Bimetal.Meter.Workloads;
using Bimetal.Plugins.Bundles;
using Bimetal.Plugins.Bundles.Cases;

namespace Bimetal.Meter.Receipts;

/// <summary>Prices, wasm minus native.</summary>
/// <param name="BoundaryUs">Of one callback that does nothing.</param>
/// <param name="HostCallUs">Of one host call: a header of a few bytes read.</param>
/// <param name="CopyUsPerByte">Of one byte of a body, which wasm copies and native lends.</param>
internal sealed record Calibration(double BoundaryUs, double HostCallUs, double CopyUsPerByte)
{
    private const Arrangement Wasm = Arrangement.WasmUnlimited;

    private static readonly MeterPlan s_plan = new(Rounds: 30, ExchangesPerRound: 300, WarmUpRounds: 5);

    /// <summary>Measures; null where the calibration plugin is not installed.</summary>
    public static async Task<Calibration?> TryMeasureAsync(MeterClock clock, IProgress<string>? progress, CancellationToken cancellation)
    {
        string? path = SdkFolder.TryFind() is { } sdk ? Path.Combine(sdk.Home, "bench", "calibration") : null;
        if (path is null || !PluginFolder.IsOne(path)) return null;
        var folder = PluginFolder.Open(path);
        await PluginBuilder.EnsureAsync(folder, progress: progress, cancellation: cancellation);
        progress?.Report("calibrating: empty callbacks, host calls and copies");
        var cases = CaseReader.ReadAll(folder).ToLookup(one => Path.GetFileNameWithoutExtension(one.File));
        var none = await MeasureAsync(folder, [.. cases["calls-0"]], clock, cancellation);
        var many = await MeasureAsync(folder, [.. cases["calls-64"]], clock, cancellation);
        var small = await MeasureAsync(folder, [.. cases["looks-short"]], clock, cancellation);
        var large = await MeasureAsync(folder, [.. cases["looks-long"]], clock, cancellation);
        return new Calibration(
            none.DeltaUs,
            (many.DeltaUs - none.DeltaUs) / (many.HostCalls - none.HostCalls),
            (large.DeltaUs - small.DeltaUs) / (large.CopiedBytes - small.CopiedBytes));
    }

    private static async Task<(double DeltaUs, double HostCalls, double CopiedBytes)> MeasureAsync(
        PluginFolder folder, IReadOnlyList<PluginCase> cases, MeterClock clock, CancellationToken cancellation)
    {
        await using var workload = await PluginWorkload.LoadAsync(BenchSubject.Of(folder, cases), [Arrangement.Native, Wasm], bestPath: null, cancellation);
        var times = new PluginMeter(workload, clock).Run(s_plan, progress: null, cancellation);
        var native = times[Arrangement.Native];
        return (PairedComparison.Of(native.CallbacksUs, times[Wasm].CallbacksUs).Delta, native.HostCalls, times[Wasm].CopiedBytes);
    }
}
