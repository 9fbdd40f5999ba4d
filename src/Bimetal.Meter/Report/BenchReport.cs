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
}

/// <summary>One plugin under one input.</summary>
public sealed record BenchTask
{
    public required string Task { get; init; }

    public double? LatencyBudgetUs { get; init; }

    /// <summary>How the guest code was compiled and how the request figures got their instances.</summary>
    public required string Mode { get; init; }

    public required string Input { get; init; }

    public required MetalFigures Native { get; init; }

    public required MetalFigures Wasm { get; init; }

    public required TaxFigures Tax { get; init; }

    public required Receipt Receipt { get; init; }

    public NativeCosts? NativeCosts { get; init; }

    /// <summary>Whether every case of the plugin came out the same on both metals, byte for byte.</summary>
    public required bool SameResult { get; init; }
}

/// <summary>Figures of one metal.</summary>
public sealed record MetalFigures
{
    public double? ColdLoadUs { get; init; }

    public double? ColdLoadPrecompiledUs { get; init; }

    public required double CallP50Us { get; init; }

    public required double CallP99Us { get; init; }

    public required double RequestP50Us { get; init; }

    public required double RequestP99Us { get; init; }

    public double? CloneUs { get; init; }

    public double? ResetUs { get; init; }

    public required long SizeBytes { get; init; }
}

/// <summary>Wasm against native. Differences are wasm minus native: negative when wasm was faster.</summary>
public sealed record TaxFigures
{
    public required double CallRatio { get; init; }

    public required double CallDeltaUs { get; init; }

    public required double RequestRatio { get; init; }

    public required double RequestDeltaUs { get; init; }

    /// <summary>95 % confidence interval of <see cref="RequestDeltaUs"/>.</summary>
    public required IReadOnlyList<double> IntervalUs { get; init; }

    /// <summary><see cref="RequestDeltaUs"/> as a share of the latency budget.</summary>
    public double? BudgetShare { get; init; }

    /// <summary><c>native faster</c>, <c>wasm faster</c> or <c>too noisy to say</c>.</summary>
    public required string Verdict { get; init; }
}

/// <summary>The itemised request tax.</summary>
public sealed record Receipt
{
    public required IReadOnlyList<ReceiptItem> Hot { get; init; }

    /// <summary>The rest of the request tax.</summary>
    public required double UnexplainedUs { get; init; }
}

public sealed record ReceiptItem(string Item, double Us);

/// <summary>What keeping a native build costs.</summary>
public sealed record NativeCosts
{
    /// <summary>Native artefacts that are there and current.</summary>
    public required int Builds { get; init; }

    public required long Bytes { get; init; }

    /// <summary>Native targets without a current artefact.</summary>
    public required IReadOnlyList<string> Missing { get; init; }
}

/// <summary>Over all tasks.</summary>
public sealed record BenchSummary
{
    public required int Tasks { get; init; }

    /// <summary>Tasks in which native was faster.</summary>
    public required int NativeWins { get; init; }

    public double? CallRatioGeomean { get; init; }

    public double? RequestRatioGeomean { get; init; }

    public double? RequestDeltaUsMedian { get; init; }

    public double? MaxBudgetShare { get; init; }
}
