// How much the self-test does.

namespace Bimetal.Wasm.Engine;

/// <summary>What the self-test does; the defaults keep it well under 20 seconds on a quiet machine.</summary>
public sealed record SelfTestOptions
{
    /// <summary>Threads that run guests at the same time.</summary>
    public int ThreadCount { get; init; } = 4;

    /// <summary>Traps of each of these threads.</summary>
    public int TrapCount { get; init; } = 2_000;

    /// <summary>Endless guests of each kind that are stopped.</summary>
    public int DeadlineCount { get; init; } = 15;

    /// <summary>Guests that the short storm stops.</summary>
    public int StormCount { get; init; } = 4_000;

    /// <summary>Whether calls, traps, clones and resets are timed as well.</summary>
    public bool MeasuresSpeed { get; init; } = true;
}
