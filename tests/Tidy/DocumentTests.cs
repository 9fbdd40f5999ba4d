// What the documents name exists: paths, commands and links; and nothing in the project names the machine that it was written on.

using System.Text.RegularExpressions;
using Bimetal.Testing;

namespace Bimetal.Tidy.Tests;

public sealed partial class DocumentTests
{
    private static IEnumerable<string> Documents => SourceTree.Sources(".md");

    [Fact]
    public void Links_ToFiles_Resolve()
    {
        var broken = Documents.SelectMany(path => Link().Matches(SourceTree.Read(path))
            .Select(match => (Document: path, Target: match.Groups[1].Value))
            .Where(link => !link.Target.Contains("://", StringComparison.Ordinal) && !link.Target.StartsWith('#'))
            .Where(link => !Path.Exists(Path.Combine(Repository.Root, Path.GetDirectoryName(link.Document)!, link.Target.Split('#')[0]))));
        Assert.Empty(broken);
    }

    [Fact]
    public void Paths_InCodeSpans_Exist()
    {
        var missing = Documents.SelectMany(path => PathSpan().Matches(SourceTree.Read(path))
            .Select(match => (Document: path, Target: match.Groups[1].Value))
            .Where(span => !span.Target.Contains('*') && !span.Target.Contains("/build/", StringComparison.Ordinal))
            .Where(span => !Path.Exists(Path.Combine(Repository.Root, span.Target))));
        Assert.Empty(missing);
    }

    /// <summary>Tables whose last column is called "shown by" have a test in each line.</summary>
    [Fact]
    public void Tests_NamedInTables_Exist()
    {
        var tests = SourceTree.Sources(".cs").Where(path => path.StartsWith("tests/", StringComparison.Ordinal))
            .SelectMany(path => TestMethod().Matches(SourceTree.Read(path)).Select(match => match.Groups[1].Value)).ToHashSet(StringComparer.Ordinal);
        var wrong = new List<string>();
        int lines = 0;
        foreach (string document in Documents)
        {
            bool isInside = false;
            foreach (string line in SourceTree.ReadLines(document))
            {
                bool isRow = line.StartsWith('|');
                bool isHead = isRow && line.EndsWith("| shown by |", StringComparison.Ordinal);
                if (isInside && isRow && !isHead && !line.StartsWith("|-", StringComparison.Ordinal))
                {
                    string[] names = [.. CodeSpan().Matches(line.Split('|')[^2]).Select(match => match.Groups[1].Value)];
                    lines++;
                    if (names.Length == 0) wrong.Add($"{document}: no test: {line}");
                    wrong.AddRange(names.Where(name => !tests.Contains(name)).Select(name => $"{document}: there is no test {name}"));
                }

                isInside = isRow && (isInside || isHead);
            }
        }

        Assert.Empty(wrong);
        Assert.True(lines > 100, $"only {lines} lines were looked at");
    }

    [Fact]
    public void Files_NameNoMachine()
    {
        var naming = SourceTree.Files.Where(path => !path.StartsWith("tests/Tidy/", StringComparison.Ordinal) && TextFile().IsMatch(path))
            .Where(path => MachinePath().IsMatch(SourceTree.Read(path)));
        Assert.Empty(naming);
    }

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Link();

    // `src/…`, `tests/…` and the like in backquotes.
    [GeneratedRegex(@"`((?:src|tests|native|sdk|plugins|bench|deploy|docs)/[\w./*-]+)`")]
    private static partial Regex PathSpan();

    [GeneratedRegex(@"`(\w+)`")]
    private static partial Regex CodeSpan();

    [GeneratedRegex(@"public (?:async )?(?:Task|void) (\w+)\(")]
    private static partial Regex TestMethod();

    [GeneratedRegex(@"(?<![\w.])/work/|\.library")]
    private static partial Regex MachinePath();

    [GeneratedRegex(@"\.(cs|c|h|S|md|yaml|yml|json|props|targets|csproj|sh|wat|txt)$|^(bimetal|test)$|^\.ci/")]
    private static partial Regex TextFile();
}
