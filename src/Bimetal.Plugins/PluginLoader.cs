// From a line of configuration to a running plugin: finds the build, picks the metal, loads, configures.

using Bimetal.Plugins.Bundles;
using Bimetal.Plugins.Bundles.Oci;
using Bimetal.Plugins.Bundles.Registry;
using Bimetal.Plugins.Native;
using Bimetal.Plugins.Profiles;
using Bimetal.Plugins.ProxyWasm;

namespace Bimetal.Plugins;

/// <summary>Loads plugins.</summary>
public static class PluginLoader
{
    /// <summary>Loads and configures one plugin.</summary>
    /// <param name="profile">What <c>metal: auto</c> obeys; null: there is none.</param>
    /// <exception cref="PluginLoadException">It cannot be loaded or refused its configuration; the message says why in one line.</exception>
    public static Task<Plugin> LoadAsync(PluginConfig config, PluginHostServices services, CancellationToken cancellation, ProfileSource? profile = null)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(services);

        // Compiling takes seconds when the cache has nothing: not on the caller's thread.
        return Task.Run(() => Load(config, services, profile, cancellation), cancellation);
    }

    /// <summary>Before <see cref="TryFingerprint"/> and <see cref="LoadAsync"/>: fetches the bundle of a registry, as the plugin's policy wants it.</summary>
    /// <returns>Something that the operator should know, or null.</returns>
    /// <exception cref="PluginLoadException">It is to be had neither from the registry nor from the store.</exception>
    public static Task<string?> FetchAsync(PluginConfig config, PluginHostServices services, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(services);
        return RegistryBundles.IsReference(config.Bundle) ? services.Bundles.RefreshAsync(config, cancellation) : Task.FromResult<string?>(null);
    }

    /// <summary>The configuration with what its plugin says of itself where it says nothing: <c>root_id</c>, <c>latency_budget</c>. Unchanged when the plugin cannot be opened.</summary>
    public static PluginConfig Complete(PluginConfig config, PluginHostServices services)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(services);
        try
        {
            return Complete(config, OpenBundle(config, services));
        }
        catch (PluginLoadException)
        {
            return config;
        }
    }

    /// <summary>
    /// What would keep a plugin from being loaded, as far as it shows without running or compiling anything and without asking a registry: then what its reference
    /// led to last is looked at, if there is something. Null when nothing is wrong.
    /// </summary>
    public static string? ProblemOf(PluginConfig config, PluginHostServices services, ProfileSource? profile = null)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(services);
        try
        {
            if (RegistryBundles.IsReference(config.Bundle) && !services.Bundles.Check(config)) return null;
            var (source, metal) = Choose(config, services, profile);
            if (metal == Metal.Native) NativeImage.Read(source);
            else PluginModule.Check(source);
            return null;
        }
        catch (PluginLoadException exception)
        {
            return exception.Message;
        }
    }

    /// <summary>Whether it is a <c>.bimetal</c> file that is there.</summary>
    public static bool IsBundleFile(string bundle) => bundle.EndsWith(BundleArchive.Extension, StringComparison.Ordinal) && File.Exists(bundle);

    /// <summary>The metal that a plugin runs on, by its configuration and, for <c>metal: auto</c>, by the profile.</summary>
    /// <param name="notice">Something that the operator should know of the choice, or null.</param>
    /// <exception cref="PluginLoadException">The configuration asks for what its trust forbids.</exception>
    public static Metal ChooseMetal(PluginConfig config, out string? notice, ProfileSource? profile = null)
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
                var decision = (profile ?? ProfileSource.None).Decide(config);
                notice = $"metal: auto runs on {(decision.Metal == Metal.Native ? "native" : "wasm")}: {decision.Reason}";
                return decision.Metal;
            default:
                return Metal.Wasm;
        }
    }

    /// <summary>
    /// What would run if the plugin were loaded now: metal, file and the digest of its bytes. Null when that cannot be told, because the
    /// plugin cannot be loaded.
    /// </summary>
    public static string? TryFingerprint(PluginConfig config, PluginHostServices services, ProfileSource? profile = null)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(services);
        try
        {
            var metal = ChooseMetal(config, out _, profile);
            if (RegistryBundles.IsReference(config.Bundle)) return services.Bundles.FingerprintOf(config) is { } found ? $"{metal} {config.Bundle} {found}" : null;
            string path = IsBundleFile(config.Bundle) ? config.Bundle : Resolve(config, metal);
            return $"{metal} {path} {BuildRecord.DigestOfFile(path)}";
        }
        catch (Exception exception) when (exception is PluginLoadException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static Plugin Load(PluginConfig config, PluginHostServices services, ProfileSource? profile, CancellationToken cancellation)
    {
        config = Complete(config, services);
        var (source, metal) = Choose(config, services, profile);
        return metal == Metal.Native ? NativePlugin.Load(config, source, services) : WasmPlugin.Load(config, source, services, cancellation);
    }

    private static (PluginSource Source, Metal Metal) Choose(PluginConfig config, PluginHostServices services, ProfileSource? profile)
    {
        var bundle = OpenBundle(config, services);
        var metal = ChooseMetal(Complete(config, bundle), out _, profile);
        return (bundle is null ? new PluginSource(Resolve(config, metal)) : BundleSource.Choose(bundle, config, metal, services), metal);
    }

    /// <summary>The bundle that a configuration names; null when it names a folder or a plain file.</summary>
    private static PluginBundle? OpenBundle(PluginConfig config, PluginHostServices services) =>
        RegistryBundles.IsReference(config.Bundle) ? services.Bundles.Open(config) : IsBundleFile(config.Bundle) ? PluginBundle.OpenFile(config.Bundle) : null;

    private static PluginConfig Complete(PluginConfig config, PluginBundle? bundle)
    {
        var label = bundle?.Label ?? (PluginFolder.IsOne(config.Bundle) ? PluginFolder.Open(config.Bundle).Manifest.Label : null);
        return label is null ? config : config with { RootId = config.RootId.Length > 0 ? config.RootId : label.RootId, LatencyBudget = config.LatencyBudget ?? label.LatencyBudget };
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
            $"{bundle}: plugin {config.Name} runs on {(metal == Metal.Native ? "native" : "wasm")}, which takes a {wanted} file, a plugin folder or a {BundleArchive.Extension} file");
    }
}
