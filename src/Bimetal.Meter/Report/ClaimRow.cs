// One claim of the article and what was measured of it.

namespace Bimetal.Meter.Report;

/// <summary>A row of the claims table; every figure says its unit.</summary>
/// <param name="Claim">What is claimed.</param>
/// <param name="Claimed">The claimed figure.</param>
/// <param name="Peers">The same of engines by others, as shipped; or why there is none.</param>
/// <param name="Plain">Bimetal without what it does against the tax: code compiled on the way, a new instance made for each request, explicit bounds.</param>
/// <param name="Bimetal">Bimetal as it is.</param>
/// <param name="Verdict">One of <see cref="ClaimVerdict"/>.</param>
public sealed record ClaimRow(string Claim, string Claimed, string Peers, string Plain, string Bimetal, string Verdict);

/// <summary>The words of a claim's verdict, and the two ways to one.</summary>
public static class ClaimVerdict
{
    public const string Confirmed = "confirmed";

    public const string NotConfirmed = "not confirmed here";

    public const string CannotBeJudged = "cannot be judged";

    /// <summary>A claim that something is at least so large. An interval on both sides of that decides nothing.</summary>
    internal static string AtLeast(ClaimFigure? figure, double least) => figure is not { } known ? CannotBeJudged
        : known.Interval.Low >= least ? Confirmed
        : known.Interval.High < least ? NotConfirmed
        : CannotBeJudged;

    /// <summary>A claim about a share of the tasks; null is a task whose intervals decide nothing.</summary>
    internal static string Share(IReadOnlyCollection<bool?> tasks, double least)
    {
        int certain = tasks.Count(holds => holds == true), possible = tasks.Count(holds => holds != false);
        return tasks.Count == 0 ? CannotBeJudged : certain >= least * tasks.Count ? Confirmed : possible < least * tasks.Count ? NotConfirmed : CannotBeJudged;
    }
}
