// `bimetal new plugin NAME --lang L`: copies a template of sdk/templates under a new name. A template is a whole plugin of its own, so the tests
// run it as it is.

using Bimetal.Plugins.Bundles.Languages;
using Bimetal.Wasm.Engine;

namespace Bimetal.Plugins.Bundles;

/// <summary>Makes a plugin folder whose <c>test</c> passes at once.</summary>
public static class NewCommandRunner
{
    private const string TemplateName = "example-plugin";

    /// <param name="path">Where the folder is made; its last part is the plugin's name.</param>
    /// <param name="languageName">As in <see cref="PluginLanguages.Names"/>.</param>
    /// <returns>0; 1 when the folder cannot be made; 2 for a name or a language that there is not.</returns>
    public static async Task<int> RunAsync(string path, string languageName, TextWriter output, TextWriter error)
    {
        string folder = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        string name = Path.GetFileName(folder);
        if (Refusal(name, languageName) is { } refusal)
        {
            await error.WriteLineAsync(refusal);
            return ExitCodes.WrongUsage;
        }

        try
        {
            if (Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any())
                throw new PluginLoadException($"{folder}: is there already, and not empty; choose another name or remove it");
            string template = Path.Combine(SdkFolder.Find().Home, "sdk/templates", languageName);
            foreach (string file in Copy(template, folder, name)) await output.WriteLineAsync(file);
            await output.WriteLineAsync($"made; next: bimetal test {path}");
            return ExitCodes.Success;
        }
        catch (Exception exception) when (exception is PluginLoadException or IOException or UnauthorizedAccessException)
        {
            await error.WriteLineAsync(exception.Message);
            return ExitCodes.Failure;
        }
    }

    private static string? Refusal(string name, string languageName)
    {
        if (!PluginManifest.IsName(name)) return $"'{name}' is not a plugin's name; write at most 64 of a-z, 0-9 and '-', such as device-tag";
        if (languageName == "csharp") return "--lang csharp: C# is not supported for plugins (sdk/README.md says why); there are: " + string.Join(", ", PluginLanguages.Names);
        return PluginLanguages.OfName(languageName) is null ? $"--lang {languageName}: there is no such language; there are: {string.Join(", ", PluginLanguages.Names)}" : null;
    }

    private static IEnumerable<string> Copy(string template, string folder, string name)
    {
        foreach (string source in Directory.EnumerateFiles(template, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            string relative = Path.GetRelativePath(template, source);
            if (relative.StartsWith("build" + Path.DirectorySeparatorChar, StringComparison.Ordinal)) continue;
            string target = Path.Combine(folder, Renamed(relative, name));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.WriteAllText(target, Renamed(File.ReadAllText(source), name));
            yield return target;
        }
    }

    // The name with underscores is that of the source file.
    private static string Renamed(string text, string name) =>
        text.Replace(TemplateName, name, StringComparison.Ordinal)
            .Replace(TemplateName.Replace('-', '_'), name.Replace('-', '_'), StringComparison.Ordinal);
}
