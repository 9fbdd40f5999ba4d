// What entering a guest and calling the host cost more on wasm than on native, measured in this run with the calibration plugin
// (bench/calibration): once with no host call and once with many.

using Bimetal.Meter.Statistics;
using Bimetal.Meter.Workloads;
using Bimetal.Plugins.Bundles;
using Bimetal.Plugins.Bundles.Cases;

namespace Bimetal.Meter.Receipts;

/// <summary>Prices, wasm minus native.</summary>
/// <param name="BoundaryUs">Of one callback that does nothing.</param>
/// <param name="HostCallUs">Of one host call: a header of a few bytes read.</param>
internal sealed record Calibration(double BoundaryUs, double HostCallUs)
{
    private static readonly MeterPlan s_plan = new(Rounds: 30, ExchangesPerRound: 500, WarmUpRounds: 5);

    /// <summary>Measures; null where the calibration plugin is not installed.</summary>
    public static async Task<Calibration?> TryMeasureAsync(MeterClock clock, IProgress<string>? progress, CancellationToken cancellation)
    {
        string? path = SdkFolder.TryFind() is { } sdk ? Path.Combine(sdk.Home, "bench", "calibration") : null;
        if (path is null || !PluginFolder.IsOne(path)) return null;
        var folder = PluginFolder.Open(path);
        await PluginBuilder.EnsureAsync(folder, progress: progress, cancellation: cancellation);
        progress?.Report("calibrating: empty callbacks and host calls");
        var files = CaseReader.ReadAll(folder).GroupBy(one => one.Configuration).ToList();
        if (files.Count != 2) return null;
        var none = await MeasureAsync(folder, [.. files[0]], clock, cancellation);
        var many = await MeasureAsync(folder, [.. files[1]], clock, cancellation);
        return new Calibration(none.DeltaUs, (many.DeltaUs - none.DeltaUs) / (many.HostCalls - none.HostCalls));
    }

    private static async Task<(double DeltaUs, double HostCalls)> MeasureAsync(PluginFolder folder, IReadOnlyList<PluginCase> cases, MeterClock clock, CancellationToken cancellation)
    {
        await using var workload = await PluginWorkload.LoadAsync(folder, cases, cancellation);
        var times = new PluginMeter(workload, clock).Run(s_plan, progress: null, cancellation);
        var native = times[Arrangement.Native];
        return (PairedComparison.Of(native.CallbacksUs, times[Arrangement.WasmPerRequest].CallbacksUs).Delta, native.HostCalls);
    }
}
