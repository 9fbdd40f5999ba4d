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
