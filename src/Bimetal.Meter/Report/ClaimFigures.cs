// What the claims are judged by: figures with the intervals that were measured. A figure over several tasks has for its ends what the tasks' lower
// and upper ends come to, which is wider than its own interval would be, never narrower.

using System.Globalization;
using Bimetal.Meter.Statistics;

namespace Bimetal.Meter.Report;

/// <summary>A figure and its interval.</summary>
internal readonly record struct ClaimFigure(double Value, Interval Interval)
{
    public static ClaimFigure Of(double value, IReadOnlyList<double>? bounds) => new(value, bounds is [var low, var high] ? new Interval(low, high) : new Interval(value, value));

    /// <summary>At least and at most so many times as long.</summary>
    public static ClaimFigure operator /(ClaimFigure left, ClaimFigure right) =>
        new(left.Value / right.Value, new Interval(left.Interval.Low / right.Interval.High, left.Interval.High / right.Interval.Low));

    public static ClaimFigure operator -(ClaimFigure left, ClaimFigure right) =>
        new(left.Value - right.Value, new Interval(left.Interval.Low - right.Interval.High, left.Interval.High - right.Interval.Low));

    /// <summary>Sums up; null without a figure.</summary>
    public static ClaimFigure? Over(IEnumerable<ClaimFigure?> figures, Func<IEnumerable<double>, double> sum)
    {
        ClaimFigure[] known = [.. figures.OfType<ClaimFigure>()];
        return known.Length == 0 ? null : new ClaimFigure(
            sum(known.Select(one => one.Value)), new Interval(sum(known.Select(one => one.Interval.Low)), sum(known.Select(one => one.Interval.High))));
    }

    public static ClaimFigure? Geomean(IEnumerable<ClaimFigure?> figures) => Over(figures, values => Math.Exp(values.Average(Math.Log)));

    public static ClaimFigure? Median(IEnumerable<ClaimFigure?> figures) => Over(figures, Quantile.Median);
}

/// <summary>Texts of figures; what is not known is <see cref="Nobody"/>.</summary>
internal static class ClaimText
{
    public const string Nobody = "-";

    public static string Ratio(ClaimFigure? ratio) => ratio is not { } figure ? Nobody
        : figure.Interval.Low == figure.Interval.High ? Ratio(figure.Value)
        : string.Create(CultureInfo.InvariantCulture, $"{Ratio(figure.Value)} ({figure.Interval.Low:0.00}-{figure.Interval.High:0.00})");

    public static string Ratio(double ratio) => ratio.ToString(ratio < 100 ? "0.0" : "0", CultureInfo.InvariantCulture) + "x";

    public static string Us(double? us) => us is not { } value ? Nobody
        : value < 1000 ? value.ToString(value < 10 ? "0.0" : "0", CultureInfo.InvariantCulture) + " us" : Ms(value);

    public static string Ms(double us) => (us / 1000).ToString(us < 10_000 ? "0.00" : "0.0", CultureInfo.InvariantCulture) + " ms";

    public static string Share(double share) => (share * 100).ToString("0.00", CultureInfo.InvariantCulture) + " %";

    /// <summary>One figure for each peer that was measured, with its name.</summary>
    public static string OfPeers(IReadOnlyList<PeerReport> peers, Func<PeerReport, double?> figure, Func<double, string> text)
    {
        string[] each = [.. from peer in peers where peer.Skipped is null let value = figure(peer) where value is not null select $"{text(value.Value)} {peer.Name.Split([' ', ','])[0]}"];
        return each.Length == 0 ? Nobody : string.Join(", ", each);
    }
}
