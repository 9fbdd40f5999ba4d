// A plugin of a model, with the configuration it was loaded for. A reload that changes neither configuration nor code takes it over.

using Bimetal.Gateway.Telemetry;
using Bimetal.Plugins;

namespace Bimetal.Gateway;

/// <summary>Owned by the models that use it; the last one that releases it ends the plugin.</summary>
/// <param name="config">What it was loaded for.</param>
/// <param name="plugin">Null when it could not be loaded.</param>
/// <param name="problem">Why not; otherwise empty.</param>
/// <param name="fingerprint">What <see cref="PluginLoader.TryFingerprint"/> gave before it was loaded.</param>
internal sealed class LoadedPlugin(PluginConfig config, Plugin? plugin, string problem, string? fingerprint)
{
    private int _owners = 1;

    public PluginConfig Config => config;

    /// <summary>Null when it could not be loaded and <c>on_error.load</c> is open.</summary>
    public Plugin? Plugin => plugin;

    public string Problem => problem;

    /// <summary>Null without a <c>latency_budget</c>. Set by the first model that has the plugin.</summary>
    public BudgetWatch? Budget { get; set; }

    /// <summary>Whether loading this configuration would give the same plugin again.</summary>
    public bool IsWhat(PluginConfig other, string? otherFingerprint) =>
        plugin is not null && fingerprint is not null && fingerprint == otherFingerprint && config.IsSameAs(other);

    /// <summary>Adds an owner. Only an owner may call it, so the plugin is alive.</summary>
    public LoadedPlugin Share()
    {
        Interlocked.Increment(ref _owners);
        return this;
    }

    public ValueTask ReleaseAsync()
    {
        if (Interlocked.Decrement(ref _owners) != 0 || plugin is null) return ValueTask.CompletedTask;
        return plugin.DisposeAsync();
    }
}
