// The languages that a plugin folder can be written in, told by the ending of its sources.

namespace Bimetal.Plugins.Bundles.Languages;

/// <summary>What a plugin is written in.</summary>
public enum PluginLanguage
{
    C,
    Rust,
    AssemblyScript,
}

/// <summary>Names and endings.</summary>
public static class PluginLanguages
{
    private static readonly (PluginLanguage Language, string Name, string Ending)[] s_all =
    [
        (PluginLanguage.C, "c", ".c"),
        (PluginLanguage.Rust, "rust", ".rs"),
        (PluginLanguage.AssemblyScript, "assemblyscript", ".ts"),
    ];

    /// <summary>As written after <c>--lang</c>.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. s_all.Select(one => one.Name)];

    /// <summary>How their sources end, with the dot.</summary>
    public static IReadOnlyList<string> Endings { get; } = [.. s_all.Select(one => one.Ending)];

    public static string NameOf(PluginLanguage language) => s_all.First(one => one.Language == language).Name;

    public static PluginLanguage? OfSource(string file) => Find(one => one.Ending == Path.GetExtension(file));

    public static PluginLanguage? OfName(string name) => Find(one => one.Name == name);

    private static PluginLanguage? Find(Func<(PluginLanguage Language, string Name, string Ending), bool> isMeant)
    {
        foreach (var one in s_all)
        {
            if (isMeant(one)) return one.Language;
        }

        return null;
    }
}
