// The engine tests itself on the machine and in the binary that it runs in: CoreCLR hides faults that a NativeAOT binary shows
// (alternate signal stacks, managed null checks), so `bimetal doctor --self-test` and the unit tests run the same checks.

using System.Diagnostics;
using Bimetal.Wasm.Compiler;
using Bimetal.Wasm.Runtime;

namespace Bimetal.Wasm.Engine;

/// <summary>Traps, deadlines and resets, tried out with compiled guests.</summary>
public static class SelfTest
{
    /// <summary>Names of all checks, in their order.</summary>
    public static IEnumerable<string> CheckNames => Checks(new SelfTestOptions()).Select(check => check.Name);

    /// <summary>Runs all checks and prints one line for each.</summary>
    /// <returns>Whether all passed.</returns>
    public static bool Run(TextWriter output, SelfTestOptions? options = null)
    {
        options ??= new SelfTestOptions();
        using var guests = new SelfTestGuests();
        bool passed = true;
        foreach (var check in Checks(options)) passed &= Run(output, check.Name, () => check.Run(guests));
        if (!passed || !options.MeasuresSpeed) return passed;
        foreach (string line in SpeedFigures.Measure(guests)) output.WriteLine(line);
        return passed;
    }

    /// <summary>Runs one check.</summary>
    /// <returns>What it saw.</returns>
    /// <exception cref="SelfTestException">It failed.</exception>
    public static string RunCheck(string name, SelfTestOptions? options = null)
    {
        using var guests = new SelfTestGuests();
        return Checks(options ?? new SelfTestOptions()).Single(check => check.Name == name).Run(guests);
    }

    private static IEnumerable<(string Name, Func<SelfTestGuests, string> Run)> Checks(SelfTestOptions options) =>
    [
        ("traps on many threads", guests => TrapChecks.ManyThreads(guests, options.ThreadCount, options.TrapCount)),
        ("threads come and go", TrapChecks.ThreadsComeAndGo),
        ("stack overflow", TrapChecks.StackOverflow),
        ("nested entries", TrapChecks.NestedEntries),
        ("endless loop", guests => DeadlineChecks.Endless(guests, ["forever", "forever_writing", "forever_filling"], options.DeadlineCount)),
        ("endless host calls", guests => DeadlineChecks.Endless(guests, ["forever_calling"], options.DeadlineCount)),
        ("short calls go on", DeadlineChecks.ShortCalls),
        ("slot edge", MemoryChecks.SlotEdge),
        ("reset", MemoryChecks.Reset),
        ("reset after traps", MemoryChecks.ResetAfterTraps),
        ("storm", guests => Storm.Check(guests, options.StormCount, checksMemory: false)),
    ];

    private static bool Run(TextWriter output, string name, Func<string> check)
    {
        long start = Stopwatch.GetTimestamp();
        bool passed = false;
        string outcome;
        try
        {
            outcome = check();
            passed = true;
        }
        catch (Exception exception) when (exception is SelfTestException or ToolchainException or CodeImageException or InstanceLimitException)
        {
            outcome = exception.Message;
        }

        output.WriteLine(string.Create(
            System.Globalization.CultureInfo.InvariantCulture,
            $"{(passed ? "ok  " : "FAIL")}  {name,-22} {outcome} ({Stopwatch.GetElapsedTime(start).TotalSeconds:0.0} s)"));
        return passed;
    }
}

/// <summary>A check of the self-test found something wrong.</summary>
public sealed class SelfTestException(string message) : Exception(message)
{
    /// <summary>Throws with what was expected unless the condition holds.</summary>
    public static void Require(bool condition, string expectation)
    {
        if (!condition) throw new SelfTestException(expectation);
    }
}
