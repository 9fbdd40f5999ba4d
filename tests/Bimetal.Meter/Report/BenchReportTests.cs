// The JSON document, the table and the generated part of README.

using System.Text.Json;
using Bimetal.Meter.Report;
using Bimetal.Plugins.Bundles;
using Bimetal.Testing;

namespace Bimetal.Meter.Tests.Report;

public sealed class BenchReportTests
{
    [Fact]
    public void Json_NamesOfKeys_AreThoseOfTheSchema()
    {
        using var json = JsonDocument.Parse(BenchJson.Write(SampleReport.Of()));
        var root = json.RootElement;
        Assert.Equal("bimetal.bench/1", root.GetProperty("schema").GetString());
        Holds(root, "machine", "tasks", "summary", "claims", "peers");
        var task = root.GetProperty("tasks")[0];
        Holds(task, "task", "latencyBudgetUs", "mode", "input", "native", "wasm", "codeRatio", "tax", "receipt", "nativeCosts", "sameResult");
        Holds(task.GetProperty("native"), "coldLoadUs", "callP50Us", "callP99Us", "requestP50Us", "requestP99Us", "sizeBytes");
        Holds(task.GetProperty("wasm"), "coldLoadUs", "coldLoadPrecompiledUs", "cloneUs", "resetUs", "compileMs");
        Holds(task.GetProperty("tax"), "callRatio", "callDeltaUs", "requestRatio", "requestDeltaUs", "intervalUs", "budgetShare", "coldRatio", "verdict");
        Holds(task.GetProperty("receipt"), "cold", "hot", "unexplainedUs");
        Assert.Equal(["item", "us"], task.GetProperty("receipt").GetProperty("hot")[0].EnumerateObject().Select(property => property.Name));
        Holds(task.GetProperty("nativeCosts"), "builds", "buildSeconds", "bytes", "missing");
        Holds(
            root.GetProperty("summary"), "tasks", "nativeWins", "codeRatioGeomean", "callRatioGeomean", "requestRatioGeomean", "requestDeltaUsMedian", "coldRatioGeomean", "maxBudgetShare");
        Assert.Equal(["claim", "claimed", "peers", "plain", "bimetal", "verdict"], root.GetProperty("claims")[0].EnumerateObject().Select(property => property.Name));
    }

    [Fact]
    public void Json_WhatWasNotMeasured_IsAbsentNotZero()
    {
        using var json = JsonDocument.Parse(BenchJson.Write(SampleReport.Of()));
        var native = json.RootElement.GetProperty("tasks")[0].GetProperty("native");
        Assert.False(native.TryGetProperty("cloneUs", out _));
        Assert.False(native.TryGetProperty("memoryBytes", out _));
        Assert.True(json.RootElement.GetProperty("tasks")[0].GetProperty("wasm").TryGetProperty("cloneUs", out _));
    }

    [Fact]
    public void Json_ReadBack_IsTheSame() =>
        Assert.Equal(BenchJson.Write(SampleReport.Of()), BenchJson.Write(BenchJson.Read(BenchJson.Write(SampleReport.Of()))!));

    [Fact]
    public void Table_EveryLine_FitsTheTerminal()
    {
        string table = BenchTable.Write(SampleReport.Of());
        Assert.All(table.Split('\n'), line => Assert.True(line.Length <= BenchTable.Columns, line));
        Assert.Contains("too noisy to say", table);
        Assert.Contains("unexplained +0.20", string.Join(' ', table.Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries)));
    }

    [Fact]
    public void Table_MuchUnexplained_IsFlagged()
    {
        var report = SampleReport.Of();
        var task = report.Tasks[0];
        Assert.DoesNotContain("MUCH", BenchTable.Write(report));
        var worse = report with { Tasks = [task with { Receipt = task.Receipt with { UnexplainedUs = -0.4 } }] };
        Assert.Contains("MUCH", BenchTable.Write(worse));
    }

    /// <summary>BLESS=1 writes the table anew when its form has changed; new figures come from the bench alone.</summary>
    [Fact]
    public void Readme_Table_IsThatOfTheReportInDocs()
    {
        string path = Path.Combine(Repository.Root, "README.md"), readme = File.ReadAllText(path);
        var report = BenchJson.Read(File.ReadAllText(Path.Combine(Repository.Root, "docs/bench.json")))!;
        string rewritten = BenchMarkdown.Replace(readme, report)!;
        if (Environment.GetEnvironmentVariable("BLESS") == "1") File.WriteAllText(path, readme = rewritten);
        Assert.Equal(rewritten, readme);
        string[] plugins =
        [
            .. Directory.GetDirectories(Path.Combine(Repository.Root, "plugins")).Where(PluginFolder.IsOne).Select(PluginFolder.Open)
                .Where(folder => folder.TargetsHere.Count == BuildTarget.Here.Count).Select(folder => folder.Manifest.Name).Order(StringComparer.Ordinal),
        ];
        Assert.True(
            report.Tasks.Select(task => task.Task).SequenceEqual(plugins) && report.Machine.Bimetal == MachineDescription.OfThis().Bimetal,
            "the figures are older than the plugins or the version; run: bimetal bench --json docs/bench.json --markdown README.md");
    }

    private static void Holds(JsonElement element, params string[] names) => Assert.All(names, name => Assert.True(element.TryGetProperty(name, out _), name));
}
