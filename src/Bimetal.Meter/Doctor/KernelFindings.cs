// Kernel settings that decide how many instances fit and how fast they are given back: see docs of guard-page memory in ARCHITECTURE.md.

using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace Bimetal.Meter.Doctor;

internal static class KernelFindings
{
    // A slot of guard-page memory takes four mappings while its instance lives; a clone's image is split where it was first written, in up to
    // eight places (native/shim/sheets.c), which few plugins reach.
    private const int MappingsPerInstance = 12;
    private const int RecommendedMapCount = 262_144;
    private const int RecommendedDescriptors = 65_536;

    internal static IEnumerable<Finding> All()
    {
        yield return CpuLevel();
        yield return AddressSpace();
        yield return MapCount();
        yield return Overcommit();
        yield return Descriptors();
        yield return PagemapScan();
        yield return MemoryLimit();
    }

    private static Finding CpuLevel() => RuntimeInformation.ProcessArchitecture switch
    {
        Architecture.X64 when Sse42.IsSupported && Popcnt.IsSupported && Ssse3.IsSupported => Finding.Good("CPU level", Avx2.IsSupported ? "x86-64-v2 or newer (AVX2 present)" : "x86-64-v2"),
        Architecture.X64 => new Finding("CPU level", Verdict.Missing, "older than x86-64-v2", "run on a CPU with SSE4.2 and POPCNT"),
        Architecture.Arm64 => Finding.Good("CPU level", "armv8-a"),
        var other => new Finding("CPU level", Verdict.Missing, other.ToString(), "run on x64 or arm64"),
    };

    private static Finding AddressSpace() => LimitOf("Max address space") is { } limit
        ? new Finding("address space", Verdict.Warning, $"limited to {limit >> 20} MiB; a wasm memory reserves 8 GiB of addresses", "ulimit -v unlimited")
        : Finding.Good("address space", "unlimited");

    private static Finding MapCount()
    {
        long count = ReadNumber("/proc/sys/vm/max_map_count") ?? 65_530;
        string value = $"{count}: about {count / MappingsPerInstance} wasm instances";
        return count >= RecommendedMapCount
            ? Finding.Good("vm.max_map_count", value)
            : new Finding("vm.max_map_count", Verdict.Warning, value, $"sysctl -w vm.max_map_count={RecommendedMapCount}");
    }

    private static Finding Overcommit() => ReadNumber("/proc/sys/vm/overcommit_memory") == 2
        ? new Finding("vm.overcommit_memory", Verdict.Warning, "2 (strict): large reservations may be refused", "sysctl -w vm.overcommit_memory=0")
        : Finding.Good("vm.overcommit_memory", "reservations are free");

    private static Finding Descriptors() => LimitOf("Max open files") is { } limit and < RecommendedDescriptors
        ? new Finding("open files", Verdict.Warning, $"{limit}: bounds the connections", $"ulimit -n {RecommendedDescriptors}")
        : Finding.Good("open files", "enough");

    private static Finding PagemapScan() => Environment.OSVersion.Version >= new Version(6, 7)
        ? Finding.Good("kernel", $"{Environment.OSVersion.Version}: PAGEMAP_SCAN resets instances in microseconds")
        : new Finding("kernel", Verdict.Warning, $"{Environment.OSVersion.Version}: no PAGEMAP_SCAN, instances reset more slowly", "run Linux 6.7 or newer");

    private static Finding MemoryLimit() => ReadNumber("/sys/fs/cgroup/memory.max") is { } limit
        ? Finding.Good("memory limit (cgroup)", $"{limit >> 20} MiB")
        : Finding.Good("memory", $"{GC.GetGCMemoryInfo().TotalAvailableMemoryBytes >> 20} MiB, no cgroup limit");

    private static long? ReadNumber(string path)
    {
        try
        {
            return long.TryParse(File.ReadAllText(path).Trim(), CultureInfo.InvariantCulture, out long number) ? number : null;
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>The soft limit of a line of /proc/self/limits, or null when it is unlimited.</summary>
    private static long? LimitOf(string name)
    {
        foreach (string line in File.ReadLines("/proc/self/limits"))
        {
            if (!line.StartsWith(name, StringComparison.Ordinal)) continue;
            string[] columns = line[name.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
            return long.TryParse(columns[0], CultureInfo.InvariantCulture, out long limit) ? limit : null;
        }

        return null;
    }
}
