// A route while the gateway runs: the configuration with its filters made and its upstream found.

using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Pipeline;
using Bimetal.Gateway.Telemetry;
using Bimetal.Gateway.Upstreams;

namespace Bimetal.Gateway.Routing;

/// <summary>Immutable; shared by all exchanges on it.</summary>
/// <param name="Upstream">Null: <see cref="Answer"/> is set.</param>
/// <param name="Budget">That of its chain; null without one.</param>
internal sealed record Route(RouteConfig Config, Filter[] Filters, Upstream? Upstream, RouteState State, BudgetWatch? Budget = null)
{
    /// <summary>What the log and plugins call it.</summary>
    public string Name { get; } = Config.Match.ToString();

    public UpstreamTimeouts Timeouts { get; } = Config.Timeouts ?? Upstream?.Config.Timeouts ?? new UpstreamTimeouts();

    /// <summary>Null: target and host stay as they are.</summary>
    public RouteRewrite? Rewrite { get; } = Config.Rewrite is { } rewrite ? new RouteRewrite(rewrite, PatternOf(Config)) : null;

    /// <summary>What is answered instead of asking an upstream.</summary>
    public RouteAnswer? Answer { get; } = RouteAnswer.Of(Config, PatternOf(Config));

    private static PathPattern PatternOf(RouteConfig config) =>
        PathPattern.TryParse(config.Match.Path, out var pattern, out string problem) ? pattern! : throw new ArgumentException(problem, nameof(config));
}
