// The JSON document of `plan --json`. What was not measured, or does not apply, is null here and absent there.

using System.Text.Json;
using System.Text.Json.Serialization;
using Bimetal.Meter.Report;
using Bimetal.Plugins.Profiles;

namespace Bimetal.Meter.Plan;

/// <summary>The whole document.</summary>
public sealed record PlanReport
{
    public const string SchemaName = "bimetal.plan/1";

    public string Schema { get; init; } = SchemaName;

    public required string Config { get; init; }

    public required MachineDescription Machine { get; init; }

    /// <summary>Requests per second that it is planned for.</summary>
    public required double Rps { get; init; }

    public double? CoreHourPrice { get; init; }

    public required IReadOnlyList<PlannedPlugin> Plugins { get; init; }

    public required IReadOnlyList<PlannedRoute> Routes { get; init; }

    public string ToJson() => JsonSerializer.Serialize(this, PlanJson.Default.PlanReport) + "\n";
}

/// <summary>One plugin of the configuration.</summary>
public sealed record PlannedPlugin
{
    public required string Plugin { get; init; }

    public required string Trust { get; init; }

    /// <summary>What the configuration asks for: <c>auto</c>, <c>native</c> or <c>wasm</c>.</summary>
    public required string Configured { get; init; }

    /// <summary>Its own budget, or that of a whole request when it has none.</summary>
    public required double LatencyBudgetUs { get; init; }

    public MetalCost? Native { get; init; }

    public MetalCost? Wasm { get; init; }

    /// <summary>Wasm minus native for a request.</summary>
    public double? TaxUs { get; init; }

    public IReadOnlyList<double>? TaxIntervalUs { get; init; }

    /// <summary>The tax as a share of the budget.</summary>
    public double? BudgetShare { get; init; }

    /// <summary>The tax at the planned rate.</summary>
    public double? CpuSecondsPerDay { get; init; }

    /// <summary>The same in money, with <c>--core-hour-price</c>.</summary>
    public double? CostPerDay { get; init; }

    public NativeCosts? NativeCosts { get; init; }

    /// <summary>Comparisons of both metals on live requests.</summary>
    public ShadowCounts? Shadow { get; init; }

    /// <summary><c>native</c> or <c>wasm</c>.</summary>
    public required string Decision { get; init; }

    public required string Rule { get; init; }

    public required string Reason { get; init; }

    /// <summary>UTC; absent when nothing could be measured, and <see cref="Problem"/> says why.</summary>
    public string? Measured { get; init; }

    public string? Input { get; init; }

    public string? Problem { get; init; }
}

/// <summary>A route with plugins.</summary>
/// <param name="P99SumUs">Upper ends of the p99s of its plugins on the metals decided; null when one was not measured.</param>
public sealed record PlannedRoute(string Route, double? LatencyBudgetUs, IReadOnlyList<string> Plugins, double? P99SumUs, double? BudgetShare, bool? Fits);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, WriteIndented = true)]
[JsonSerializable(typeof(PlanReport))]
internal sealed partial class PlanJson : JsonSerializerContext;
