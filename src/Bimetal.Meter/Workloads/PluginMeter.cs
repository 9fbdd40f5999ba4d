// Measures a workload in rounds. In each round every arrangement runs the same exchanges for a few milliseconds; the order turns from
// round to round, so that none is always the first after a garbage collection or a change of frequency.

using System.Diagnostics;
using Bimetal.Meter.Statistics;
using Bimetal.Plugins;
using Bimetal.Plugins.Bundles.Cases;

namespace Bimetal.Meter.Workloads;

/// <summary>How long to measure.</summary>
/// <param name="Rounds">Pairs of values that each session adds to an interval.</param>
/// <param name="ExchangesPerRound">Exchanges of each arrangement in a round, at least; whole passes over the cases are made.</param>
/// <param name="WarmUpRounds">Rounds that are thrown away first.</param>
/// <param name="TurnUs">An arrangement's turn in a round lasts about so long, where that is more than <paramref name="ExchangesPerRound"/> take; 0: no longer than they do.</param>
public sealed record MeterPlan(int Rounds, int ExchangesPerRound, int WarmUpRounds, double TurnUs = 0)
{
    /// <summary>Exchanges of a turn, at most.</summary>
    public const int MaximumExchanges = 4000;

    public static MeterPlan Quick { get; } = new(Rounds: 10, ExchangesPerRound: 200, WarmUpRounds: 2, TurnUs: 2000);

    public static MeterPlan Full { get; } = new(Rounds: 60, ExchangesPerRound: 1000, WarmUpRounds: 5, TurnUs: 6000);
}

/// <summary>Times of one arrangement, in microseconds.</summary>
public sealed class ArrangementTimes
{
    /// <summary>What <see cref="RoundQuantilesUs"/> holds.</summary>
    private static readonly double[] s_shares = [0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999];

    /// <summary>Median of all parts of an exchange together, one value per round.</summary>
    public List<double> RoundMediansUs { get; } = [];

    /// <summary>99th percentile of the same, one value per round.</summary>
    public List<double> RoundP99sUs { get; } = [];

    /// <summary>Quantiles of the same, for its distribution, one array per round.</summary>
    public List<double[]> RoundQuantilesUs { get; } = [];

    /// <summary>Medians of the parts, one value per round: getting the stream, all callbacks, giving it back.</summary>
    public List<double> BeginUs { get; } = [];

    public List<double> CallbacksUs { get; } = [];

    public List<double> EndUs { get; } = [];

    /// <summary>Medians over rounds of each quantile.</summary>
    public IReadOnlyList<double> QuantilesUs => RoundQuantilesUs.Count == 0 ? [] : [.. s_shares.Select((_, index) => Quantile.Median(RoundQuantilesUs.Select(round => round[index])))];

    public double P50Us => Quantile.Median(RoundMediansUs);

    public double P99Us => Quantile.Median(RoundP99sUs);

    /// <summary>Callbacks of the median exchange that the plugin has; counted on the native metal.</summary>
    public double Entries { get; internal set; }

    /// <summary>Host calls of the median exchange.</summary>
    public double HostCalls { get; internal set; }

    /// <summary>Fields, parts of bodies and data that these gave.</summary>
    public double Values { get; internal set; }

    /// <summary>Bytes of bodies that were copied for the median exchange; counted on wasm.</summary>
    public double CopiedBytes { get; internal set; }

    /// <summary>Exchanges that did not end like the first pass did.</summary>
    public int Odd { get; internal set; }

    /// <summary>Several sessions as one: all of their rounds.</summary>
    internal static ArrangementTimes Merge(IReadOnlyList<ArrangementTimes> sessions)
    {
        var all = new ArrangementTimes { Entries = sessions[0].Entries, HostCalls = sessions[0].HostCalls, Values = sessions[0].Values, CopiedBytes = sessions[0].CopiedBytes, Odd = sessions.Sum(one => one.Odd) };
        foreach (var session in sessions)
        {
            all.RoundMediansUs.AddRange(session.RoundMediansUs);
            all.RoundP99sUs.AddRange(session.RoundP99sUs);
            all.RoundQuantilesUs.AddRange(session.RoundQuantilesUs);
            all.BeginUs.AddRange(session.BeginUs);
            all.CallbacksUs.AddRange(session.CallbacksUs);
            all.EndUs.AddRange(session.EndUs);
        }

        return all;
    }

    /// <summary>Takes the sorted exchanges of a round.</summary>
    internal void TakeQuantiles(double[] sortedUs) => RoundQuantilesUs.Add([.. s_shares.Select(share => Quantile.OfSorted(sortedUs, share))]);
}

