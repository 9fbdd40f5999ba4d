// The official test suite on the whole engine: everything without SIMD must hold.

using Bimetal.Testing;
using Bimetal.Wasm.Engine.Wast;

namespace Bimetal.Wasm.Engine.Tests;

public sealed class SpecSuiteTests
{
    [Fact]
    public void Suite_WithoutSimd_Passes()
    {
        if (SpecSuite.MissingReason is { } reason) Assert.Skip(reason);
        string[] scripts = [.. Directory.EnumerateFiles(Repository.SpecFolder!, "*.wast").Where(path => !Path.GetFileName(path).StartsWith("simd_", StringComparison.Ordinal))];
        var output = new StringWriter();
        int exitCode = WastCommandRunner.Run(new WastRequest { Paths = scripts }, output, TextWriter.Null);
        string text = output.ToString();
        Assert.True(exitCode == 0, text.Length > 20_000 ? text[..20_000] : text);
    }
}
