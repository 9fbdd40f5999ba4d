// The CPU time that one stream may still use: limits.cpu for each callback and limits.cpu_stream for all of them together.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Bimetal.Wasm.Runtime;

namespace Bimetal.Plugins.Failure;

/// <summary>Hands out the limits of each callback, and notes what it used: for plugins with a limit per stream.</summary>
internal struct CpuBudget
{
    private TimeSpan _used;
    private TimeSpan _started;

    /// <summary>What the callback that began last may use.</summary>
    public TimeSpan Limit { get; private set; }

    /// <summary>Takes off what was used.</summary>
    public void End() => _used += ThreadCpuClock.Now - _started;

    public CallLimits Begin(CpuLimits limits)
    {
        _started = ThreadCpuClock.Now;

        // One tick is kept, so that a stream without budget stops at its next callback.
        var left = limits.PerStream > _used ? limits.PerStream.Value - _used : TimeSpan.FromTicks(1);
        Limit = limits.PerCallback is { } perCallback && perCallback < left ? perCallback : left;
        return CpuLimits.Of(Limit);
    }
}

/// <summary>A plugin's limits on CPU time, made once: every callback needs them.</summary>
internal sealed class CpuLimits(PluginLimits limits)
{
    /// <summary>
    /// Where the host's own code is compiled as it runs (development and unit tests, never a release), first calls of host functions take
    /// longer than any limit, through no fault of the guest.
    /// </summary>
    private static readonly TimeSpan s_compilerAllowance = RuntimeFeature.IsDynamicCodeCompiled ? TimeSpan.FromMilliseconds(100) : TimeSpan.Zero;

    public TimeSpan? PerCallback { get; } = limits.CpuPerCallback;

    public TimeSpan? PerStream { get; } = limits.CpuPerStream;

    /// <summary>That of a callback which no budget of its stream shortens.</summary>
    public CallLimits Callback { get; } = Of(limits.CpuPerCallback);

    public static CallLimits Of(TimeSpan? limit) => new(limit + s_compilerAllowance);
}

/// <summary>CPU time that the calling thread has used.</summary>
internal static unsafe partial class ThreadCpuClock
{
    private const int ThreadCpuTimeId = 3;

    public static TimeSpan Now
    {
        get
        {
            // SAFETY: clock_gettime writes one timespec (two 64-bit numbers on 64-bit Linux) into this frame.
            Timespec time;
            _ = GetTime(ThreadCpuTimeId, &time);
            return TimeSpan.FromTicks((time.Seconds * TimeSpan.TicksPerSecond) + (time.Nanoseconds / TimeSpan.NanosecondsPerTick));
        }
    }

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int GetTime(int clock, Timespec* time);

    [StructLayout(LayoutKind.Sequential)]
    private struct Timespec
    {
        public long Seconds;
        public long Nanoseconds;
    }
}
