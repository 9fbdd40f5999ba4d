// Makes a plan: takes the figures of the profile that are valid, measures the others, decides by the rules of metal: auto.

using System.Globalization;
using Bimetal.Gateway.Configuration;
using Bimetal.Meter.Report;
using Bimetal.Meter.Workloads;
using Bimetal.Plugins;
using Bimetal.Plugins.Bundles;
using Bimetal.Plugins.Bundles.Registry;
using Bimetal.Plugins.Profiles;

namespace Bimetal.Meter.Plan;

/// <summary>One configuration's planner.</summary>
internal sealed class Planner(GatewayConfig config, string file, double rps, double? coreHourPrice, IProgress<string>? progress)
{
    private const double SecondsPerDay = 86_400;

    private readonly ProfileSource _profile = ProfileSource.Read(config.Profile);
    private readonly ShadowDocument? _shadows = config.Profile is { } path ? ShadowDocument.TryRead(ShadowDocument.PathBeside(path)) : null;
    private readonly Dictionary<string, PluginProfile> _profiles = [];
    private readonly Dictionary<string, PlanFigures> _figures = [];
    private readonly Dictionary<string, string> _problems = [];

    /// <summary>What <c>--apply</c> writes: the figures of plugins that have both builds.</summary>
    public ProfileDocument Document => new() { Rps = rps, Plugins = [.. _profiles.Values.OrderBy(profile => profile.Plugin, StringComparer.Ordinal)] };

    public async Task<PlanReport> MakeAsync(CancellationToken cancellation)
    {
        var services = new PluginHostServices();
        foreach (var plugin in config.Plugins.Values) await FetchAsync(plugin, services, cancellation);
        List<PluginConfig> plugins = [.. config.Plugins.Values.Select(plugin => PluginLoader.Complete(plugin, services))];
        await MeasureAsync([.. plugins.Where(plugin => !_problems.ContainsKey(plugin.Name) && _profile.Find(plugin, out _) is null)], cancellation);
        PlannedPlugin[] planned = [.. plugins.Select(Plan)];
        return new PlanReport
        {
            Config = file,
            Machine = MachineDescription.OfThis(),
            Rps = rps,
            CoreHourPrice = coreHourPrice,
            Plugins = planned,
            Routes = [.. config.Routes.Where(route => route.Filters.OfType<PluginFilterConfig>().Any()).Select(route => PlanRoute(route, planned))],
        };
    }

    /// <summary>Brings what is in a registry into the store, as a gateway does that starts with this configuration.</summary>
    private async Task FetchAsync(PluginConfig plugin, PluginHostServices services, CancellationToken cancellation)
    {
        try
        {
            if (RegistryBundles.IsReference(plugin.Bundle)) progress?.Report($"{plugin.Name}: looking up {plugin.Bundle}");
            if (await PluginLoader.FetchAsync(plugin, services, cancellation) is { } notice) progress?.Report($"{plugin.Name}: {notice}");
        }
        catch (PluginLoadException exception)
        {
            _problems[plugin.Name] = exception.Message;
        }
    }

    /// <summary>Loads all of them first, to say how long it will take, and then measures one after the other.</summary>
    private async Task MeasureAsync(List<PluginConfig> plugins, CancellationToken cancellation)
    {
        if (plugins.Count == 0) return;
        progress?.Report($"to measure: {string.Join(", ", plugins.Select(plugin => plugin.Name))}");
        var ready = new List<(PluginConfig Plugin, PlanMeasurement Measurement)>();
        try
        {
            foreach (var plugin in plugins)
            {
                try
                {
                    ready.Add((plugin, await PlanMeasurement.PrepareAsync(plugin, progress, cancellation)));
                }
                catch (PluginLoadException exception)
                {
                    _problems[plugin.Name] = exception.Message;
                }
            }

            TimeSpan[] estimates = [.. ready.Select(one => one.Measurement.Estimate())];
            if (ready.Count > 0) progress?.Report($"measuring will take at most {Seconds(estimates.Aggregate(TimeSpan.Zero, (sum, one) => sum + one))} s");
            var clock = MeterClock.Calibrate();
            foreach (var ((plugin, measurement), estimate) in ready.Zip(estimates))
            {
                progress?.Report($"{plugin.Name}: measuring, at most {Seconds(estimate)} s");
                _figures[plugin.Name] = measurement.Run(clock, cancellation);
            }
        }
        finally
        {
            foreach (var (_, measurement) in ready) await measurement.DisposeAsync();
        }
    }

