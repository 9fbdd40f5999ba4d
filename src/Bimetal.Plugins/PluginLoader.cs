// From a line of configuration to a running plugin: finds the build, picks the metal, loads, configures.

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
        throw new PluginLoadException($"{config.Bundle}: plugins are not loadable in this build");
    }
}
