// CPU time of this process and of the children that have ended: what a compilation costs, whichever process does the work.

using System.Runtime.InteropServices;

namespace Bimetal.Wasm.Engine.Compile;

internal static class CpuClock
{
    private const int Self = 0;
    private const int Children = -1;

    // struct rusage: two timevals and fourteen counters.
    private const int UsageFields = 18;
    private const int TimevalFields = 4;

    /// <summary>Since the process started.</summary>
    public static TimeSpan Now => Of(Self) + Of(Children);

    private static TimeSpan Of(int who)
    {
        long[] usage = new long[UsageFields];
        if (GetUsage(who, usage) != 0) return TimeSpan.Zero;
        var time = TimeSpan.Zero;
        for (int field = 0; field < TimevalFields; field += 2) time += TimeSpan.FromSeconds(usage[field]) + TimeSpan.FromMicroseconds(usage[field + 1]);
        return time;
    }

    [DllImport("libc", EntryPoint = "getrusage")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int GetUsage(int who, [Out] long[] usage);
}
