// One session can be lucky: the same difference has to be found in each of several, between which everything was loaded anew.

namespace Bimetal.Meter.Statistics;

/// <summary>Judges comparisons that were made again and again.</summary>
public static class RepeatedSessions
{
    /// <summary>Whether the first was faster in every session, each time beyond noise; false without a session.</summary>
    public static bool IsFirstAlwaysFaster(IReadOnlyCollection<PairedComparison> sessions)
    {
        ArgumentNullException.ThrowIfNull(sessions);
        return sessions.Count > 0 && sessions.All(session => session.Verdict == ComparisonVerdict.FirstFaster);
    }
}
