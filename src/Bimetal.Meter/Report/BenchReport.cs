// The JSON document of `bench --json`, schema bimetal.bench/1 (ARCHITECTURE.md). What was not measured is null here and absent there.

namespace Bimetal.Meter.Report;

/// <summary>The whole document.</summary>
public sealed record BenchReport
{
    public const string SchemaName = "bimetal.bench/1";

    public string Schema { get; init; } = SchemaName;

    public required MachineDescription Machine { get; init; }

    public required IReadOnlyList<BenchTask> Tasks { get; init; }

    public required BenchSummary Summary { get; init; }

    /// <summary>The claims that the figures speak to.</summary>
    public IReadOnlyList<ClaimRow> Claims { get; init; } = [];

    public IReadOnlyList<PeerReport> Peers { get; init; } = [];

    /// <summary>Measured by <c>--full</c> alone.</summary>
    public IReadOnlyList<ScalingCurve> Scaling { get; init; } = [];

    /// <summary>How long the whole run took.</summary>
    public double RunSeconds { get; init; }

    /// <summary>Of that, seconds by stage, the longest first.</summary>
    public IReadOnlyDictionary<string, double> RunSecondsBy { get; init; } = new Dictionary<string, double>();

    /// <summary>A fresh process of the published binary that loads no plugin, from its start to its first line; absent in development builds.</summary>
    public double? EmptyProcessUs { get; init; }
}

/// <summary>One plugin under one input.</summary>
public sealed record BenchTask
{
    public required string Task { get; init; }

    public double? LatencyBudgetUs { get; init; }

    /// <summary>How the guest code was compiled and how the request figures got their instances.</summary>
    public required string Mode { get; init; }

    public required string Input { get; init; }

    /// <summary>Absent for third-party plugins, whose native code is never loaded.</summary>
    public MetalFigures? Native { get; init; }

    public required MetalFigures Wasm { get; init; }

    /// <summary>What somebody would write who has native alone in mind: the faster one of the built-in filter that does the job and C tuned by hand; absent where there is none.</summary>
    public MetalFigures? NativeBest { get; init; }

    /// <summary>The gateway's own filter that does the job, whether it is the best or not; absent where there is none.</summary>
    public FilterFigures? NativeFilter { get; init; }

    /// <summary>Wasm to native of the same functions without ABI and host.</summary>
    public double? CodeRatio { get; init; }

    /// <summary>95 % confidence interval of <see cref="CodeRatio"/>.</summary>
    public IReadOnlyList<double>? CodeRatioInterval { get; init; }

    /// <summary>What native takes for those functions, the median exchange.</summary>
    public double? CodeNativeUs { get; init; }

    /// <summary>Absent where no case is a request without a body, and for third-party plugins.</summary>
    public GatewayFigures? Gateway { get; init; }

    /// <summary>Absent without <see cref="Native"/>.</summary>
    public TaxFigures? Tax { get; init; }

    public required Receipt Receipt { get; init; }

    public NativeCosts? NativeCosts { get; init; }

    /// <summary>Whether every case of the plugin came out the same on both metals, byte for byte.</summary>
    public required bool SameResult { get; init; }
}

/// <summary>Figures of one metal.</summary>
public sealed record MetalFigures
{
    /// <summary>Median of fresh processes of the published binary, from their start to the first answer; absent in development builds.</summary>
    public double? ColdProcessUs { get; init; }

    /// <summary>95 % confidence interval of <see cref="ColdProcessUs"/>; of few processes, all that was seen. So are the other intervals of cold figures.</summary>
    public IReadOnlyList<double>? ColdProcessIntervalUs { get; init; }

    /// <summary>From the path to the first answer in a running host; wasm: compiled on the way.</summary>
    public double? ColdLoadUs { get; init; }

    public IReadOnlyList<double>? ColdLoadIntervalUs { get; init; }

    /// <summary>Wasm with its code in the cache.</summary>
    public double? ColdLoadPrecompiledUs { get; init; }

    public IReadOnlyList<double>? ColdLoadPrecompiledIntervalUs { get; init; }

    /// <summary>Of <see cref="ColdLoadPrecompiledUs"/>, what validating took.</summary>
    public double? ValidateUs { get; init; }

    /// <summary>Of <see cref="ColdLoadUs"/>, what compiling and linking took, in milliseconds.</summary>
    public double? CompileMs { get; init; }

    public required double CallP50Us { get; init; }

    /// <summary>95 % confidence interval of <see cref="CallP50Us"/>.</summary>
    public IReadOnlyList<double>? CallP50IntervalUs { get; init; }

    public required double CallP99Us { get; init; }

    public required double RequestP50Us { get; init; }

    /// <summary>95 % confidence interval of <see cref="RequestP50Us"/>.</summary>
    public IReadOnlyList<double>? RequestP50IntervalUs { get; init; }

    /// <summary>A request at the quantiles 1, 5, 10, 25, 50, 75, 90, 99 and 99.9 %.</summary>
    public IReadOnlyList<double> RequestQuantilesUs { get; init; } = [];

    /// <summary>A request to an instance that is made and started for it, not cloned; wasm alone.</summary>
    public double? PlainRequestUs { get; init; }

    /// <summary>How it was built; of <see cref="BenchTask.NativeBest"/> alone.</summary>
    public string? Build { get; init; }

