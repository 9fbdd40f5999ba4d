// What entering a guest, calling the host and copying a body cost more on wasm than on native, measured in this run with the calibration
// plugin (bench/calibration). No CPU limits are set: what a deadline costs is a line of its own in the receipt.

using Bimetal.Meter.Statistics;
using Bimetal.Meter.Workloads;
using Bimetal.Plugins.Bundles;
using Bimetal.Plugins.Bundles.Cases;

namespace Bimetal.Meter.Receipts;

/// <summary>What host calls cost on one metal. The metals do not make the same ones: a list that native asks for field by field comes to wasm at once.</summary>
/// <param name="HostCallUs">Of one that gives nothing: a field that is not there.</param>
/// <param name="ValueUs">Of what one gives: a field of a few bytes, which native lends, and for which wasm allocates memory.</param>
internal sealed record MetalPrices(double HostCallUs, double ValueUs);

/// <summary>Prices.</summary>
/// <param name="BoundaryUs">Of one callback that does nothing, wasm minus native.</param>
/// <param name="CopyUsPerByte">Of one byte of a body, which wasm copies and native lends.</param>
internal sealed record Calibration(double BoundaryUs, MetalPrices Native, MetalPrices Wasm, double CopyUsPerByte)
{
    private const Arrangement OnWasm = Arrangement.WasmUnlimited;

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
        var none = await MeasureAsync(folder, [.. cases["nothing"]], clock, cancellation);
        var misses = await MeasureAsync(folder, [.. cases["misses-64"]], clock, cancellation);
        var finds = await MeasureAsync(folder, [.. cases["finds-64"]], clock, cancellation);
        var small = await MeasureAsync(folder, [.. cases["looks-short"]], clock, cancellation);
        var large = await MeasureAsync(folder, [.. cases["looks-long"]], clock, cancellation);
        MetalPrices PricesOf(Arrangement metal)
        {
            double missesUs = UsOf(misses, metal) - UsOf(none, metal), findsUs = UsOf(finds, metal) - UsOf(misses, metal);
            return new MetalPrices(missesUs / (misses[metal].HostCalls - none[metal].HostCalls), findsUs / (finds[metal].Values - misses[metal].Values));
        }

        return new Calibration(
            DeltaUs(none), PricesOf(Arrangement.Native), PricesOf(OnWasm), (DeltaUs(large) - DeltaUs(small)) / (large[OnWasm].CopiedBytes - small[OnWasm].CopiedBytes));
    }

    private static double UsOf(IReadOnlyDictionary<Arrangement, ArrangementTimes> times, Arrangement metal) => Quantile.Median(times[metal].CallbacksUs);

    private static double DeltaUs(IReadOnlyDictionary<Arrangement, ArrangementTimes> times) => PairedComparison.Of(times[Arrangement.Native].CallbacksUs, times[OnWasm].CallbacksUs).Delta;

    private static async Task<IReadOnlyDictionary<Arrangement, ArrangementTimes>> MeasureAsync(
        PluginFolder folder, IReadOnlyList<PluginCase> cases, MeterClock clock, CancellationToken cancellation)
    {
        await using var workload = await PluginWorkload.LoadAsync(BenchSubject.Of(folder, cases), [Arrangement.Native, OnWasm], bestPath: null, cancellation);
        return new PluginMeter(workload, clock).Run(s_plan, progress: null, cancellation);
    }
}
