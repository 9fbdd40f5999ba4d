// How much memory the control groups of this process let it have: the smallest limit from its own group up to the root.

namespace Bimetal.Gateway.Limits;

internal static class CgroupMemory
{
    /// <summary>In bytes; null: no limit, or none that can be read.</summary>
    /// <param name="membership">Text of /proc/self/cgroup: lines of <c>ID:CONTROLLERS:PATH</c>, version 2 with no controllers.</param>
    /// <param name="read">Gives the text of a file below /sys/fs/cgroup, or null.</param>
    public static long? Limit(string membership, Func<string, string?> read)
    {
        long? least = null;
        foreach (string line in membership.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] parts = line.Split(':', 3);
            bool isFirst = parts.Length == 3 && parts[1].Split(',').Contains("memory");
            if (parts.Length != 3 || (parts[1].Length > 0 && !isFirst)) continue;
            var (folder, file) = isFirst ? ("memory", "memory.limit_in_bytes") : ("", "memory.max");

            // In a container the path may be one of the host, but the group itself is what is mounted at the root.
            for (string? path = parts[2]; path is not null; path = Path.GetDirectoryName(path))
            {
                // "max", or in version 1 a number beyond any memory: none.
                if (long.TryParse(read(Path.Join(folder, path, file))?.Trim(), out long limit) && limit < 1L << 50 && !(least < limit)) least = limit;
            }
        }

        return least;
    }

    /// <summary>Of this process.</summary>
    public static long? Limit() => LimitBelow("/sys/fs/cgroup", TryRead("/proc/self/cgroup") ?? "");

    /// <summary>With the control groups mounted at <paramref name="root"/>.</summary>
    internal static long? LimitBelow(string root, string membership) => Limit(membership, path => TryRead(Path.Join(root, path)));

    private static string? TryRead(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
