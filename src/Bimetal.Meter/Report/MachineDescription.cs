// What stood under the figures: without it they mean nothing.

using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Bimetal.Plugins.Profiles;

namespace Bimetal.Meter.Report;

/// <summary>The machine and the program that measured.</summary>
public sealed record MachineDescription
{
    public required string Cpu { get; init; }

    public required int Cores { get; init; }

    public required string Kernel { get; init; }

    /// <summary>Frequency governor; absent where the kernel does not show one (most virtual machines).</summary>
    public string? Governor { get; init; }

    public required string Runtime { get; init; }

    public required string Bimetal { get; init; }

    /// <summary>UTC.</summary>
    public required string Date { get; init; }

    public static MachineDescription OfThis() => new()
    {
        Cpu = ProfileKey.CpuModel,
        Cores = Environment.ProcessorCount,
        Kernel = "Linux " + (ReadLine("/proc/sys/kernel/osrelease") ?? Environment.OSVersion.Version.ToString()),
        Governor = ReadLine("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        Runtime = RuntimeInformation.FrameworkDescription + (RuntimeFeature.IsDynamicCodeSupported ? " (CoreCLR)" : " (NativeAOT)"),
        Bimetal = typeof(MachineDescription).Assembly.GetName().Version?.ToString(3) ?? "",
        Date = DateTime.UtcNow.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture),
    };

    private static string? ReadLine(string path)
    {
        try
        {
            return File.Exists(path) ? File.ReadAllText(path).Trim() : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
