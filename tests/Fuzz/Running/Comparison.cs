// Compares a batch of modules in both engines.

using Bimetal.Wasm.Compiler;

namespace Bimetal.Fuzz.Running;

/// <summary>A module on which the engines differ, and where they do for the first time.</summary>
internal sealed record Mismatch(Candidate Candidate, CompileOptions Options, Observation? V8, Observation? Ours)
{
    public override string ToString() => $"{Candidate.Name}\n  V8:   {V8?.ToString() ?? "nothing"}\n  here: {Ours?.ToString() ?? "nothing"}";
}

/// <summary>How much was compared.</summary>
internal sealed record Tally(int Modules, int Calls, int Traps)
{
    internal static Tally None { get; } = new(0, 0, 0);

    internal Tally Add(Tally other) => new(Modules + other.Modules, Calls + other.Calls, Traps + other.Traps);
}

internal static class Comparison
{
    /// <summary>Runs the modules in both engines.</summary>
    internal static (List<Mismatch> Mismatches, Tally Tally) Run(IReadOnlyList<Candidate> candidates, CompileOptions options)
    {
        var v8 = V8.Run(candidates);
        var ours = new OurEngine(options).Run(candidates);
        var mismatches = new List<Mismatch>();
        for (int index = 0; index < candidates.Count; index++)
        {
            if (Difference(v8[index], ours[index], options) is { } different) mismatches.Add(new Mismatch(candidates[index], options, different.V8, different.Ours));
        }

        var all = v8.SelectMany(list => list).ToList();
        return (mismatches, new Tally(candidates.Count, all.Count, all.Count(observation => observation.Trap.Length > 0)));
    }

    /// <summary>The first pair that differs; null when all agree.</summary>
    internal static (Observation? V8, Observation? Ours)? Difference(IReadOnlyList<Observation> v8, IReadOnlyList<Observation> ours, CompileOptions options)
    {
        for (int index = 0; index < Math.Max(v8.Count, ours.Count); index++)
        {
            var (theirs, mine) = (v8.ElementAtOrDefault(index), ours.ElementAtOrDefault(index));
            if (theirs is not null && mine is not null && mine.Agrees(theirs, options)) continue;

            // Relaxed code may leave out the trap of a load whose value is not used. It goes on, in a state of its own.
            return options.Mode == CompileMode.Relaxed && theirs is { IsBeyondMemory: true } ? null : (theirs, mine);
        }

        return null;
    }
}
