// From a line of configuration to a running plugin: finds the build, picks the metal, loads, configures.

using Bimetal.Plugins.Bundles;
using Bimetal.Plugins.Native;

namespace Bimetal.Plugins;

/// <summary>Loads plugins.</summary>
public static class PluginLoader
{
    /// <summary>Loads and configures one plugin.</summary>
    /// <exception cref="PluginLoadException">It cannot be loaded or refused its configuration; the message says why in one line.</exception>
    public static Task<Plugin> LoadAsync(PluginConfig config, PluginHostServices services, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(services);
        cancellation.ThrowIfCancellationRequested();
        if (config is { Metal: MetalChoice.Native, Trust: Trust.FirstParty }) return Task.FromResult<Plugin>(LoadNative(config, services));
        throw new PluginLoadException($"{config.Bundle}: plugins are not loadable in this build");
    }

    /// <summary>A folder's build for this platform, or a .so file itself.</summary>
    private static NativePlugin LoadNative(PluginConfig config, PluginHostServices services)
    {
        bool isFolder = Directory.Exists(config.Bundle);
        return NativePlugin.Load(config, isFolder ? PluginFolder.Open(config.Bundle).Require(BuildTarget.NativeHere) : config.Bundle, services);
    }
}
