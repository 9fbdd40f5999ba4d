// bench in the published binary: the keys that programs read, functions without a plugin, and comparisons with an earlier run.

using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using Bimetal.Testing;

namespace Bimetal.EndToEnd.Tests;

public sealed class BenchCommandTests
{
    private const string Source = "double blend(double a, float b, int times) { for (int i = 0; i < times; i++) a = a * 0.5 + b; return a; }\n";

    private static readonly string[] s_blend = ["--export", "blend", "--args", "1.5", "-2.25", "400"];
    private static readonly string[] s_metal = ["coldProcessUs", "coldLoadUs", "callP50Us", "callP99Us", "requestP50Us", "requestP99Us", "memoryBytes", "sizeBytes"];

    [Fact]
    [Trait("Category", "Slow")]
    public async Task Json_OfARealRun_HasEveryKeyOfTheContract()
    {
        using var folder = new TemporaryFolder();
        string file = Path.Combine(folder.Path, "bench.json"), page = Path.Combine(folder.Path, "bench.html");
        var run = await BimetalProcess.RunAsync(["bench", "token-auth", "--json", file, "--html", page], timeout: TimeSpan.FromMinutes(3));
        Assert.True(run.ExitCode == 0, run.All);
        Assert.Contains("measured in ", run.Output, StringComparison.Ordinal);
        Assert.True(new FileInfo(page).Length > 10_000);

        using var json = JsonDocument.Parse(await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken));
        var root = json.RootElement;
        Holds(root, "schema", "machine", "tasks", "summary", "claims", "peers");
        Assert.Equal("bimetal.bench/1", root.GetProperty("schema").GetString());
        var task = root.GetProperty("tasks")[0];
        Holds(task, "task", "latencyBudgetUs", "mode", "input", "native", "wasm", "nativeBest", "codeRatio", "tax", "receipt", "nativeCosts", "sameResult");
        foreach (string metal in new[] { "native", "wasm", "nativeBest" }) Holds(task.GetProperty(metal), s_metal);
        Holds(task.GetProperty("wasm"), "coldLoadPrecompiledUs", "cloneUs", "resetUs", "compileMs");
        Holds(task.GetProperty("tax"), "callRatio", "callDeltaUs", "requestRatio", "requestDeltaUs", "intervalUs", "budgetShare", "coldRatio", "verdict");
        Assert.Equal(2, task.GetProperty("tax").GetProperty("intervalUs").GetArrayLength());
        Holds(task.GetProperty("receipt"), "cold", "hot", "unexplainedUs");
        Assert.All(task.GetProperty("receipt").GetProperty("hot").EnumerateArray(), item => Holds(item, "item", "us"));
        Assert.All(task.GetProperty("receipt").GetProperty("cold").EnumerateArray(), item => Holds(item, "item", "us"));
        Holds(task.GetProperty("nativeCosts"), "builds", "buildSeconds", "bytes", "missing");
        Holds(
            root.GetProperty("summary"),
            "tasks", "nativeWins", "codeRatioGeomean", "callRatioGeomean", "requestRatioGeomean", "requestDeltaUsMedian", "coldRatioGeomean", "maxBudgetShare");
        Assert.All(root.GetProperty("claims").EnumerateArray(), claim => Holds(claim, "claim", "claimed", "peers", "plain", "bimetal", "verdict"));
        Assert.All(root.GetProperty("peers").EnumerateArray(), peer => Holds(peer, "name"));
    }

    [Fact]
    public async Task Source_BothMetals_AndComparedWithAnEarlierRun()
    {
        using var folder = new TemporaryFolder();
        string source = folder.Write("blend.c", Source), before = Path.Combine(folder.Path, "before.json");
        var run = await BimetalProcess.RunAsync(["bench", "--source", source, .. s_blend, "--json", before], timeout: TimeSpan.FromMinutes(1));
        Assert.True(run.ExitCode == 0, run.All);
        Assert.Contains("the metals' answers are the same, byte for byte", run.Output, StringComparison.Ordinal);
        Assert.Contains("unexplained", run.Output, StringComparison.Ordinal);

        // Against a run that was ten times slower nothing is a regression, against one that was ten times faster all of it is.
        foreach (var (factor, exitCode) in new[] { (10.0, 0), (0.1, 1) })
        {
            string old = folder.Write($"old-{exitCode}.json", Scaled(await File.ReadAllTextAsync(before, TestContext.Current.CancellationToken), factor));
            var compared = await BimetalProcess.RunAsync(["bench", "--source", source, .. s_blend, "--compare", old], timeout: TimeSpan.FromMinutes(1));
            Assert.True(compared.ExitCode == exitCode, compared.All);
            Assert.Equal(exitCode == 1, compared.Output.Contains("REGRESSION", StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task Pair_OfFilesThatAreThere()
    {
        using var folder = new TemporaryFolder();
        string source = folder.Write("blend.c", Source), wasm = Path.Combine(folder.Path, "a.wasm"), native = Path.Combine(folder.Path, "b.so");
        await CompileAsync("--target=wasm32", "-nostdlib", "-Wl,--no-entry,--export=blend", source, "-o", wasm);
        await CompileAsync("-shared", "-fPIC", source, "-o", native);
        var run = await BimetalProcess.RunAsync(["bench", "--pair", $"{wasm},{native}", .. s_blend], timeout: TimeSpan.FromMinutes(1));
        Assert.True(run.ExitCode == 0, run.All);
        Assert.Contains("the code alone, without ABI and host: wasm takes", run.Output, StringComparison.Ordinal);

        // Another function under the same name is found out.
        await CompileAsync("-shared", "-fPIC", folder.Write("other.c", Source.Replace("0.5", "0.25", StringComparison.Ordinal)), "-o", native);
        var other = await BimetalProcess.RunAsync(["bench", "--pair", $"{wasm},{native}", .. s_blend], timeout: TimeSpan.FromMinutes(1));
        Assert.Equal(1, other.ExitCode);
        Assert.Contains("DIFFER", other.Output, StringComparison.Ordinal);
    }

    private static async Task CompileAsync(params string[] arguments)
    {
        using var clang = Process.Start("clang-19", ["-O2", .. arguments]);
        await clang.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, clang.ExitCode);
    }

    /// <summary>The report with its times that much longer.</summary>
    private static string Scaled(string json, double factor)
    {
        var report = JsonNode.Parse(json)!;
        foreach (string metal in new[] { "native", "wasm" })
        {
            var figures = report["tasks"]![0]![metal]!;
            foreach (string figure in new[] { "callP50Us", "requestP50Us" }) figures[figure] = (double)figures[figure]! * factor;
            foreach (string interval in new[] { "callP50IntervalUs", "requestP50IntervalUs" })
            {
                for (int end = 0; end < 2; end++) figures[interval]![end] = (double)figures[interval]![end]! * factor;
            }
        }

        return report.ToJsonString();
    }

    private static void Holds(JsonElement element, params string[] names) => Assert.All(names, name => Assert.True(element.TryGetProperty(name, out _), name));
}
