// Runs the cases of a plugin folder on one metal or both: `bimetal test`, `demo --once` and the meter's "same result" use it.

using System.Text;
using Bimetal.Plugins.ProxyWasm.State;

namespace Bimetal.Plugins.Bundles.Cases;

/// <summary>One case on one metal.</summary>
/// <param name="Mismatch">Null when it came out as expected.</param>
public sealed record CaseResult(PluginCase Case, Metal Metal, CaseOutcome Outcome, string? Mismatch);

/// <summary>All cases of a plugin.</summary>
/// <param name="Results">Case by case, metal by metal.</param>
/// <param name="Differences">Cases whose metals did not do the same, byte for byte; empty with one metal.</param>
public sealed record CaseReport(string Plugin, IReadOnlyList<CaseResult> Results, IReadOnlyList<string> Differences)
{
    public int Passed(Metal metal) => Results.Count(result => result.Metal == metal && result.Mismatch is null);

    public int Failed(Metal metal) => Results.Count(result => result.Metal == metal && result.Mismatch is not null);

    public bool HasFailures => Differences.Count > 0 || Results.Any(result => result.Mismatch is not null);
}

/// <summary>What a file's cases are run with, verbatim.</summary>
/// <param name="Plugin">The key <c>config</c>.</param>
/// <param name="Vm">The key <c>vm_config</c>.</param>
public readonly record struct CaseConfiguration(string Plugin, string Vm);

/// <summary>Loads a plugin on a metal with a configuration.</summary>
public delegate Task<Plugin> CaseLoad(Metal metal, CaseConfiguration configuration, PluginHostServices services);

/// <summary>Runs cases without network.</summary>
public static class PluginCaseRunner
{
    /// <summary>CPU limit of a callback here: an endless loop still ends, and a runtime that compiles its host functions at first use does not look like one.</summary>
    private static readonly TimeSpan s_cpuPerCallback = TimeSpan.FromSeconds(1);

    /// <summary>Runs every case on every metal given.</summary>
    /// <param name="folder">Built for these metals.</param>
    /// <param name="cases">From <see cref="CaseReader"/>.</param>
    /// <param name="metals">Native, wasm, or both.</param>
    /// <param name="log">Where the plugins' log lines go.</param>
    /// <param name="instance">How the wasm metal gets its instances.</param>
    /// <param name="load">How a plugin is loaded for a configuration; null: in this process.</param>
    /// <exception cref="PluginLoadException">A build is missing or stale, or a plugin refuses a configuration.</exception>
    public static async Task<CaseReport> RunAsync(
        PluginFolder folder, IReadOnlyList<PluginCase> cases, IReadOnlyList<Metal> metals, IPluginLog? log = null,
        InstancePolicy instance = InstancePolicy.PerRequest, CaseLoad? load = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(folder);
        load ??= (metal, configuration, services) => LoadAsync(folder, metal, configuration, instance, services, cancellation);
        var clock = new CaseClock();
        var services = new PluginHostServices { Time = clock, Log = log ?? SilentPluginLog.Instance };
        var results = new List<CaseResult>();
        foreach (var group in cases.GroupBy(one => new CaseConfiguration(one.Configuration, one.VmConfiguration)))
        {
            foreach (var metal in metals)
            {
                // Each metal starts with shared data of its own: what one has counted must not decide what the other does.
                await using var plugin = await load(metal, group.Key, services with { States = new PluginStates() });
                foreach (var one in group)
                {
                    cancellation.ThrowIfCancellationRequested();
                    clock.Set(one.Clock);
                    var outcome = CaseExchange.Run(plugin, one);
                    results.Add(new CaseResult(one, metal, outcome, outcome.Mismatch(one)));
                }
            }
        }

        return new CaseReport(folder.Manifest.Name, results, [.. Differences(results)]);
    }

    /// <summary>Loads a folder's plugin on one metal, first-party, with a configuration.</summary>
    public static Task<Plugin> LoadAsync(
        PluginFolder folder, Metal metal, CaseConfiguration configuration, InstancePolicy instance, PluginHostServices services, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(folder);
        var config = new PluginConfig
        {
            Name = folder.Manifest.Name,
            Bundle = folder.Path,
            Trust = Trust.FirstParty,
            Metal = metal == Metal.Native ? MetalChoice.Native : MetalChoice.Wasm,
            Instance = instance,
            Configuration = Encoding.UTF8.GetBytes(configuration.Plugin),
            VmConfiguration = Encoding.UTF8.GetBytes(configuration.Vm),
            LatencyBudget = folder.Manifest.LatencyBudget,
            Limits = new PluginLimits { CpuPerCallback = s_cpuPerCallback },
        };
        return PluginLoader.LoadAsync(config, services, cancellation);
    }

    private static IEnumerable<string> Differences(IEnumerable<CaseResult> results) =>
        from result in results
        group result by result.Case into metals
        where metals.Any(other => !other.Outcome.SameAs(metals.First().Outcome))
        select $"{metals.Key.Name}: {string.Join(" and ", metals.Select(one => $"{one.Metal} {one.Outcome.End}"))} differ".ToLowerInvariant();
}
