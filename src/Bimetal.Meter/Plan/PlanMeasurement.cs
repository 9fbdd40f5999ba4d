// Measures one plugin of a configuration on the metals that it may run on, as `plan` needs it: a request with the plugin's own good cases and the
// configuration's kind of instances, in turns. Third-party code is never loaded native, so it has figures of wasm alone.

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
/// <param name="Native">Null for third-party plugins.</param>
/// <param name="Tax">Null without native figures.</param>
internal sealed record PlanFigures(string Input, int Rounds, MetalCost? Native, MetalCost Wasm, PairedComparison? Tax, bool SameResult);

/// <summary>One plugin, loaded and ready to be measured.</summary>
internal sealed class PlanMeasurement : IAsyncDisposable
{
    private const int Rounds = 40;
    private const int WarmUpRounds = 5;
    private const int ExchangesPerRound = 500;

    private readonly CaseTimes _times = new();
    private readonly IReadOnlyList<PluginCase> _cases;
    private readonly bool _isSame;
    private readonly Plugin _wasm;
    private readonly Plugin? _native;

    private PlanMeasurement(IReadOnlyList<PluginCase> cases, bool isSame, Plugin wasm, Plugin? native)
    {
        _cases = cases;
        _isSame = isSame;
        _wasm = wasm;
        _native = native;
    }

    /// <summary>Builds what is stale, runs all cases once, loads the plugin.</summary>
    /// <exception cref="PluginLoadException">It cannot be built or loaded, or has no good case.</exception>
    public static async Task<PlanMeasurement> PrepareAsync(PluginConfig config, IProgress<string>? progress, CancellationToken cancellation)
    {
        var folder = PluginFolder.Open(config.Bundle);
        bool isOwn = config.Trust == Trust.FirstParty;
        await PluginBuilder.EnsureAsync(folder, isOwn ? BuildTarget.Here : [BuildTarget.Wasm], progress, cancellation);
        var cases = CaseReader.ReadAll(folder);
        var largest = cases.Where(one => one.Kind == CaseKind.Good).GroupBy(one => (one.Configuration, one.File)).MaxBy(group => group.Count())
            ?? throw new PluginLoadException($"{folder.CasesFolder}: has no case of kind 'good' to measure with");
        IReadOnlyList<Metal> metals = isOwn ? [Metal.Native, Metal.Wasm] : [Metal.Wasm];
        var compared = await PluginCaseRunner.RunAsync(folder, cases, metals, instance: config.EffectiveInstance, cancellation: cancellation);
        var clock = new CaseClock();
        clock.Set(largest.First().Clock);
        var services = new PluginHostServices { Time = clock };
        var wasm = await LoadAsync(Metal.Wasm);
        try
        {
            return new PlanMeasurement([.. largest], compared.Differences.Count == 0, wasm, isOwn ? await LoadAsync(Metal.Native) : null);
        }
        catch
        {
            await wasm.DisposeAsync();
            throw;
        }

        Task<Plugin> LoadAsync(Metal metal) => PluginCaseRunner.LoadAsync(folder, metal, largest.Key.Configuration, config.EffectiveInstance, services, cancellation);
    }

    /// <summary>How long <see cref="Run"/> will take, from one pass that is made now.</summary>
    public TimeSpan Estimate()
    {
        long started = Stopwatch.GetTimestamp();
        foreach (var one in _cases)
        {
            CaseExchange.Measure(_wasm, one, _times);
            if (_native is not null) CaseExchange.Measure(_native, one, _times);
        }

        // The first pass is slower than the others: an upper bound, and nobody minds when it is over sooner.
        return Stopwatch.GetElapsedTime(started) * Passes * (Rounds + WarmUpRounds);
    }

    public PlanFigures Run(MeterClock clock, CancellationToken cancellation)
    {
        var native = new List<(double P50, double P99)>();
        var wasm = new List<(double P50, double P99)>();
        for (int round = -WarmUpRounds; round < Rounds; round++)
        {
            cancellation.ThrowIfCancellationRequested();
            bool isNativeFirst = (round & 1) == 0;
            if (isNativeFirst && _native is not null) Keep(native, RunRound(_native, clock), round);
            Keep(wasm, RunRound(_wasm, clock), round);
            if (!isNativeFirst && _native is not null) Keep(native, RunRound(_native, clock), round);
        }

        string input = string.Create(CultureInfo.InvariantCulture, $"{_cases.Count} good cases of {Path.GetFileName(_cases[0].File)}, {Passes * _cases.Count} exchanges in each of {Rounds} rounds");
        var tax = _native is null ? (PairedComparison?)null : PairedComparison.Of([.. native.Select(one => one.P50)], [.. wasm.Select(one => one.P50)]);
        return new PlanFigures(input, Rounds, _native is null ? null : CostOf(native), CostOf(wasm), tax, _isSame);
    }

    public async ValueTask DisposeAsync()
    {
        await _wasm.DisposeAsync();
        if (_native is not null) await _native.DisposeAsync();
    }

    private int Passes => (ExchangesPerRound + _cases.Count - 1) / _cases.Count;

    private static void Keep(List<(double P50, double P99)> rounds, (double P50, double P99) one, int round)
    {
        if (round >= 0) rounds.Add(one);
    }

    private (double P50, double P99) RunRound(Plugin plugin, MeterClock clock)
    {
        double[] exchangesUs = new double[Passes * _cases.Count];
        for (int index = 0; index < exchangesUs.Length; index++)
        {
            CaseExchange.Measure(plugin, _cases[index % _cases.Count], _times);
            exchangesUs[index] = clock.Microseconds(_times.BeginTicks + _times.CallbackTicks + _times.EndTicks, 2 + _times.Callbacks);
        }

        Array.Sort(exchangesUs);
        return (Quantile.OfSorted(exchangesUs, 0.5), Quantile.OfSorted(exchangesUs, 0.99));
    }

    private static MetalCost CostOf(List<(double P50, double P99)> rounds) => new(
        Round(Quantile.Median(rounds.Select(one => one.P50))), Round(Quantile.Median(rounds.Select(one => one.P99))), Round(MedianInterval.Of(rounds.Select(one => one.P99)).High));

    private static double Round(double us) => Math.Round(us, 3);
}
