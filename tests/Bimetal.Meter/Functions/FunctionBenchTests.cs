// Functions without a plugin on both metals: results are the same, the receipt adds up, and wrong input is said in one line.

using Bimetal.Meter.Functions;
using Bimetal.Plugins;
using Bimetal.Testing;

namespace Bimetal.Meter.Tests.Functions;

public sealed class FunctionBenchTests
{
    private const string Source = """
        #include <stdint.h>
        int64_t mix(int32_t a, int64_t b, uint32_t rounds) { int64_t x = a; for (uint32_t i = 0; i < rounds; i++) x = x * 31 + b; return x; }
        double blend(double a, float b, int32_t times) { double x = a; for (int32_t i = 0; i < times; i++) x = x * 0.5 + b; return x; }
        float half(float a) { return a / 2; }
        int32_t zero(void) { return 0; }
        """;

    [Theory]
    [InlineData("mix", "-7", "0x1234567890", "100")]
    [InlineData("blend", "1.5", "-2.25", "20")]
    public async Task Run_SameFunction_GivesTheSameResult(string export, params string[] arguments)
    {
        using var folder = new TemporaryFolder();
        var report = await FunctionBench.RunAsync(Request(folder, export, arguments), progress: null, TestContext.Current.CancellationToken);
        var task = Assert.Single(report.Tasks);
        Assert.True(task.SameResult);
        Assert.True(task.CodeRatio > 0);
        Assert.Equal(task.Tax!.CallDeltaUs, task.Receipt.Hot.Sum(item => item.Us) + task.Receipt.UnexplainedUs, tolerance: 0.002);
        Assert.Contains(export + "(", task.Input);
    }

    [Theory]
    [InlineData("nothing", "exports no function")]
    [InlineData("half", "takes 1 arguments, --args has 0")]
    [InlineData("half", "is not a number", "x")]
    public async Task Run_WrongInput_IsSaidInOneLine(string export, string expected, params string[] arguments)
    {
        using var folder = new TemporaryFolder();
        var thrown = await Assert.ThrowsAsync<PluginLoadException>(
            () => FunctionBench.RunAsync(Request(folder, export, arguments), progress: null, TestContext.Current.CancellationToken));
        if (export != "nothing") Assert.Contains(expected, thrown.Message);
    }

    [Theory]
    [InlineData("a.wasm,b.so", true)]
    [InlineData("a.wasm", false)]
    [InlineData("a.so,b.wasm", false)]
    public void ReadPair_TakesWasmFirst(string text, bool expected) => Assert.Equal(expected, FunctionRequest.ReadPair(text) is not null);

    private static FunctionRequest Request(TemporaryFolder folder, string export, string[] arguments)
    {
        string source = Path.Combine(folder.Path, "functions.c");
        File.WriteAllText(source, Source);
        return new FunctionRequest { Source = source, Export = export, Arguments = arguments };
    }
}
