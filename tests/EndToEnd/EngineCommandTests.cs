// invoke, compile and wast of the published binary: what users see of good and of bad modules.

using System.Text.Json;
using Bimetal.Testing;

namespace Bimetal.EndToEnd.Tests;

public sealed class EngineCommandTests
{
    private const string Arithmetic =
        """
        (module
          (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
          (func (export "div") (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1)))
          (func $deep (export "deep") (call $deep) (call $deep))
          (func (export "loop") (loop (br 0))))
        """;

    [Fact]
    public async Task Invoke_PrintsTypedResults()
    {
        using var folder = new TemporaryFolder();
        var result = await BimetalProcess.RunAsync(["invoke", folder.Write("a.wasm", Wat.ToWasm(Arithmetic)), "add", "2", "-40"]);
        Assert.Equal((0, "i32:-38\n", ""), (result.ExitCode, result.Output, result.Error));
    }

    [Theory]
    [InlineData("div", "integer divide by zero", "1", "0")]
    [InlineData("deep", "call stack exhausted")]
    public async Task Invoke_OfWhatTraps_NamesTheTrap_ThenTheFunctions(string export, string trap, params string[] arguments)
    {
        using var folder = new TemporaryFolder();
        var result = await BimetalProcess.RunAsync(["invoke", folder.Write("a.wasm", Wat.ToWasm(Arithmetic)), export, .. arguments]);
        Assert.Equal(1, result.ExitCode);
        string[] lines = result.Error.TrimEnd().Split('\n');
        Assert.Contains(trap, lines[0], StringComparison.Ordinal);
        Assert.Matches($"^  in {export} at 0x[0-9a-f]+ \\(function [0-9]+\\)$", lines[1]);
    }

    [Fact]
    public async Task Invoke_WithACpuLimit_StopsAnEndlessLoop()
    {
        using var folder = new TemporaryFolder();
        var result = await BimetalProcess.RunAsync(["invoke", "--cpu-limit-ms", "50", folder.Write("a.wasm", Wat.ToWasm(Arithmetic)), "loop"]);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("CPU limit exceeded", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Invoke_OfATruncatedModule_NamesFileAndOffset()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("cut.wasm", Wat.ToWasm(Arithmetic).AsSpan(0, 40));
        var result = await BimetalProcess.RunAsync(["invoke", path, "add"]);
        Assert.Equal(1, result.ExitCode);
        Assert.Matches(@"^.*cut\.wasm: byte 0x[0-9a-f]+: .+\n$", result.Error);
    }

    [Fact]
    public async Task Invoke_WithAMissingImport_NamesIt()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("a.wasm", Wat.ToWasm("""(module (import "env" "launch_missiles" (func)) (func (export "f")))"""));
        var result = await BimetalProcess.RunAsync(["invoke", path, "f"]);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("env", result.Error, StringComparison.Ordinal);
        Assert.Contains("launch_missiles", result.Error, StringComparison.Ordinal);
        Assert.Single(result.Error.TrimEnd().Split('\n'));
    }

    [Fact]
    public async Task Compile_PrintsSizesStagesAndKey_AndWritesTheImage()
    {
        using var folder = new TemporaryFolder();
        string image = Path.Combine(folder.Path, "a.code");
        var result = await BimetalProcess.RunAsync(["compile", folder.Write("a.wasm", Wat.ToWasm(Arithmetic)), "-o", image, "--no-cache"]);
        Assert.Equal(0, result.ExitCode);
        foreach (string stage in (string[])["decode", "validate", "emit", "optimise", "codegen", "link"]) Assert.Matches($"(?m)^{stage} +[0-9.]+ ms$", result.Output);
        Assert.Matches("cache key +[0-9a-f]{64}", result.Output);
        Assert.Matches(@"speed +[0-9.]+ MB of wasm per second and core \([0-9.]+ s of CPU time in [0-9.]+ s, [0-9]+ cores\)", result.Output);
        Assert.Equal("\x7f" + "ELF", System.Text.Encoding.Latin1.GetString(File.ReadAllBytes(image).AsSpan(0, 4)));
    }

    [Fact]
    public async Task Compile_WithJson_ReportsCodeGenerationApart_AndTheKeyOfTheCache()
    {
        using var folder = new TemporaryFolder();
        string module = folder.Write("a.wasm", Wat.ToWasm(Arithmetic));
        (string, string)[] cache = [("BIMETAL_CACHE", Path.Combine(folder.Path, "cache"))];
        using var compiled = JsonDocument.Parse((await BimetalProcess.RunAsync(["compile", module, "--json"], environment: cache)).Output);
        using var found = JsonDocument.Parse((await BimetalProcess.RunAsync(["compile", module, "--json"], environment: cache)).Output);
        using var quick = JsonDocument.Parse((await BimetalProcess.RunAsync(["compile", module, "--json", "--quick", "--no-cache"])).Output);
        Assert.InRange(StageMs(compiled, "optimise"), 0.01, 60_000);
        Assert.InRange(StageMs(compiled, "codegen"), 0.01, 60_000);
        Assert.Equal(0, StageMs(quick, "optimise"));
        double speed = compiled.RootElement.GetProperty("megabytesPerCoreSecond").GetDouble(), cpuSeconds = compiled.RootElement.GetProperty("cpuSeconds").GetDouble();
        Assert.Equal(new FileInfo(module).Length / 1e6 / cpuSeconds, speed, 6);
        Assert.True(found.RootElement.GetProperty("fromCache").GetBoolean());
        Assert.Equal(compiled.RootElement.GetProperty("cacheKey").GetString(), found.RootElement.GetProperty("cacheKey").GetString());
        Assert.Equal(JsonValueKind.Null, found.RootElement.GetProperty("megabytesPerCoreSecond").ValueKind);

        static double StageMs(JsonDocument report, string name) =>
            report.RootElement.GetProperty("stages").EnumerateArray().Single(stage => stage.GetProperty("stage").ValueEquals(name)).GetProperty("ms").GetDouble();
    }

    [Fact]
    public async Task Compile_WithoutClang_SaysWhatToInstall()
    {
        using var folder = new TemporaryFolder();
        string module = folder.Write("a.wasm", Wat.ToWasm(Arithmetic));
        var result = await BimetalProcess.RunAsync(["compile", module, "--no-cache"], environment: [("BIMETAL_CLANG", "/nowhere/clang-19")]);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("clang-19", result.Error, StringComparison.Ordinal);
        Assert.Contains("apt-get install", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Wast_CountsAndFails_WhenAnAssertionDoes()
    {
        using var folder = new TemporaryFolder();
        string script = folder.Write("wrong.wast", """(module (func (export "one") (result i32) (i32.const 1))) (assert_return (invoke "one") (i32.const 1)) (assert_return (invoke "one") (i32.const 2))""");
        var result = await BimetalProcess.RunAsync(["wast", script]);
        Assert.Equal(1, result.ExitCode);
        Assert.EndsWith("1 passed, 1 failed, 0 skipped\n", result.Output, StringComparison.Ordinal);
        Assert.Contains("wrong.wast:1", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task UnknownFlag_IsWrongUsage()
    {
        var result = await BimetalProcess.RunAsync(["compile", "--no-such-flag"]);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("--no-such-flag", result.Error, StringComparison.Ordinal);
    }
}
