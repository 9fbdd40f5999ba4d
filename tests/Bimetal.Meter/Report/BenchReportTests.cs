// The JSON document and the table.

using System.Text.Json;
using Bimetal.Meter.Report;

namespace Bimetal.Meter.Tests.Report;

public sealed class BenchReportTests
{
    [Fact]
    public void Json_NamesOfKeys_AreThoseOfTheSchema()
    {
        using var json = JsonDocument.Parse(BenchJson.Write(Sample()));
        var root = json.RootElement;
        Assert.Equal("bimetal.bench/1", root.GetProperty("schema").GetString());
        var task = root.GetProperty("tasks")[0];
        Assert.Equal(
            ["task", "latencyBudgetUs", "mode", "input", "native", "wasm", "tax", "receipt", "nativeCosts", "sameResult"],
            task.EnumerateObject().Select(property => property.Name));
        Assert.Equal(
            ["callRatio", "callDeltaUs", "requestRatio", "requestDeltaUs", "intervalUs", "budgetShare", "verdict"],
            task.GetProperty("tax").EnumerateObject().Select(property => property.Name));
        Assert.Equal(["item", "us"], task.GetProperty("receipt").GetProperty("hot")[0].EnumerateObject().Select(property => property.Name));
        Assert.Equal(
            ["tasks", "nativeWins", "callRatioGeomean", "requestRatioGeomean", "requestDeltaUsMedian", "maxBudgetShare"],
            root.GetProperty("summary").EnumerateObject().Select(property => property.Name));
    }

    [Fact]
    public void Json_WhatWasNotMeasured_IsAbsentNotZero()
    {
        using var json = JsonDocument.Parse(BenchJson.Write(Sample()));
        var native = json.RootElement.GetProperty("tasks")[0].GetProperty("native");
        Assert.False(native.TryGetProperty("cloneUs", out _));
        Assert.False(native.TryGetProperty("memoryBytes", out _));
        Assert.True(json.RootElement.GetProperty("tasks")[0].GetProperty("wasm").TryGetProperty("cloneUs", out _));
    }

    [Fact]
    public void Json_ReadBack_IsTheSame() => Assert.Equal(BenchJson.Write(Sample()), BenchJson.Write(BenchJson.Read(BenchJson.Write(Sample()))!));

    [Fact]
    public void Table_EveryLine_FitsTheTerminal()
    {
        string table = BenchTable.Write(Sample());
        Assert.All(table.Split('\n'), line => Assert.True(line.Length <= BenchTable.Columns, line));
        Assert.Contains("too noisy to say", table);
        Assert.Contains("unexplained +0.10", table.ReplaceLineEndings(" ").Replace("     ", " ", StringComparison.Ordinal));
    }

    private static BenchReport Sample()
    {
        var task = new BenchTask
        {
            Task = "token-auth",
            LatencyBudgetUs = 500,
            Mode = "conformant; request: a fresh instance each",
            Input = "16 good cases of tokens.yaml",
            Native = new MetalFigures { CallP50Us = 1.5, CallP99Us = 3, RequestP50Us = 1.5, RequestP99Us = 3, ColdLoadUs = 400, SizeBytes = 16_000 },
            Wasm = new MetalFigures { CallP50Us = 2, CallP99Us = 4, RequestP50Us = 5, RequestP99Us = 123.4, CloneUs = 1, ResetUs = 2, SizeBytes = 11_000 },
            Tax = new TaxFigures { CallRatio = 1.33, CallDeltaUs = 0.5, RequestRatio = 3.3, RequestDeltaUs = 3.5, IntervalUs = [-0.1, 7.1], BudgetShare = 0.007, Verdict = BenchVerdict.TooNoisy },
            Receipt = new Receipt { Hot = [new("clone", 1), new("reset", 2), new("boundary (2.5 callbacks)", 0.1), new("host calls (12)", 0.3)], UnexplainedUs = 0.1 },
            NativeCosts = new NativeCosts { Builds = 1, Bytes = 16_000, Missing = ["linux-arm64"] },
            SameResult = true,
        };
        return new BenchReport
        {
            Machine = new MachineDescription { Cpu = new string('X', 90), Cores = 2, Kernel = "Linux 6.8", Runtime = ".NET", Bimetal = "0.1.0", Date = "2026-01-01T00:00:00Z" },
            Tasks = [task],
            Summary = new BenchSummary { Tasks = 1, NativeWins = 0, CallRatioGeomean = 1.33, RequestRatioGeomean = 3.3, RequestDeltaUsMedian = 3.5, MaxBudgetShare = 0.007 },
        };
    }
}