    private PlannedPlugin Plan(PluginConfig plugin)
    {
        string problem = _problems.GetValueOrDefault(plugin.Name, "");
        var figures = _figures.GetValueOrDefault(plugin.Name);
        var found = _profile.Find(plugin, out _) ?? (figures is null ? null : ProfileOf(plugin, figures));
        if (found is not null) _profiles[plugin.Name] = found = found with { Shadow = _shadows?.Find(plugin.Name, found.Key) ?? found.Shadow };
        var decision = DecisionOf(plugin, found, problem);
        double budgetUs = (plugin.LatencyBudget ?? MetalDecision.DefaultBudget).TotalMicroseconds;
        double? secondsPerDay = found is null ? null : found.TaxUs * rps * SecondsPerDay / 1_000_000;
        return new PlannedPlugin
        {
            Plugin = plugin.Name,
            Trust = plugin.Trust == Trust.FirstParty ? "first-party" : "third-party",
            Configured = plugin.Metal switch { MetalChoice.Auto => "auto", MetalChoice.Native => "native", _ => "wasm" },
            LatencyBudgetUs = budgetUs,
            Native = found?.Native,
            Wasm = found?.Wasm ?? figures?.Wasm,
            TaxUs = found?.TaxUs,
            TaxIntervalUs = found?.TaxIntervalUs,
            BudgetShare = found is null ? null : Math.Round(found.TaxUs / budgetUs, 6),
            CpuSecondsPerDay = secondsPerDay is { } seconds ? Math.Round(seconds, 3) : null,
            CostPerDay = secondsPerDay * coreHourPrice / 3600 is { } cost ? Math.Round(cost, 6) : null,
            NativeCosts = CostsOf(plugin),
            Shadow = found?.Shadow,
            Decision = decision.Metal == Metal.Native ? "native" : "wasm",
            Rule = WordOf(decision.Rule),
            Reason = decision.Reason,
            Measured = found?.Measured ?? (figures is null ? null : Now()),
            Input = found?.Input ?? figures?.Input,
            Problem = problem.Length == 0 ? null : problem,
        };
    }

    private static PluginProfile? ProfileOf(PluginConfig plugin, PlanFigures figures)
    {
        if (figures is not { Native: { } native, Tax: { } tax } || ProfileKey.TryOf(plugin) is not { } key) return null;
        return new PluginProfile
        {
            Plugin = plugin.Name,
            Key = key,
            Measured = Now(),
            Input = figures.Input,
            Rounds = figures.Rounds,
            Native = native,
            Wasm = figures.Wasm,
            TaxUs = Math.Round(tax.Delta, 3),
            TaxIntervalUs = [Math.Round(tax.DeltaInterval.Low, 3), Math.Round(tax.DeltaInterval.High, 3)],
            SameResult = figures.SameResult,
        };
    }

    // metal: native and metal: wasm are the operator's own decision; auto is what the rules say.
    private MetalDecision DecisionOf(PluginConfig plugin, PluginProfile? profile, string problem)
    {
        var byRules = profile is null ? MetalDecision.Without(plugin, problem.Length > 0 ? problem : PluginFolder.IsOne(plugin.Bundle) ? "it was not measured on both metals" : "only a plugin folder is measured on both metals, and this is a bundle or a file") : MetalDecision.Of(plugin, profile, rps);
        return plugin.Metal switch
        {
            MetalChoice.Native => new(Metal.Native, DecisionRule.Configured, "the configuration says so; by the rules of metal: auto: " + byRules.Reason),
            MetalChoice.Wasm when plugin.Trust == Trust.FirstParty => new(Metal.Wasm, DecisionRule.Configured, "the configuration says so; by the rules of metal: auto: " + byRules.Reason),
            _ => byRules,
        };
    }

    private static NativeCosts? CostsOf(PluginConfig plugin)
    {
        if (plugin.Trust != Trust.FirstParty || !PluginFolder.IsOne(plugin.Bundle)) return null;
        var folder = PluginFolder.Open(plugin.Bundle);
        var native = BuildTarget.All.Where(target => target.Metal == Metal.Native).ToLookup(target => folder.StateOf(target) == BuildState.Current);
        return new NativeCosts
        {
            Builds = native[true].Count(),
            Bytes = native[true].Sum(target => new FileInfo(folder.PathOf(target)).Length),
            Missing = [.. native[false].Select(target => target.Name)],
        };
    }

    private static PlannedRoute PlanRoute(RouteConfig route, PlannedPlugin[] planned)
    {
        var plugins = route.Filters.OfType<PluginFilterConfig>().Select(filter => planned.Single(plugin => plugin.Plugin == filter.Plugin)).ToList();
        double? sumUs = 0;
        foreach (var plugin in plugins) sumUs += (plugin.Decision == "native" ? plugin.Native : plugin.Wasm)?.P99UpperUs;
        double? budgetUs = route.LatencyBudget?.TotalMicroseconds;
        return new PlannedRoute(
            route.Match.ToString(), budgetUs, [.. plugins.Select(plugin => plugin.Plugin)], sumUs is { } sum ? Math.Round(sum, 3) : null,
            sumUs / budgetUs is { } share ? Math.Round(share, 6) : null, budgetUs is null || sumUs is null ? null : sumUs <= budgetUs);
    }

    private static string WordOf(DecisionRule rule) => rule switch
    {
        DecisionRule.ThirdParty => "third-party",
        DecisionRule.NoProfile => "no-profile",
        DecisionRule.Different => "different",
        DecisionRule.WasmFits => "wasm-fits",
        DecisionRule.NativeFits => "native-fits",
        DecisionRule.NeitherFits => "neither-fits",
        DecisionRule.Configured => "configured",
        _ => "too-noisy",
    };

    private static string Seconds(TimeSpan time) => Math.Ceiling(time.TotalSeconds).ToString(CultureInfo.InvariantCulture);

    private static string Now() => DateTime.UtcNow.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
}
