// The CPU time that one stream may still use: limits.cpu for each callback and limits.cpu_stream for all of them together.

using System.Runtime.InteropServices;
using Bimetal.Wasm.Runtime;

namespace Bimetal.Plugins.Failure;

/// <summary>Hands out the limits of each callback. Reads the thread's CPU clock only when there is a limit per stream.</summary>
internal struct CpuBudget(PluginLimits limits)
{
    private readonly TimeSpan? _perCallback = limits.CpuPerCallback;
    private TimeSpan? _left = limits.CpuPerStream;
    private TimeSpan _started;

    public CallLimits Begin()
    {
        if (_left is not { } left) return new CallLimits(_perCallback);
        _started = ThreadCpuClock.Now;
        return new CallLimits(_perCallback is { } perCallback && perCallback < left ? perCallback : left);
    }

    /// <summary>Takes off what was used; one tick is kept, so that a stream without budget stops at its next callback.</summary>
    public void End()
    {
        if (_left is not { } left) return;
        var rest = left - (ThreadCpuClock.Now - _started);
        _left = rest > TimeSpan.Zero ? rest : TimeSpan.FromTicks(1);
    }
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
