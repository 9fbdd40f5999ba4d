// What one call may use.

namespace Bimetal.Wasm.Runtime;

/// <summary>Limits of a call into a guest.</summary>
public readonly record struct CallLimits
{
    private const long NsPerTick = 100;

    /// <param name="cpu">CPU time of the calling thread, measured by the watchdog in ticks of 1 ms; null: no deadline. Only the outermost call of a thread counts.</param>
    public CallLimits(TimeSpan? cpu)
        => CpuNs = cpu is { } limit ? (ulong)(Math.Clamp(limit.Ticks, 1, long.MaxValue / NsPerTick) * NsPerTick) : 0;

    /// <summary>No deadline.</summary>
    public static CallLimits None => default;

    /// <summary>Null: no deadline.</summary>
    public TimeSpan? Cpu => CpuNs == 0 ? null : TimeSpan.FromTicks((long)(CpuNs / NsPerTick));

    /// <summary>0 for no deadline; a limit of zero or less is the shortest that there is. All that there is: every call is handed it.</summary>
    internal ulong CpuNs { get; }
}
