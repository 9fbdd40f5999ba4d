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

/// <summary>The words of a claim's verdict.</summary>
public static class ClaimVerdict
{
    public const string Confirmed = "confirmed";

    public const string NotConfirmed = "not confirmed here";

    public const string CannotBeJudged = "cannot be judged";

    internal static string Of(bool? holds) => holds switch
    {
        true => Confirmed,
        false => NotConfirmed,
        null => CannotBeJudged,
    };
}
