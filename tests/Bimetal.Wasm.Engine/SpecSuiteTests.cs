// The official test suite on the whole engine: every assertion must hold. In relaxed mode the only ones that may fail are those that
// want the trap of a load whose value is dropped.

using System.Text.RegularExpressions;
using Bimetal.Testing;
using Bimetal.Wasm.Compiler;
using Bimetal.Wasm.Engine.Wast;

namespace Bimetal.Wasm.Engine.Tests;

public sealed partial class SpecSuiteTests
{
    private const int AssertionCount = 52_131;
    private const int TextAssertionCount = 1_077;

    [Fact]
    [Trait("Category", "Slow")]
    public void Suite_AllScripts_Pass()
    {
        var (exitCode, lines) = Run(CompileMode.Conformant);
        Assert.True(exitCode == 0, string.Join('\n', lines.Take(200)));
        Assert.Equal($"{AssertionCount - TextAssertionCount} passed, 0 failed, {TextAssertionCount} skipped", lines[^1]);
    }

    [Fact]
    [Trait("Category", "Slow")]
    public void Suite_InRelaxedMode_MissesOnlyTrapsOfDroppedLoads()
    {
        var (_, lines) = Run(CompileMode.Relaxed);
        string[] failures = lines[..^1];
        foreach (string failure in failures)
        {
            var match = MissedTrap().Match(failure);
            Assert.True(match.Success, failure);
            string script = File.ReadAllText(Path.Combine(Repository.SpecFolder!, match.Groups["script"].Value));
            string dropped = $"""\(func \(export "{Regex.Escape(match.Groups["name"].Value)}"\)( \(param \$?\w* ?i32\))?\s+\(drop \([a-z0-9_.]*load""";
            Assert.True(Regex.IsMatch(script, dropped, RegexOptions.None, TimeSpan.FromSeconds(10)), $"{failure}\nis not about a dropped load");
        }

        Assert.NotEmpty(failures);
        Assert.Equal($"{AssertionCount - TextAssertionCount - failures.Length} passed, {failures.Length} failed, {TextAssertionCount} skipped", lines[^1]);
    }

    private static (int ExitCode, string[] Lines) Run(CompileMode mode)
    {
        if (SpecSuite.MissingReason is { } reason) Assert.Skip(reason);
        var output = new StringWriter();
        var request = new WastRequest { Paths = [Repository.SpecFolder!], Compile = new CompileOptions { Mode = mode } };
        int exitCode = WastCommandRunner.Run(request, output, TextWriter.Null);
        return (exitCode, output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [GeneratedRegex("""^(?<script>\w+\.wast):\d+: assert_trap invoke "(?<name>[^"]+)": returned nothing, expected the trap "out of bounds memory access"$""", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex MissedTrap();
}
