// What `bench` was asked for.

using Bimetal.Meter.Workloads;
using Bimetal.Plugins;
using Bimetal.Plugins.Bundles;

namespace Bimetal.Meter.Bench;

/// <summary>Plugins to measure, and how long.</summary>
public sealed record BenchRequest
{
    public required IReadOnlyList<PluginFolder> Folders { get; init; }

    public MeterPlan Plan { get; init; } = MeterPlan.Quick;

    /// <summary>Makes a request from the arguments of the command: folders with a plugin.yaml, or names of reference plugins; none: all of those.</summary>
    /// <exception cref="PluginLoadException">One of them is neither.</exception>
    public static BenchRequest Of(IReadOnlyList<string> arguments, bool isFull)
    {
        ArgumentNullException.ThrowIfNull(arguments);
        var plan = isFull ? MeterPlan.Full : MeterPlan.Quick;
        if (arguments.Count > 0) return new BenchRequest { Folders = [.. arguments.Select(Resolve)], Plan = plan };
        string plugins = Path.Combine(SdkFolder.Find().Home, "plugins");
        return new BenchRequest { Folders = [.. Directory.GetDirectories(plugins).Where(PluginFolder.IsOne).Order(StringComparer.Ordinal).Select(PluginFolder.Open)], Plan = plan };
    }

    private static PluginFolder Resolve(string argument)
    {
        if (PluginFolder.IsOne(argument)) return PluginFolder.Open(argument);
        string? named = SdkFolder.TryFind() is { } sdk ? Path.Combine(sdk.Home, "plugins", argument) : null;
        if (named is not null && PluginFolder.IsOne(named)) return PluginFolder.Open(named);
        throw new PluginLoadException($"{argument}: is neither a folder with a {PluginManifest.FileName} nor a task's name");
    }
}
