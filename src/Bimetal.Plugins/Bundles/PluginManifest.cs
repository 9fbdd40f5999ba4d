// plugin.yaml: what an author says of a plugin. It cannot say how far the plugin is trusted; only a gateway's configuration can.

using System.Text.RegularExpressions;

namespace Bimetal.Plugins.Bundles;

/// <summary>The manifest of a plugin folder. Immutable.</summary>
public sealed partial record PluginManifest
{
    public const string FileName = "plugin.yaml";

    public required string Name { get; init; }

    public required string Version { get; init; }

    public string Description { get; init; } = "";

    /// <summary>C sources, relative to the folder; every build compiles all of them.</summary>
    public required IReadOnlyList<string> Sources { get; init; }

    /// <summary>What the plugin may add to a request; a gateway's configuration can say otherwise.</summary>
    public TimeSpan? LatencyBudget { get; init; }

    /// <summary>Reads and checks the manifest of a folder.</summary>
    /// <exception cref="PluginLoadException">Names file, line and key.</exception>
    public static PluginManifest Load(string folder)
    {
        string file = Path.Combine(folder, FileName);
        if (!File.Exists(file)) throw new PluginLoadException($"{folder}: has no {FileName}, so it is not a plugin folder");
        var mapping = BundleMapping.Load(file);
        var manifest = new PluginManifest
        {
            Name = mapping.RequiredText("name"),
            Version = mapping.RequiredText("version"),
            Description = mapping.Text("description") ?? "",
            Sources = mapping.Texts("sources"),
            LatencyBudget = mapping.Duration("latency_budget"),
        };
        mapping.Finish();
        manifest.Check(mapping, folder);
        return manifest;
    }

    [GeneratedRegex("^[a-z0-9][a-z0-9-]{0,63}\\z", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex NamePattern();

    private void Check(BundleMapping mapping, string folder)
    {
        if (!NamePattern().IsMatch(Name)) throw mapping.Error("name", $"'{Name}' is not a plugin's name; write at most 64 of a-z, 0-9 and '-'");
        if (Sources.Count == 0) throw mapping.Error("sources", "is required; name at least one C file");
        foreach (string source in Sources)
        {
            bool isInside = !Path.IsPathRooted(source) && !source.Split('/').Contains("..");
            if (!isInside || !source.EndsWith(".c", StringComparison.Ordinal)) throw mapping.Error("sources", $"'{source}' must be a .c file inside the folder");
            if (!File.Exists(Path.Combine(folder, source))) throw mapping.Error("sources", $"{source} does not exist");
        }
    }
}
