// Loads the plugins of a configuration before it takes traffic, takes over those that did not change, and says in the log what runs on which
// metal.

using System.Diagnostics;
using Bimetal.Gateway.Admin;
using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Telemetry;
using Bimetal.Plugins;
using Bimetal.Plugins.Profiles;
using Bimetal.Plugins.Shadow;

namespace Bimetal.Gateway;

internal static class PluginStart
{
    /// <summary>Loads all plugins side by side, but for those of <paramref name="previous"/> that would come out the same.</summary>
    /// <exception cref="GatewayStartException">Some cannot be loaded and are closed on that; names all of them.</exception>
    public static async Task<IReadOnlyList<LoadedPlugin>> LoadAllAsync(
        GatewayConfig config, IReadOnlyList<LoadedPlugin> previous, GatewayOptions options, CancellationToken cancellation)
    {
        var profile = ProfileSource.Read(config.Profile);
        var loaded = await Task.WhenAll(config.Plugins.Values.Select(plugin => LoadAsync(plugin, profile, previous, options, cancellation)));
        var refused = loaded.Where(plugin => plugin.Plugin is null && !plugin.Config.OnError.LoadOpen).ToList();
        if (refused.Count == 0) return loaded;
        await ReleaseAllAsync(loaded);
        cancellation.ThrowIfCancellationRequested();
        throw new GatewayStartException(string.Join(Environment.NewLine, refused.Select(plugin => $"plugins.{plugin.Config.Name}: {plugin.Problem}")));
    }

    public static async Task ReleaseAllAsync(IReadOnlyList<LoadedPlugin> plugins)
    {
        foreach (var loaded in plugins) await loaded.ReleaseAsync();
    }

    private static async Task<LoadedPlugin> LoadAsync(
        PluginConfig config, ProfileSource profile, IReadOnlyList<LoadedPlugin> previous, GatewayOptions options, CancellationToken cancellation)
    {
        long started = Stopwatch.GetTimestamp();

        string? fingerprint = null;
        try
        {
            if (await PluginLoader.FetchAsync(config, options.PluginServices, cancellation) is { } notice) GatewayLog.BundleNotice(options.Log, config.Name, notice);
            config = PluginLoader.Complete(config, options.PluginServices);

            // Before loading: a file that is replaced meanwhile is then loaded once too often, never once too few.
            fingerprint = PluginLoader.TryFingerprint(config, options.PluginServices, profile);
            if (previous.FirstOrDefault(old => old.IsWhat(config, fingerprint)) is { } same) return same.Share();

            // Loading compiles, which is not asynchronous everywhere: let the plugins go side by side.
            var load = options.LoadPlugin ?? ((plugin, stop) => PluginLoader.LoadAsync(plugin, ServicesOf(plugin, options), stop, profile));
            var plugin = await Task.Run(() => load(config, cancellation), cancellation);
            GatewayLog.PluginLoaded(
                options.Log, config.Name, PluginWords.Of(plugin.Metal), PluginWords.Of(config.Trust), PluginWords.Of(config.EffectiveInstance),
                (long)Stopwatch.GetElapsedTime(started).TotalMilliseconds, config.Bundle);
            if (plugin.Metal == Metal.Native) GatewayLog.PluginIsNative(options.Log, config.Name);
            return new LoadedPlugin(config, plugin, "", fingerprint, await OriginAsync(config, plugin.Metal, profile, options, cancellation));
        }
        catch (Exception exception)
        {
            // A bug, too, belongs to this plugin: the others that are loading have an owner only when this returns.
            string problem = exception is PluginLoadException or OperationCanceledException ? exception.Message : exception.ToString();
            if (config.OnError.LoadOpen) GatewayLog.PluginAbsent(options.Log, config.Name, problem);
            return new LoadedPlugin(config, null, problem, fingerprint, PluginOrigin.Unknown);
        }
    }

    private static PluginHostServices ServicesOf(PluginConfig config, GatewayOptions options) => config.Shadow is null ? options.PluginServices : ShadowPlugin.Taped(options.PluginServices);

    private static async Task<PluginOrigin> OriginAsync(PluginConfig config, Metal metal, ProfileSource profile, GatewayOptions options, CancellationToken cancellation)
    {
        string notice = "";
        if (config.Metal == MetalChoice.Auto && config.Trust == Trust.FirstParty)
        {
            var decision = profile.Decide(config);
            notice = decision.Reason;
            if (decision.IsWarning) GatewayLog.MetalChosenWithWarning(options.Log, config.Name, PluginWords.Of(metal), notice);
            else GatewayLog.MetalChosen(options.Log, config.Name, PluginWords.Of(metal), notice);
        }

        return new PluginOrigin(profile.Find(config, out _), notice, await LoadShadowAsync(config, metal, options, cancellation));
    }

    // A plugin serves without its shadow as well: what is wrong with it is said, and that is all.
    private static async Task<ShadowPlugin?> LoadShadowAsync(PluginConfig config, Metal metal, GatewayOptions options, CancellationToken cancellation)
    {
        if (config.Shadow is not { } shadow) return null;
        if (shadow.Metal == metal)
        {
            GatewayLog.ShadowIsPrimary(options.Log, config.Name, PluginWords.Of(metal));
            return null;
        }

        try
        {
            var loaded = await ShadowPlugin.LoadAsync(config, shadow, options.PluginServices, cancellation);
            loaded.Differed = example => GatewayLog.ShadowDiffers(options.Log, config.Name, PluginWords.Of(metal), PluginWords.Of(shadow.Metal), example);
            GatewayLog.ShadowLoaded(options.Log, config.Name, PluginWords.Of(shadow.Metal), shadow.Sample * 100);
            return loaded;
        }
        catch (Exception exception)
        {
            // Also when it was cancelled: the plugin itself is there, and has an owner only when this returns.
            GatewayLog.ShadowAbsent(options.Log, config.Name, exception.Message);
            return null;
        }
    }
}
