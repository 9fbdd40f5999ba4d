// plugin.yaml: what an author says of a plugin. It cannot say how far the plugin is trusted; only a gateway's configuration can.

using System.Text.RegularExpressions;
using Bimetal.Plugins.Bundles.Languages;
using Bimetal.Plugins.Bundles.Oci;

namespace Bimetal.Plugins.Bundles;

/// <summary>The manifest of a plugin folder. Immutable.</summary>
public sealed partial record PluginManifest
{
    public const string FileName = "plugin.yaml";

    public required string Name { get; init; }

    public required string Version { get; init; }

    public string Description { get; init; } = "";

    /// <summary>
    /// Sources of one language, relative to the folder: all C files of the plugin, or the one file of another language that the compiler begins with.
    /// </summary>
    public required IReadOnlyList<string> Sources { get; init; }

    /// <summary>Told by the sources' endings.</summary>
    public PluginLanguage Language { get; private init; }

    /// <summary>Which of the plugins that the module registers is meant, where its SDK registers them by name; a gateway's configuration can say otherwise.</summary>
    public string RootId { get; init; } = "";

    /// <summary>What the plugin may add to a request; a gateway's configuration can say otherwise.</summary>
    public TimeSpan? LatencyBudget { get; init; }

    /// <summary>What a bundle of the plugin says of itself.</summary>
    public BundleLabel Label => new(Name, Version, Description, LatencyBudget, RootId);

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
            RootId = mapping.Text("root_id") ?? "",
            LatencyBudget = mapping.Duration("latency_budget"),
        };
        mapping.Finish();
        return manifest.Checked(mapping, folder);
    }

    /// <summary>Whether a text can be a plugin's name.</summary>
    public static bool IsName(string text) => NamePattern().IsMatch(text);

    [GeneratedRegex("^[a-z0-9][a-z0-9-]{0,63}\\z", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex NamePattern();

    private PluginManifest Checked(BundleMapping mapping, string folder)
    {
        if (!IsName(Name)) throw mapping.Error("name", $"'{Name}' is not a plugin's name; write at most 64 of a-z, 0-9 and '-'");
        if (Sources.Count == 0) throw mapping.Error("sources", "is required; name at least one source file");
        foreach (string source in Sources)
        {
            bool isInside = !Path.IsPathRooted(source) && !source.Split('/').Contains("..");
            if (!isInside || PluginLanguages.OfSource(source) is null)
                throw mapping.Error("sources", $"'{source}' must be a file inside the folder that ends in {string.Join(" or ", PluginLanguages.Endings)}");
            if (!File.Exists(Path.Combine(folder, source))) throw mapping.Error("sources", $"{source} does not exist");
        }

        var language = PluginLanguages.OfSource(Sources[0])!.Value;
        if (Sources.FirstOrDefault(source => PluginLanguages.OfSource(source) != language) is { } other)
            throw mapping.Error("sources", $"{Sources[0]} and {other} are of two languages; a plugin has one");
        if (language != PluginLanguage.C && Sources.Count > 1)
            throw mapping.Error("sources", $"name only the file that the compiler begins with ({Sources[0]}?); it finds the others by itself");
        return this with { Language = language };
    }
}
