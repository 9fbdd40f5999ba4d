// docs/proxy-wasm.md says of every host function what it does, and of no other.

using System.Text.RegularExpressions;
using Bimetal.Plugins.ProxyWasm;
using Bimetal.Plugins.ProxyWasm.Functions;
using Bimetal.Testing;

namespace Bimetal.Plugins.Tests.ProxyWasm;

public sealed partial class DocumentationTests
{
    private static readonly string s_document = File.ReadAllText(Path.Combine(Repository.Root, "docs/proxy-wasm.md"));

    [Fact]
    public void Table_HasARowForEveryFunction()
    {
        var rows = FunctionRow().Matches(s_document).ToDictionary(match => match.Groups[1].Value, match => match.Groups[2].Value, StringComparer.Ordinal);
        Assert.Equal(HostFunctionTable.All.Select(entry => entry.Name).Order(StringComparer.Ordinal), rows.Keys.Order(StringComparer.Ordinal));

        // Those that refuse are exactly the gRPC callouts.
        Assert.Equal(
            CalloutFunctions.Refused.Select(entry => entry.Name).Order(StringComparer.Ordinal),
            rows.Where(row => row.Value == "refuses").Select(row => row.Key).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Totals_AreThoseOfTheTable()
    {
        int all = HostFunctionTable.All.Count(), refused = CalloutFunctions.Refused.Length;
        Assert.Contains($"Of {all} functions {all - refused} are done and\n{refused} refuse", s_document, StringComparison.Ordinal);
    }

    /// <summary>The test that a line names calls the function. A script's "metric" is two functions, which its test says.</summary>
    [Fact]
    public void Functions_AreInTheTests_ThatTheirLinesName()
    {
        string[] sources = [.. Directory.EnumerateFiles(Path.Combine(Repository.Root, "tests/Bimetal.Plugins"), "*.cs", SearchOption.AllDirectories).Select(File.ReadAllText)];
        var rows = s_document.Split('\n').Where(line => FunctionRow().IsMatch(line)).Select(line => line.Split('|', StringSplitOptions.TrimEntries)).ToList();
        var notShown = rows.Where(row => !sources.Any(source => Shows(source, row[4].Trim('`'), row[1].Trim('`')))).Select(row => $"{row[1]}: {row[4]}");
        Assert.Empty(notShown);

        // From the attribute before the test to the next one.
        static bool Shows(string source, string test, string function)
        {
            int at = source.IndexOf($" {test}(", StringComparison.Ordinal);
            if (at < 0) return false;
            int from = Math.Max(source.LastIndexOf("\n    [Fact", at, StringComparison.Ordinal), source.LastIndexOf("\n    [Theory", at, StringComparison.Ordinal));
            int to = source.IndexOf("\n    [", at, StringComparison.Ordinal);
            return Regex.IsMatch(source[from..(to < 0 ? source.Length : to)], $@"\b{function}\b");
        }
    }

    [Fact]
    public void Callbacks_AreAllNamed()
    {
        for (var callback = (GuestCallback)0; (int)callback < CallbackTable.Count; callback++)
        {
            // The C library's other spelling of main.
            if (callback == GuestCallback.MainVoid) continue;
            Assert.Contains($"`{CallbackTable.NameOf(callback)}`", s_document, StringComparison.Ordinal);
        }
    }

    [GeneratedRegex(@"^\| `(\w+)` \| (done|refuses) \|", RegexOptions.Multiline)]
    private static partial Regex FunctionRow();
}