/// <summary>Runs rounds.</summary>
public sealed class PluginMeter(PluginWorkload workload, MeterClock clock)
{
    private readonly CaseTimes _times = new();
    private readonly CaseEnd[] _expectedEnds = new CaseEnd[workload.Cases.Count];
    private readonly Dictionary<Arrangement, ArrangementTimes> _results = workload.Arrangements.ToDictionary(arrangement => arrangement, _ => new ArrangementTimes());

    private double[] _exchangesUs = [];
    private double[] _beginUs = [];
    private double[] _callbacksUs = [];
    private double[] _endUs = [];

    /// <summary>Measures; the result has every arrangement with the same rounds.</summary>
    /// <param name="progress">Gets the share that is done, 0 to 1.</param>
    public IReadOnlyDictionary<Arrangement, ArrangementTimes> Run(MeterPlan plan, IProgress<double>? progress, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(plan);
        Rehearse();
        int exchanges = ExchangesOf(plan);
        (_exchangesUs, _beginUs, _callbacksUs, _endUs) = (new double[exchanges], new double[exchanges], new double[exchanges], new double[exchanges]);
        var order = workload.Arrangements;
        for (int round = -plan.WarmUpRounds; round < plan.Rounds; round++)
        {
            cancellation.ThrowIfCancellationRequested();
            for (int turn = 0; turn < order.Count; turn++)
            {
                var arrangement = order[(turn + round + plan.WarmUpRounds) % order.Count];
                RunRound(workload[arrangement], _results[arrangement], isKept: round >= 0);
            }

            progress?.Report((double)(round + plan.WarmUpRounds + 1) / (plan.Rounds + plan.WarmUpRounds));
        }

        return _results;
    }

    /// <summary>Whole passes that last about a turn on the arrangement that the others are compared with.</summary>
    private int ExchangesOf(MeterPlan plan)
    {
        double exchanges = plan.ExchangesPerRound;
        if (plan.TurnUs > 0)
        {
            var reference = workload[workload.Arrangements[^1]];
            long started = Stopwatch.GetTimestamp();
            foreach (var one in workload.Cases) CaseExchange.Measure(reference, one, _times);
            double passUs = Stopwatch.GetElapsedTime(started).TotalMicroseconds;
            exchanges = Math.Clamp(plan.TurnUs / (passUs / workload.Cases.Count), plan.ExchangesPerRound, MeterPlan.MaximumExchanges);
        }

        return (int)Math.Ceiling(exchanges / workload.Cases.Count) * workload.Cases.Count;
    }

    /// <summary>One pass on each arrangement: how exchanges end, and what an exchange consists of.</summary>
    private void Rehearse()
    {
        foreach (var (arrangement, result) in _results)
        {
            int count = workload.Cases.Count;
            double[] entries = new double[count], hostCalls = new double[count], values = new double[count], copiedBytes = new double[count];
            for (int index = 0; index < workload.Cases.Count; index++)
            {
                CaseExchange.Measure(workload[arrangement], workload.Cases[index], _times);
                if (arrangement == workload.Arrangements[0]) _expectedEnds[index] = _times.End;
                (entries[index], hostCalls[index], values[index], copiedBytes[index]) = (_times.Entries, _times.HostCalls, _times.Values, _times.CopiedBytes);
            }

            (result.Entries, result.HostCalls) = (Quantile.Median(entries), Quantile.Median(hostCalls));
            (result.Values, result.CopiedBytes) = (Quantile.Median(values), Quantile.Median(copiedBytes));
        }
    }

    private void RunRound(Plugin plugin, ArrangementTimes result, bool isKept)
    {
        for (int index = 0; index < _exchangesUs.Length; index++)
        {
            int number = index % workload.Cases.Count;
            CaseExchange.Measure(plugin, workload.Cases[number], _times);
            if (_times.End != _expectedEnds[number]) result.Odd++;
            _beginUs[index] = clock.Microseconds(_times.BeginTicks, 1);
            _callbacksUs[index] = clock.Microseconds(_times.CallbackTicks, _times.Callbacks);
            _endUs[index] = clock.Microseconds(_times.EndTicks, 1);
            _exchangesUs[index] = _beginUs[index] + _callbacksUs[index] + _endUs[index];
        }

        if (!isKept) return;
        Array.Sort(_exchangesUs);
        result.RoundMediansUs.Add(Quantile.OfSorted(_exchangesUs, 0.5));
        result.RoundP99sUs.Add(Quantile.OfSorted(_exchangesUs, 0.99));
        result.TakeQuantiles(_exchangesUs);
        result.BeginUs.Add(Quantile.Median(_beginUs));
        result.CallbacksUs.Add(Quantile.Median(_callbacksUs));
        result.EndUs.Add(Quantile.Median(_endUs));
    }
}
