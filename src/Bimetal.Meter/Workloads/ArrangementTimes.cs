// What rounds gave for one arrangement: whole exchanges, for the figures of the report, and the parts of each case, for its receipt.

using Bimetal.Meter.Statistics;
using Bimetal.Plugins.Bundles.Cases;

namespace Bimetal.Meter.Workloads;

/// <summary>What the exchange of one case consists of.</summary>
/// <param name="Entries">Callbacks that the plugin has; counted on the native metal.</param>
/// <param name="HostCalls">Host functions that it called.</param>
/// <param name="Values">Fields, parts of bodies and data that these gave.</param>
/// <param name="CopiedBytes">Bytes of bodies that were copied; counted on wasm.</param>
public readonly record struct CaseParts(CaseEnd End, int Entries, int HostCalls, int Values, long CopiedBytes);

/// <summary>Times of one arrangement, in microseconds; each list has one value for each round.</summary>
public sealed class ArrangementTimes
{
    /// <summary>What <see cref="RoundQuantilesUs"/> holds.</summary>
    private static readonly double[] s_shares = [0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999];

    /// <summary>Median of all parts of an exchange together.</summary>
    public List<double> RoundMediansUs { get; } = [];

    /// <summary>99th percentile of the same.</summary>
    public List<double> RoundP99sUs { get; } = [];

    /// <summary>Quantiles of the same, for its distribution.</summary>
    public List<double[]> RoundQuantilesUs { get; } = [];

    /// <summary>Getting the stream, case by case: the mean of the middle half of its exchanges.</summary>
    public List<double[]> BeginUs { get; } = [];

    /// <summary>All callbacks, in the same way.</summary>
    public List<double[]> CallbacksUs { get; } = [];

    /// <summary>Giving the stream back, in the same way.</summary>
    public List<double[]> EndUs { get; } = [];

    /// <summary>What the exchange of each case consists of.</summary>
    public IReadOnlyList<CaseParts> Parts { get; internal set; } = [];

    /// <summary>Medians over rounds of each quantile.</summary>
    public IReadOnlyList<double> QuantilesUs => RoundQuantilesUs.Count == 0 ? [] : [.. s_shares.Select((_, index) => Quantile.Median(RoundQuantilesUs.Select(round => round[index])))];

    public double P50Us => Quantile.Median(RoundMediansUs);

    public double P99Us => Quantile.Median(RoundP99sUs);

    /// <summary>Exchanges that did not end like the first pass did.</summary>
    public int Odd { get; internal set; }

    /// <summary>Several sessions as one: all of their rounds.</summary>
    internal static ArrangementTimes Merge(IReadOnlyList<ArrangementTimes> sessions)
    {
        var all = new ArrangementTimes { Parts = sessions[0].Parts, Odd = sessions.Sum(one => one.Odd) };
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
    internal void TakeExchanges(double[] sortedUs)
    {
        RoundMediansUs.Add(Quantile.OfSorted(sortedUs, 0.5));
        RoundP99sUs.Add(Quantile.OfSorted(sortedUs, 0.99));
        RoundQuantilesUs.Add([.. s_shares.Select(share => Quantile.OfSorted(sortedUs, share))]);
    }

    internal void TakeCases(double[] beginUs, double[] callbacksUs, double[] endUs)
    {
        BeginUs.Add(beginUs);
        CallbacksUs.Add(callbacksUs);
        EndUs.Add(endUs);
    }
}
