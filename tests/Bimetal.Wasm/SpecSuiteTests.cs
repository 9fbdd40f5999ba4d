// The official test suite as far as decoder and validator answer it: every module accepted, every bad binary refused.

using Bimetal.Testing;
using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Tests;

public sealed class SpecSuiteTests
{
    private static readonly string[] Accepting = ["module", "assert_unlinkable", "assert_uninstantiable"];

    // Refused with another word, and why.
    private static readonly Dictionary<string, string> OtherWords = new()
    {
        ["binary-leb128.wast:348"] = "the section ends within the number; the suite's reader goes on behind a section",
        ["binary.wast:439"] = "a body without end; the suite's reader goes on behind a body",
        ["binary.wast:455"] = "a body without end; the suite's reader goes on behind a body",
        ["binary.wast:1498"] = "a count above the section's bytes; the suite counts the module's",
        ["binary.wast:1545"] = "a count above the section's bytes; the suite counts the module's",
        ["binary.wast:1632"] = "a section's end is met before the module's",
        ["binary.wast:1772"] = "a length above the section's bytes; the suite counts the module's",
        ["binary.wast:1817"] = "the shifted bytes name an unknown type before they end",
        ["select.wast:324"] = "wast2json writes a select without types",
    };

    [Fact]
    public void Modules_OfTheSuite_AreAccepted() => Check(Accepting, (command, error) =>
        error is null ? null : $"{command}: refused: {error.Message}");

    [Fact]
    public void BadBinaries_OfTheSuite_AreRefused() => Check(["assert_malformed", "assert_invalid"], (command, error) =>
        error is null ? $"{command}: accepted, expected \"{command.ExpectedText}\"" : null);

    [Fact]
    public void BadBinaries_OfTheSuite_AreRefusedInItsWords() => Check(["assert_malformed", "assert_invalid"], (command, error) =>
        error is null || OtherWords.ContainsKey($"{command.Script}:{command.Line}") || error.Message.StartsWith(command.ExpectedText, StringComparison.Ordinal)
            ? null
            : $"{command}: \"{error.Message}\", expected \"{command.ExpectedText}\"");

    private static void Check(string[] commandTypes, Func<SpecCommand, WasmError?, string?> judge)
    {
        if (SpecSuite.MissingReason is { } reason) Assert.Skip(reason);
        int checkedCount = 0;
        var failures = new List<string>();
        foreach (var command in SpecSuite.Commands())
        {
            if (command.ModulePath is null || command.IsText || !commandTypes.Contains(command.Type)) continue;
            checkedCount++;
            if (judge(command, Loading.FaultOf(File.ReadAllBytes(command.ModulePath))) is { } failure) failures.Add(failure);
        }

        Assert.True(checkedCount > 1000, $"only {checkedCount} commands found");
        Assert.True(failures.Count == 0, $"{failures.Count} of {checkedCount}:\n{string.Join('\n', failures.Take(100))}");
    }
}
