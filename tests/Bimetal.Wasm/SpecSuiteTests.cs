// The official test suite as far as decoder and validator answer it: every module accepted, every bad binary refused.

using Bimetal.Testing;
using Bimetal.Wasm.Decoding;
using Bimetal.Wasm.Modules;
using Bimetal.Wasm.Validation;

namespace Bimetal.Wasm.Tests;

public sealed class SpecSuiteTests
{
    // The suite of 2022 expects another word here: an index space that is empty altogether.
    private static readonly string[] Accepting = ["module", "assert_unlinkable", "assert_uninstantiable"];

    [Fact]
    public void Modules_OfTheSuite_AreAccepted() => Check(Accepting, (command, error) =>
        error is null ? null : $"{command}: refused: {error.Message}");

    [Fact]
    public void BadBinaries_OfTheSuite_AreRefused() => Check(["assert_malformed", "assert_invalid"], (command, error) =>
        error is null ? $"{command}: accepted, expected \"{command.ExpectedText}\"" : null);

    [Fact]
    public void BadBinaries_OfTheSuite_AreRefusedInItsWords() => Check(["assert_malformed", "assert_invalid"], (command, error) =>
        error is null || error.Message.StartsWith(command.ExpectedText, StringComparison.Ordinal)
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
            if (judge(command, Load(command.ModulePath)) is { } failure) failures.Add(failure);
        }

        Assert.True(checkedCount > 1000, $"only {checkedCount} commands found");
        Assert.True(failures.Count == 0, $"{failures.Count} of {checkedCount}:\n{string.Join('\n', failures.Take(100))}");
    }

    private static WasmError? Load(string path)
    {
        var module = ModuleDecoder.Decode(File.ReadAllBytes(path), DecodeLimits.Default, out var error);
        return module is null ? error : ModuleValidator.Validate(module);
    }
}
