// What a profile is valid for: the bytes of both builds, the processor, what the configuration says of instances, and the version of Bimetal.

using System.Runtime.InteropServices;
using Bimetal.Plugins.Bundles;

namespace Bimetal.Plugins.Profiles;

/// <param name="Wasm">SHA-256 of the wasm build.</param>
/// <param name="Native">SHA-256 of the native build of this architecture.</param>
/// <param name="Cpu">Model of the processor, as the kernel calls it.</param>
/// <param name="Settings">What of the configuration changes the cost of a metal.</param>
public sealed record ProfileKey(string Wasm, string Native, string Cpu, string Settings, string Bimetal)
{
    private static readonly Lazy<string> Processor = new(ReadCpuModel);

    /// <summary>Model of this machine's processor.</summary>
    public static string CpuModel => Processor.Value;

    /// <summary>The key of a plugin as it is now; null when it does not have both builds.</summary>
    public static ProfileKey? TryOf(PluginConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        if (!PluginFolder.IsOne(config.Bundle)) return null;
        try
        {
            var folder = PluginFolder.Open(config.Bundle);
            string wasm = folder.PathOf(BuildTarget.Wasm), native = folder.PathOf(BuildTarget.NativeHere);
            if (!File.Exists(wasm) || !File.Exists(native)) return null;
            return new ProfileKey(BuildRecord.DigestOfFile(wasm), BuildRecord.DigestOfFile(native), CpuModel, SettingsOf(config), Version);
        }
        catch (Exception exception) when (exception is PluginLoadException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Why figures with this key do not count for a plugin with the other one; null when they do.</summary>
    public string? DifferenceFrom(ProfileKey now)
    {
        ArgumentNullException.ThrowIfNull(now);
        if (Wasm != now.Wasm || Native != now.Native) return "the plugin was built anew since";
        if (Cpu != now.Cpu) return $"it was measured on another processor ({Cpu})";
        if (Settings != now.Settings) return $"the configuration says {now.Settings} now, and {Settings} was measured";
        return Bimetal != now.Bimetal ? $"it was measured by version {Bimetal}" : null;
    }

    private static string Version => typeof(ProfileKey).Assembly.GetName().Version?.ToString(3) ?? "";

    private static string SettingsOf(PluginConfig config) => config.EffectiveInstance == InstancePolicy.Shared ? "instance: shared" : "instance: per-request";

    private static string ReadCpuModel()
    {
        const string Key = "model name";
        try
        {
            string? line = File.ReadLines("/proc/cpuinfo").FirstOrDefault(one => one.StartsWith(Key, StringComparison.Ordinal));
            return line is null ? RuntimeInformation.ProcessArchitecture.ToString() : line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return RuntimeInformation.ProcessArchitecture.ToString();
        }
    }
}
