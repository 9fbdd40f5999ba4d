// What one call may use.

namespace Bimetal.Wasm.Runtime;

/// <summary>Limits of a call into a guest.</summary>
/// <param name="Cpu">CPU time of the calling thread, measured by the watchdog in ticks of 1 ms; null: no deadline. Only the outermost call of a thread counts.</param>
public readonly record struct CallLimits(TimeSpan? Cpu)
{
    private const long NsPerTick = 100;

    /// <summary>No deadline.</summary>
    public static CallLimits None => default;

    /// <summary>0 for no deadline; a limit of zero or less is the shortest that there is.</summary>
    internal ulong CpuNs => Cpu is { } cpu ? (ulong)(Math.Clamp(cpu.Ticks, 1, long.MaxValue / NsPerTick) * NsPerTick) : 0;
}
