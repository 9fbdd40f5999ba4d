// The self-test of the engine, check by check.

using System.Globalization;
using Bimetal.Testing;
using Bimetal.Wasm.Engine;

namespace Bimetal.Wasm.Runtime.Tests;

/// <summary>The checks that `bimetal doctor --self-test` runs in the published binary, here on CoreCLR.</summary>
public sealed class SelfTestTests(ITestOutputHelper output)
{
    public static TheoryData<string> Checks => [.. SelfTest.CheckNames];

    [Theory]
    [MemberData(nameof(Checks))]
    public void Check_Passes(string name) => output.WriteLine(SelfTest.RunCheck(name, new SelfTestOptions { TrapCount = 500, DeadlineCount = 5, StormCount = 1_600 }));

    [Fact]
    [Trait("Category", "Slow")]
    public void Run_PrintsALineForEachCheck_AndFigures()
    {
        using var lines = new StringWriter(CultureInfo.InvariantCulture);
        bool passed = SelfTest.Run(lines, new SelfTestOptions { TrapCount = 100, DeadlineCount = 2, StormCount = 800 });
        output.WriteLine(lines.ToString());
        Assert.True(passed, lines.ToString());
        foreach (string name in SelfTest.CheckNames) Assert.Contains($"ok    {name}", lines.ToString(), StringComparison.Ordinal);
        Assert.Contains("rent and reset", lines.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("guest")]
    [InlineData("edges")]
    [InlineData("figures")]
    public void Binary_IsThatOfTheText(string name)
    {
        string folder = Path.Combine(Repository.Root, "src/Bimetal.Wasm.Engine/SelfTest");
        Assert.Equal(Wat.ToWasm(File.ReadAllText(Path.Combine(folder, name + ".wat"))), File.ReadAllBytes(Path.Combine(folder, name + ".wasm")));
    }
}
