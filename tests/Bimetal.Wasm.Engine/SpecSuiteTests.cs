// The official test suite on the whole engine: every assertion must hold.

using Bimetal.Testing;
using Bimetal.Wasm.Engine.Wast;

namespace Bimetal.Wasm.Engine.Tests;

public sealed class SpecSuiteTests
{
    [Fact]
    [Trait("Category", "Slow")]
    public void Suite_AllScripts_Pass()
    {
        if (SpecSuite.MissingReason is { } reason) Assert.Skip(reason);
        var output = new StringWriter();
        int exitCode = WastCommandRunner.Run(new WastRequest { Paths = [Repository.SpecFolder!] }, output, TextWriter.Null);
        string text = output.ToString();
        Assert.True(exitCode == 0, text.Length > 20_000 ? text[..20_000] : text);
        Assert.EndsWith("51054 passed, 0 failed, 1077 skipped\n", text);
    }
}
