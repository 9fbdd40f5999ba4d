// A plugin of a model, with the configuration it was loaded for. A reload that changes neither configuration nor code takes it over.

using Bimetal.Gateway.Telemetry;
using Bimetal.Plugins;
using Bimetal.Plugins.Profiles;
using Bimetal.Plugins.Shadow;

namespace Bimetal.Gateway;

/// <summary>Owned by the models that use it; the last one that releases it ends the plugin.</summary>
/// <param name="config">What it was loaded for.</param>
/// <param name="plugin">Null when it could not be loaded.</param>
/// <param name="problem">Why not; otherwise empty.</param>
/// <param name="origin">How it came to its metal, and what runs beside it.</param>
/// <param name="fingerprint">What <see cref="PluginLoader.TryFingerprint"/> gave before it was loaded.</param>
internal sealed class LoadedPlugin(PluginConfig config, Plugin? plugin, string problem, string? fingerprint, PluginOrigin origin)
{
    private int _owners = 1;

    public PluginConfig Config => config;

    /// <summary>Null when it could not be loaded and <c>on_error.load</c> is open.</summary>
    public Plugin? Plugin => plugin;

    public string Problem => problem;

    /// <summary>Null without a <c>latency_budget</c>. Set by the first model that has the plugin.</summary>
    public BudgetWatch? Budget { get; set; }

    /// <summary>The figures that <c>metal: auto</c> decided by, or would have; null: there are none that are valid.</summary>
    public PluginProfile? Profile => origin.Profile;

    /// <summary>Why it runs on this metal, for <c>metal: auto</c>; otherwise empty.</summary>
    public string Notice => origin.Notice;

    /// <summary>The other metal on a sample of the requests; null: none.</summary>
    public ShadowPlugin? Shadow => origin.Shadow;

    /// <summary>Whether loading this configuration would give the same plugin again.</summary>
    public bool IsWhat(PluginConfig other, string? otherFingerprint) =>
        plugin is not null && fingerprint is not null && fingerprint == otherFingerprint && config.IsSameAs(other);

    /// <summary>Adds an owner. Only an owner may call it, so the plugin is alive.</summary>
    public LoadedPlugin Share()
    {
        Interlocked.Increment(ref _owners);
        return this;
    }

    public async ValueTask ReleaseAsync()
    {
        if (Interlocked.Decrement(ref _owners) != 0) return;
        if (plugin is not null) await plugin.DisposeAsync();
        if (Shadow is not null) await Shadow.DisposeAsync();
    }
}

/// <summary>What stood beside a plugin when it was loaded.</summary>
internal sealed record PluginOrigin(PluginProfile? Profile, string Notice, ShadowPlugin? Shadow)
{
    public static PluginOrigin Unknown { get; } = new(null, "", null);
}
