// What this process takes of the machine's memory, as the kernel says.

using System.Globalization;

namespace Bimetal.Meter.Cold;

/// <summary>Reads /proc/self/status.</summary>
internal static class ProcessMemory
{
    private const int BytesPerKibibyte = 1024;

    /// <summary>Resident pages of every kind, and page tables, which are not part of them; after a collection, so that garbage does not count.</summary>
    public static long ResidentBytes()
    {
        GC.Collect();
        return File.ReadLines("/proc/self/status")
            .Where(line => line.StartsWith("VmRSS:", StringComparison.Ordinal) || line.StartsWith("VmPTE:", StringComparison.Ordinal))
            .Sum(line => long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2].Split('\t')[^1], CultureInfo.InvariantCulture) * BytesPerKibibyte);
    }
}
