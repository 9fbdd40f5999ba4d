// The files that git knows of, as the tidy tests read them.

using System.Diagnostics;
using Bimetal.Testing;

namespace Bimetal.Tidy.Tests;

internal static class SourceTree
{
    /// <summary>Paths of all tracked and new files, relative to the root, with forward slashes.</summary>
    internal static IReadOnlyList<string> Files { get; } = List();

    internal static IEnumerable<string> Sources(string extension) =>
        Files.Where(path => path.EndsWith(extension, StringComparison.Ordinal) && !path.StartsWith("artifacts/", StringComparison.Ordinal));

    internal static string Read(string path) => File.ReadAllText(Path.Combine(Repository.Root, path));

    internal static string[] ReadLines(string path) => File.ReadAllLines(Path.Combine(Repository.Root, path));

    private static IReadOnlyList<string> List()
    {
        using var git = Process.Start(new ProcessStartInfo("git", ["-C", Repository.Root, "ls-files", "--cached", "--others", "--exclude-standard"]) { RedirectStandardOutput = true })!;
        string[] files = git.StandardOutput.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        git.WaitForExit();
        return [.. files.Where(path => File.Exists(Path.Combine(Repository.Root, path)))];
    }
}
