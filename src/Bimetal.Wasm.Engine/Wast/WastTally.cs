// What came of the commands of one script.

namespace Bimetal.Wasm.Engine.Wast;

/// <summary>Counts and failures of one script. Failures with one cause (a module that does not compile) share a line.</summary>
internal sealed class WastTally(string script)
{
    private readonly SortedDictionary<(int Line, string Reason), int> _failures = [];

    internal string Script { get; } = script;

    internal int Passed { get; private set; }

    internal int Failed { get; private set; }

    internal int Skipped { get; private set; }

    /// <summary>One line per failure: <c>script:line: reason</c>.</summary>
    internal IEnumerable<string> Failures => _failures.Select(failure =>
        $"{Script}:{failure.Key.Line}: {failure.Key.Reason}{(failure.Value > 1 ? $" ({failure.Value} commands)" : "")}");

    internal void Pass() => Passed++;

    internal void Skip() => Skipped++;

    /// <param name="line">Line of the cause.</param>
    /// <param name="reason">What was expected and what happened.</param>
    internal void Fail(int line, string reason)
    {
        Failed++;
        _failures[(line, reason)] = _failures.GetValueOrDefault((line, reason)) + 1;
    }

    public override string ToString() => $"{Passed} passed, {Failed} failed, {Skipped} skipped";
}
