// What the process itself takes, from /proc and the runtime.

using System.Globalization;

namespace Bimetal.Gateway.Telemetry.Metrics;

internal static class ProcessFigures
{
    public static string Version { get; } = typeof(ProcessFigures).Assembly.GetName().Version?.ToString(3) ?? "";

    public static double CpuSeconds => Environment.CpuUsage.TotalTime.TotalSeconds;

    public static long ResidentBytes => StatusKib("VmRSS:") * 1024;

    public static long PeakResidentBytes => StatusKib("VmHWM:") * 1024;

    public static int ThreadCount => (int)StatusKib("Threads:");

    public static int OpenFileCount => Count("/proc/self/fd");

    private static int Count(string folder)
    {
        try
        {
            return Directory.EnumerateFileSystemEntries(folder).Count();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }

    private static long StatusKib(string key)
    {
        try
        {
            foreach (string line in File.ReadLines("/proc/self/status"))
            {
                if (!line.StartsWith(key, StringComparison.Ordinal)) continue;
                var value = line.AsSpan(key.Length).Trim();
                int end = value.IndexOf(' ');
                return long.Parse(end < 0 ? value : value[..end], NumberStyles.None, CultureInfo.InvariantCulture);
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or FormatException)
        {
            // Not every system has the file; the figure is left at zero.
        }

        return 0;
    }
}
