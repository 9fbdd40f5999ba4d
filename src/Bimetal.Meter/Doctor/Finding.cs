// One line of `bimetal doctor`: what was looked at, what was found, and the command that mends it.

namespace Bimetal.Meter.Doctor;

public enum Verdict
{
    Good,

    /// <summary>Works, but slower, smaller or less than it could.</summary>
    Warning,

    /// <summary>Something that Bimetal needs is not there.</summary>
    Missing,
}

/// <param name="Subject">What was looked at.</param>
/// <param name="Value">What was found, in a few words.</param>
/// <param name="Remedy">The command or setting that mends it; null when nothing needs mending.</param>
public sealed record Finding(string Subject, Verdict Verdict, string Value, string? Remedy = null)
{
    public static Finding Good(string subject, string value) => new(subject, Verdict.Good, value);
}
