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

    [GeneratedRegex(@"(?<![\w.])/work/|\.library")]
    private static partial Regex MachinePath();

    [GeneratedRegex(@"\.(cs|c|h|S|md|yaml|yml|json|props|targets|csproj|sh|wat|txt)$|^(bimetal|test)$|^\.ci/")]
    private static partial Regex TextFile();
}
