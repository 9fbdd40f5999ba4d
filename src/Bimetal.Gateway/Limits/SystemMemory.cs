// How much memory this process may have: the least limit among its cgroup and those above it, or the machine's.

using System.Globalization;

namespace Bimetal.Gateway.Limits;

/// <summary>Looked up when the gateway starts.</summary>
internal static class SystemMemory
{
    /// <summary>Bytes.</summary>
    public static long LimitBytes { get; } = Math.Min(MachineBytes(), CgroupMemory.Limit() ?? long.MaxValue);

    private static long MachineBytes()
    {
        string? line = File.Exists("/proc/meminfo") ? File.ReadLines("/proc/meminfo").FirstOrDefault(static line => line.StartsWith("MemTotal:", StringComparison.Ordinal)) : null;
        return line is not null && long.TryParse(line["MemTotal:".Length..].Replace("kB", "", StringComparison.Ordinal).Trim(), CultureInfo.InvariantCulture, out long kibibytes)
            ? kibibytes << 10
            : GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
    }
}
