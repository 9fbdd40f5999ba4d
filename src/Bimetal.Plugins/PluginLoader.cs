// From a line of configuration to a running plugin: finds the build, picks the metal, loads, configures.

using Bimetal.Plugins.Bundles;
using Bimetal.Plugins.Native;
using Bimetal.Plugins.ProxyWasm;

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

        // Compiling takes seconds when the cache has nothing: not on the caller's thread.
        return Task.Run(() => Load(config, services, cancellation), cancellation);
    }

    /// <summary>The metal that a plugin runs on, by its configuration alone.</summary>
    /// <param name="notice">Something that the operator should know of the choice, or null.</param>
    /// <exception cref="PluginLoadException">The configuration asks for what its trust forbids.</exception>
    public static Metal ChooseMetal(PluginConfig config, out string? notice)
    {
        ArgumentNullException.ThrowIfNull(config);
        notice = null;
        switch (config.Metal)
        {
            case MetalChoice.Native when config.Trust != Trust.FirstParty:
                throw new PluginLoadException(
                    $"{config.Bundle}: plugin {config.Name} is third-party, and third-party code never runs native; "
                    + "set metal: wasm, or trust: first-party if it is yours");
            case MetalChoice.Native:
                return Metal.Native;
            case MetalChoice.Auto when config.Trust == Trust.FirstParty:
                notice = "metal: auto runs on wasm, because there is no valid profile; metal: native is one word away";
                return Metal.Wasm;
            default:
                return Metal.Wasm;
        }
    }

    /// <summary>
    /// What would run if the plugin were loaded now: metal, file and the digest of its bytes. Null when that cannot be told, because the
    /// plugin cannot be loaded.
    /// </summary>
    public static string? TryFingerprint(PluginConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        try
        {
            var metal = ChooseMetal(config, out _);
            string path = Resolve(config, metal);
            return $"{metal} {path} {BuildRecord.DigestOfFile(path)}";
        }
        catch (Exception exception) when (exception is PluginLoadException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static Plugin Load(PluginConfig config, PluginHostServices services, CancellationToken cancellation)
    {
        var metal = ChooseMetal(config, out string? notice);
        string path = Resolve(config, metal);
        if (config.RootId.Length == 0 && PluginFolder.IsOne(config.Bundle)) config = config with { RootId = PluginFolder.Open(config.Bundle).Manifest.RootId };
        if (notice is not null) services.Report(PluginLogLevel.Info, config.Name, notice);
        return metal == Metal.Native ? NativePlugin.Load(config, path, services) : WasmPlugin.Load(config, path, services, cancellation);
    }

    /// <summary>The file to load: a folder's build for that metal, or the bundle itself.</summary>
    private static string Resolve(PluginConfig config, Metal metal)
    {
        string bundle = config.Bundle;
        if (Directory.Exists(bundle)) return PluginFolder.Open(bundle).Require(BuildTarget.Of(metal));
        if (!File.Exists(bundle)) throw new PluginLoadException($"{bundle}: no such file or folder (plugin {config.Name})");
        string wanted = metal == Metal.Native ? ".so" : ".wasm";
        if (Path.GetExtension(bundle) == wanted) return bundle;
        throw new PluginLoadException(
            $"{bundle}: plugin {config.Name} runs on {(metal == Metal.Native ? "native" : "wasm")}, which takes a {wanted} file or a plugin folder");
    }
}
