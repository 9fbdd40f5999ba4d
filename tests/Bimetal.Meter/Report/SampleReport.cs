// A report with every part that a report can have; its figures are made up.

using Bimetal.Meter.Report;

namespace Bimetal.Meter.Tests.Report;

internal static class SampleReport
{
    public static BenchReport Of()
    {
        double[] quantiles = [1, 1.1, 1.2, 1.3, 1.5, 1.9, 2.4, 3, 9];
        var task = new BenchTask
        {
            Task = "token-auth",
            LatencyBudgetUs = 500,
            Mode = "conformant; request: a fresh instance each",
            Input = "16 good cases of tokens.yaml",
            Native = new MetalFigures { CallP50Us = 1.5, CallP99Us = 3, RequestP50Us = 1.5, RequestP99Us = 3, ColdLoadUs = 400, SizeBytes = 16_000, RequestQuantilesUs = quantiles },
            Wasm = new MetalFigures
            {
                CallP50Us = 2, CallP99Us = 4, RequestP50Us = 5, RequestP99Us = 123.4, RequestP50IntervalUs = [4.9, 5.1], CloneUs = 1, ResetUs = 2, SizeBytes = 11_000, CompileMs = 300,
                ColdLoadUs = 310_000, ColdLoadPrecompiledUs = 1200, PlainRequestUs = 600, RequestQuantilesUs = [.. quantiles.Select(one => one * 3)],
            },
            CodeRatio = 1.2,
            Tax = new TaxFigures
            {
                CallRatio = 1.33, CallDeltaUs = 0.5, RequestRatio = 3.3, RequestDeltaUs = 3.5, IntervalUs = [-0.1, 7.1], BudgetShare = 0.007, ColdRatio = 775, ColdPrecompiledRatio = 3,
                Verdict = BenchVerdict.TooNoisy, Sessions = [new SessionFigures(3.4, [3, 4]), new SessionFigures(3.6, [3, 4])], NativeWins = true,
            },
            Receipt = new Receipt
            {
                Cold = [new("read", 100), new("compile", 300_000)],
                Hot = [new("clone", 1), new("reset", 2), new("boundary (2.5 callbacks)", 0.1), new("host calls (12)", 0.3), new("masks", -0.1)],
                UnexplainedUs = 0.2,
                WhatIf = [new("explicit bounds", 0.4)],
            },
            NativeCosts = new NativeCosts { Builds = 1, BuildSeconds = 0.3, Bytes = 16_000, Missing = ["linux-arm64"] },
            SameResult = true,
        };
        var peer = new PeerReport { Name = "V8 (Node)", Version = "11", Tasks = [new PeerTask("token-auth", 1000, 400, null, 2.2, 38, SameResult: true)] };
        var claim = new ClaimRow("WASM takes 6 times as long", "6x (3-10x)", "25.3x", "400.0x", "3.3x", ClaimVerdict.Confirmed);
        return new BenchReport
        {
            Machine = new MachineDescription { Cpu = new string('X', 90), Cores = 2, Kernel = "Linux 6.8", Runtime = ".NET", Bimetal = "0.1.0", Date = "2026-01-01T00:00:00Z" },
            Tasks = [task],
            Summary = BenchSummaries.Of([task]),
            Claims = [claim],
            Peers = [peer, new PeerReport { Name = "workerd", Skipped = "is not installed" }],
            Scaling = [new ScalingCurve("Payload", "KiB", "us", [new(1, 10, 12), new(1024, 3000, 3300)])],
        };
    }
}
