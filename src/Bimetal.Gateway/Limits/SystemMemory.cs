// How much memory this process may have: the least limit among its cgroup and those above it, or the machine's.

using System.Globalization;

namespace Bimetal.Gateway.Limits;

/// <summary>Looked up when the gateway starts.</summary>
internal static class SystemMemory
{
    private const string CgroupRoot = "/sys/fs/cgroup";

    /// <summary>Bytes.</summary>
    public static long LimitBytes { get; } = Math.Min(MachineBytes(), CgroupBytes(CgroupRoot, File.Exists("/proc/self/cgroup") ? File.ReadAllText("/proc/self/cgroup") : ""));

    /// <summary>The least <c>memory.max</c> on the way from the process's cgroup (version 2) up to the root.</summary>
    /// <param name="membership">The text of /proc/self/cgroup.</param>
    internal static long CgroupBytes(string root, string membership)
    {
        long least = long.MaxValue;
        string? line = membership.Split('\n').FirstOrDefault(static line => line.StartsWith("0::/", StringComparison.Ordinal));
        string path = line is null ? "" : line["0::/".Length..].Trim();
        while (true)
        {
            string file = Path.Combine(root, path, "memory.max");
            if (File.Exists(file) && long.TryParse(File.ReadAllText(file).Trim(), CultureInfo.InvariantCulture, out long limit)) least = Math.Min(least, limit);
            if (path.Length == 0) return least;
            path = Path.GetDirectoryName(path) ?? "";
        }
    }

    private static long MachineBytes()
    {
        string? line = File.Exists("/proc/meminfo") ? File.ReadLines("/proc/meminfo").FirstOrDefault(static line => line.StartsWith("MemTotal:", StringComparison.Ordinal)) : null;
        return line is not null && long.TryParse(line["MemTotal:".Length..].Replace("kB", "", StringComparison.Ordinal).Trim(), CultureInfo.InvariantCulture, out long kibibytes)
            ? kibibytes << 10
            : GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
    }
}