    public required double RequestP99Us { get; init; }

    /// <summary>95 % confidence interval of <see cref="RequestP99Us"/>.</summary>
    public IReadOnlyList<double>? RequestP99IntervalUs { get; init; }

    public double? CloneUs { get; init; }

    public double? ResetUs { get; init; }

    /// <summary>Resident memory that the plugin adds to a fresh process until its first answer, page tables included.</summary>
    public long? MemoryBytes { get; init; }

    public IReadOnlyList<double>? MemoryIntervalBytes { get; init; }

    /// <summary>The same for one more request in flight: an instance on wasm, a stream's state on native.</summary>
    public long? InstanceBytes { get; init; }

    public required long SizeBytes { get; init; }
}

/// <summary>A built-in filter on the same exchanges, in the same rounds.</summary>
/// <param name="Filter">Its name in a route.</param>
/// <param name="P50IntervalUs">95 % confidence interval of <paramref name="P50Us"/>.</param>
public sealed record FilterFigures(string Filter, double P50Us, IReadOnlyList<double> P50IntervalUs, double P99Us);

/// <summary>Wasm against native. Differences are wasm minus native: negative when wasm was faster.</summary>
public sealed record TaxFigures
{
    public required double CallRatio { get; init; }

    public required double CallDeltaUs { get; init; }

    public required double RequestRatio { get; init; }

    public required double RequestDeltaUs { get; init; }

    /// <summary>95 % confidence interval of <see cref="CallRatio"/>.</summary>
    public IReadOnlyList<double>? CallRatioInterval { get; init; }

    /// <summary>95 % confidence interval of <see cref="RequestRatio"/>.</summary>
    public IReadOnlyList<double>? RequestRatioInterval { get; init; }

    /// <summary>95 % confidence interval of <see cref="CallDeltaUs"/>.</summary>
    public IReadOnlyList<double>? CallIntervalUs { get; init; }

    /// <summary>95 % confidence interval of <see cref="RequestDeltaUs"/>.</summary>
    public required IReadOnlyList<double> IntervalUs { get; init; }

    /// <summary><see cref="RequestDeltaUs"/> as a share of the latency budget.</summary>
    public double? BudgetShare { get; init; }

    /// <summary>Cold load of wasm, compiled on the way, to that of native.</summary>
    public double? ColdRatio { get; init; }

    /// <summary>Cold load of wasm with its code in the cache, to that of native.</summary>
    public double? ColdPrecompiledRatio { get; init; }

    /// <summary>The request tax of each session: the plugin is loaded anew for each.</summary>
    public IReadOnlyList<SessionFigures> Sessions { get; init; } = [];

    /// <summary>Whether native was faster in every session, each time beyond noise.</summary>
    public bool NativeWins { get; init; }

    /// <summary><c>native faster</c>, <c>wasm faster</c> or <c>too noisy to say</c>.</summary>
    public required string Verdict { get; init; }
}

/// <summary>One session's request tax with its 95 % confidence interval.</summary>
public sealed record SessionFigures(double DeltaUs, IReadOnlyList<double> IntervalUs);

/// <summary>The itemised tax: every item is wasm minus native.</summary>
public sealed record Receipt
{
    /// <summary>Of a cold load, compiled on the way.</summary>
    public IReadOnlyList<ReceiptItem> Cold { get; init; } = [];

    public required IReadOnlyList<ReceiptItem> Hot { get; init; }

    /// <summary>The rest of the request tax.</summary>
    public required double UnexplainedUs { get; init; }

    /// <summary>From this share of the tax on, what is unexplained is flagged.</summary>
    public const double LargeShare = 0.1;

    /// <summary>How much of a tax is unexplained, 0 to more than 1.</summary>
    public double UnexplainedShareOf(double taxUs) => taxUs == 0 ? 0 : Math.Abs(UnexplainedUs / taxUs);

    /// <summary>Prices of what was not chosen, outside of the sum.</summary>
    public IReadOnlyList<ReceiptItem> WhatIf { get; init; } = [];
}

public sealed record ReceiptItem(string Item, double Us);

/// <summary>What keeping a native build costs.</summary>
public sealed record NativeCosts
{
    /// <summary>Native artefacts that are there and current.</summary>
    public required int Builds { get; init; }

    /// <summary>One build for this machine, made anew for this figure.</summary>
    public double? BuildSeconds { get; init; }

    public required long Bytes { get; init; }

    /// <summary>Native targets without a current artefact.</summary>
    public required IReadOnlyList<string> Missing { get; init; }
}

/// <summary>Over all tasks.</summary>
public sealed record BenchSummary
{
    public required int Tasks { get; init; }

    /// <summary>Tasks in which native was faster in every session.</summary>
    public required int NativeWins { get; init; }

    public double? CodeRatioGeomean { get; init; }

    public double? CallRatioGeomean { get; init; }

    public double? RequestRatioGeomean { get; init; }

    public double? RequestDeltaUsMedian { get; init; }

    /// <summary>Cold loads compiled on the way.</summary>
    public double? ColdRatioGeomean { get; init; }

    /// <summary>Cold loads with the code in the cache.</summary>
    public double? ColdPrecompiledRatioGeomean { get; init; }

    public double? MaxBudgetShare { get; init; }
}
