// How much address space this process may have: memories that guests reach without bounds checks want 8 GiB each, which a limit of the
// process, or a processor with few address bits, may not leave.

using System.Globalization;

namespace Bimetal.Wasm.Runtime;

/// <summary>Address space of the process.</summary>
public static class AddressSpace
{
    private const string LimitName = "Max address space";

    private static readonly Lazy<ulong?> Limit = new(() => ReadLimit("/proc/self/limits"));

    /// <summary>RLIMIT_AS (<c>ulimit -v</c>) as it was when somebody first asked; null: none.</summary>
    public static ulong? LimitBytes => Limit.Value;

    /// <summary>Whether so many guarded memories (8 GiB each) can be reserved beside what the process has.</summary>
    public static bool Holds(int guardedMemories)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(guardedMemories);
        return Shim.SlotsFit((uint)guardedMemories) == 0;
    }

    /// <summary>What bounds the address space, in words.</summary>
    public static string Describe() => LimitBytes is { } limit
        ? string.Create(CultureInfo.InvariantCulture, $"RLIMIT_AS is {limit >> 20} MiB (`ulimit -v`, LimitAS= of systemd)")
        : "RLIMIT_AS is unlimited; the processor's address bits, vm.max_map_count or vm.overcommit_memory bind";

    private static ulong? ReadLimit(string path)
    {
        try
        {
            foreach (string line in File.ReadLines(path))
            {
                if (!line.StartsWith(LimitName, StringComparison.Ordinal)) continue;
                string soft = line[LimitName.Length..].Trim().Split(' ')[0];
                return ulong.TryParse(soft, NumberStyles.None, CultureInfo.InvariantCulture, out ulong bytes) ? bytes : null;
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Without /proc nothing is known of a limit; a reservation will tell.
        }

        return null;
    }
}
