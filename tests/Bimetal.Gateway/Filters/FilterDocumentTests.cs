// Every built-in filter has a section with an example, says when to prefer a plugin, and has tests.

using Bimetal.Gateway.Configuration;
using Bimetal.Testing;

namespace Bimetal.Gateway.Tests.Filters;

public sealed class FilterDocumentTests
{
    public static TheoryData<string> Kinds => [.. FilterReader.Kinds];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Filter_IsDocumentedAndTested(string kind)
    {
        string document = File.ReadAllText(Path.Combine(Repository.Root, "docs", "filters.md"));
        string section = Assert.Single(document.Split("\n## "), section => section.StartsWith(kind + "\n", StringComparison.Ordinal));
        Assert.Matches($"(?s)```yaml\n- {kind}:.*```", section);
        Assert.Matches("[Pp]refer (`jwt` or )?a plugin", section);
        string tests = string.Concat(kind.Replace("_filter", "", StringComparison.Ordinal).Split('_').Select(word => char.ToUpperInvariant(word[0]) + word[1..])) + "FilterTests.cs";
        Assert.True(File.Exists(Path.Combine(Repository.Root, "tests", "Bimetal.Gateway", "Filters", tests)), tests);
    }
}
