// Measures one plugin of a configuration on the metals that it may run on, as `bench` measures requests, with the configuration's kind of instances.
// Third-party code is never loaded native, and bundles are measured on wasm alone, so both have figures of wasm alone.

using System.Diagnostics;
using System.Globalization;
using Bimetal.Meter.Statistics;
using Bimetal.Meter.Workloads;
using Bimetal.Plugins;
using Bimetal.Plugins.Bundles;
using Bimetal.Plugins.Bundles.Cases;
using Bimetal.Plugins.Profiles;

namespace Bimetal.Meter.Plan;

/// <summary>What came out.</summary>
/// <param name="Native">Null where native was not loaded.</param>
/// <param name="Tax">Null without native figures.</param>
internal sealed record PlanFigures(string Input, int Rounds, MetalCost? Native, MetalCost Wasm, PairedComparison? Tax, bool SameResult);

/// <summary>One plugin, loaded and ready to be measured.</summary>
internal sealed class PlanMeasurement : IAsyncDisposable
{
    private static readonly MeterPlan s_plan = new(Rounds: 40, ExchangesPerRound: 500, WarmUpRounds: 5);

    private readonly CaseTimes _times = new();
    private readonly PluginWorkload _workload;
    private readonly bool _isSame;

    private PlanMeasurement(PluginWorkload workload, bool isSame)
    {
        _workload = workload;
        _isSame = isSame;
    }

    private BenchSubject Subject => _workload.Subject;

    private Arrangement Wasm => _workload.Arrangements[^1];

    /// <summary>Builds what is stale, runs all cases once, loads the plugin.</summary>
    /// <exception cref="PluginLoadException">It cannot be built or loaded, or has no good case.</exception>
    public static async Task<PlanMeasurement> PrepareAsync(PluginConfig config, IProgress<string>? progress, CancellationToken cancellation)
    {
        var subject = BenchSubject.OfFetched(config);
        IReadOnlyList<Metal> metals = subject.MayRunNative ? [Metal.Native, Metal.Wasm] : [Metal.Wasm];
        bool isSame = true;
        if (subject.Folder is { } folder)
        {
            await PluginBuilder.EnsureAsync(folder, subject.MayRunNative ? BuildTarget.Here : [BuildTarget.Wasm], progress, cancellation);
            isSame = (await PluginCaseRunner.RunAsync(folder, subject.AllCases, metals, instance: config.EffectiveInstance, cancellation: cancellation)).Differences.Count == 0;
        }

        var wasm = config.EffectiveInstance == InstancePolicy.Shared ? Arrangement.WasmShared : Arrangement.WasmPerRequest;
        return new PlanMeasurement(await PluginWorkload.LoadAsync(subject, [Arrangement.Native, wasm], bestPath: null, cancellation), isSame);
    }

    /// <summary>How long <see cref="Run"/> will take, from one pass that is made now.</summary>
    public TimeSpan Estimate()
    {
        long started = Stopwatch.GetTimestamp();
        foreach (var arrangement in _workload.Arrangements)
        {
            foreach (var one in Subject.Cases) CaseExchange.Measure(_workload[arrangement], one, _times);
        }

        // The first pass is slower than the others: an upper bound, and nobody minds when it is over sooner.
        return Stopwatch.GetElapsedTime(started) * Passes * (s_plan.Rounds + s_plan.WarmUpRounds);
    }

    public PlanFigures Run(MeterClock clock, CancellationToken cancellation)
    {
        var times = _workload.Measure(s_plan, clock, cancellation);
        var native = times.GetValueOrDefault(Arrangement.Native);
        string input = string.Create(CultureInfo.InvariantCulture, $"{Subject.Input}, {Passes * Subject.Cases.Count} exchanges in each of {s_plan.Rounds} rounds");
        var tax = native is null ? (PairedComparison?)null : PairedComparison.Of(native.RoundMediansUs, times[Wasm].RoundMediansUs);
        return new PlanFigures(input, s_plan.Rounds, native is null ? null : CostOf(native), CostOf(times[Wasm]), tax, _isSame);
    }

    public ValueTask DisposeAsync() => _workload.DisposeAsync();

    private int Passes => (s_plan.ExchangesPerRound + Subject.Cases.Count - 1) / Subject.Cases.Count;

    private static MetalCost CostOf(ArrangementTimes times) => new(Round(times.P50Us), Round(times.P99Us), Round(MedianInterval.Of(times.RoundP99sUs).High));

    private static double Round(double us) => Math.Round(us, 3);
}
