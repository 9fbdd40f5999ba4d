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

    /// <summary>The same for replays of host calls: their parts are shown as medians alone, so shorter turns do.</summary>
    public MeterPlan ForReplays => this with { TurnUs = TurnUs / 4 };
}

/// <summary>Runs rounds.</summary>
/// <param name="cases">The exchanges of one pass.</param>
/// <param name="plugins">One of each arrangement, in the order of their keys.</param>
public sealed class PluginMeter<TArrangement>(IReadOnlyList<PluginCase> cases, IReadOnlyDictionary<TArrangement, Plugin> plugins, MeterClock clock)
    where TArrangement : struct, Enum
{
    private readonly CaseTimes _times = new();
    private readonly TArrangement[] _order = [.. plugins.Keys.Order()];
    private readonly CaseEnd[] _expectedEnds = new CaseEnd[cases.Count];
    private readonly Dictionary<TArrangement, ArrangementTimes> _results = plugins.Keys.ToDictionary(arrangement => arrangement, _ => new ArrangementTimes());

    private double[] _exchangesUs = [];
    private double[] _beginUs = [];
    private double[] _callbacksUs = [];
    private double[] _endUs = [];
    private double[] _ofOneCase = [];

    /// <summary>Measures; the result has every arrangement with the same rounds.</summary>
    public IReadOnlyDictionary<TArrangement, ArrangementTimes> Run(MeterPlan plan, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(plan);
        Rehearse();
        int exchanges = ExchangesOf(plan);
        (_exchangesUs, _beginUs, _callbacksUs, _endUs) = (new double[exchanges], new double[exchanges], new double[exchanges], new double[exchanges]);
        _ofOneCase = new double[exchanges / cases.Count];
        for (int round = -plan.WarmUpRounds; round < plan.Rounds; round++)
        {
            cancellation.ThrowIfCancellationRequested();
            for (int turn = 0; turn < _order.Length; turn++)
            {
                var arrangement = _order[(turn + round + plan.WarmUpRounds) % _order.Length];
                RunRound(plugins[arrangement], _results[arrangement], isKept: round >= 0);
            }
        }

        return _results;
    }

    /// <summary>Whole passes that last about a turn on the last arrangement.</summary>
    private int ExchangesOf(MeterPlan plan)
    {
        double exchanges = plan.ExchangesPerRound;
        if (plan.TurnUs > 0)
        {
            var reference = plugins[_order[^1]];
            long started = Stopwatch.GetTimestamp();
            foreach (var one in cases) CaseExchange.Measure(reference, one, _times);
            double passUs = Stopwatch.GetElapsedTime(started).TotalMicroseconds;
            exchanges = Math.Clamp(plan.TurnUs / (passUs / cases.Count), plan.ExchangesPerRound, MeterPlan.MaximumExchanges);
        }

        return (int)Math.Ceiling(exchanges / cases.Count) * cases.Count;
    }

    /// <summary>One pass on each arrangement: how exchanges end, and what an exchange consists of.</summary>
    private void Rehearse()
    {
        foreach (var arrangement in _order)
        {
            var parts = new CaseParts[cases.Count];
            for (int index = 0; index < cases.Count; index++)
            {
                CaseExchange.Measure(plugins[arrangement], cases[index], _times);
                if (arrangement.Equals(_order[0])) _expectedEnds[index] = _times.End;
                parts[index] = new CaseParts(_times.End, _times.Entries, _times.HostCalls, _times.Values, _times.CopiedBytes);
            }

            _results[arrangement].Parts = parts;
        }
    }

    private void RunRound(Plugin plugin, ArrangementTimes result, bool isKept)
    {
        for (int index = 0; index < _exchangesUs.Length; index++)
        {
            int number = index % cases.Count;
            CaseExchange.Measure(plugin, cases[number], _times);
            if (_times.End != _expectedEnds[number]) result.Odd++;
            _beginUs[index] = clock.Microseconds(_times.BeginTicks, 1);
            _callbacksUs[index] = clock.Microseconds(_times.CallbackTicks, _times.Callbacks);
            _endUs[index] = clock.Microseconds(_times.EndTicks, 1);
            _exchangesUs[index] = _beginUs[index] + _callbacksUs[index] + _endUs[index];
        }

        if (!isKept) return;
        result.TakeCases(OfCases(_beginUs), OfCases(_callbacksUs), OfCases(_endUs));
        Array.Sort(_exchangesUs);
        result.TakeExchanges(_exchangesUs);
    }

    /// <summary>For each case the mean of the middle half of its exchanges: below the step of the clock, and deaf to what is rare.</summary>
    private double[] OfCases(double[] exchangesUs)
    {
        double[] middles = new double[cases.Count];
        for (int number = 0; number < middles.Length; number++)
        {
            for (int pass = 0; pass < _ofOneCase.Length; pass++) _ofOneCase[pass] = exchangesUs[(pass * middles.Length) + number];
            Array.Sort(_ofOneCase);
            middles[number] = Quantile.MiddleMeanOfSorted(_ofOneCase);
        }

        return middles;
    }
}
