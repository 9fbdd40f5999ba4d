// The section plugins:.

using System.Text;
using Bimetal.Plugins;
using Bimetal.Plugins.Bundles.Registry;
using Bimetal.Plugins.Bundles.Signing;
using Bimetal.Plugins.Profiles;
using Bimetal.Plugins.Shadow;
using YamlDotNet.RepresentationModel;

namespace Bimetal.Gateway.Configuration;

internal static class PluginReader
{
    private const string Remedy = "name a .wasm file, a plugin folder, a .bimetal file or oci://…";
    private const long MaximumMemoryBytes = 4L << 30;
    private static readonly TimeSpan s_shortestInterval = TimeSpan.FromSeconds(1);

    public static IReadOnlyDictionary<string, PluginConfig> Read(ConfigMapping root, string folder, SignaturePolicy signatures, ConfigReport report)
    {
        var plugins = new Dictionary<string, PluginConfig>();
        if (root.Mapping("plugins") is not { } section) return plugins;
        foreach (var (name, node) in section.Entries)
        {
            if (ConfigMapping.From(node, section.KeyPath(name), report) is not { } plugin) continue;
            plugins[name] = ReadOne(name, plugin, folder, report) with { Signatures = signatures };
        }

        return plugins;
    }

    /// <summary>Opens what the plugins name, and reports what would keep one from being loaded.</summary>
    public static void CheckBundles(ConfigMapping root, IReadOnlyDictionary<string, PluginConfig> plugins, string profile, ConfigReport report)
    {
        if (root.Mapping("plugins") is not { } section) return;
        var (services, source) = (new PluginHostServices(), ProfileSource.Read(profile));
        foreach (var (name, node) in section.Entries.Where(entry => plugins.ContainsKey(entry.Name)))
        {
            var config = plugins[name];
            bool isThere = RegistryBundles.IsReference(config.Bundle) || File.Exists(config.Bundle) || Directory.Exists(config.Bundle);
            if (!isThere || PluginLoader.ProblemOf(config, services, source) is not { } problem || ConfigMapping.From(node, section.KeyPath(name), report) is not { } plugin) continue;

            // A folder can still be built before the gateway starts.
            if (config.OnError.LoadOpen || Directory.Exists(config.Bundle)) plugin.Warn("bundle", problem);
            else plugin.Error("bundle", problem);
        }
    }

    private static PluginConfig ReadOne(string name, ConfigMapping plugin, string folder, ConfigReport report)
    {
        var config = new PluginConfig
        {
            Name = name,
            Bundle = ReadBundle(plugin, folder),
            Trust = plugin.Choice("trust", Trust.ThirdParty, ("first-party", Trust.FirstParty), ("third-party", Trust.ThirdParty)),
            Metal = plugin.Choice("metal", MetalChoice.Auto, ("auto", MetalChoice.Auto), ("native", MetalChoice.Native), ("wasm", MetalChoice.Wasm)),
            RootId = plugin.Text("root_id") ?? "",
            LatencyBudget = plugin.Duration("latency_budget", null),
            MaximumCpuShare = plugin.Share("max_cpu_share", -1) is >= 0 and var share ? share : null,
            Instance = plugin.Choice<InstancePolicy?>("instance", null, ("per-request", InstancePolicy.PerRequest), ("shared", InstancePolicy.Shared)),
            Configuration = ReadConfiguration(plugin, "config", report),
            VmConfiguration = ReadConfiguration(plugin, "vm_config", report),
            Limits = ReadLimits(plugin),
            Pull = ReadPull(plugin),
            OnError = ReadOnError(plugin),
            Shadow = ReadShadow(plugin),
        };
        plugin.Finish();
        CheckMetal(config, plugin, report);
        CheckShadow(config, plugin);
        return config;
    }

    private static string ReadBundle(ConfigMapping plugin, string folder)
    {
        string bundle = plugin.RequiredText("bundle", Remedy);
        if (RegistryBundles.IsReference(bundle))
        {
            if (!RegistryReference.TryParse(bundle, out _)) plugin.Error("bundle", $"'{bundle}' is not a reference to a registry", $"write {RegistryReference.Form}");
            return bundle;
        }

        if (bundle.Length == 0) return "";
        string path = Path.GetFullPath(bundle, folder);
        if (!File.Exists(path) && !Directory.Exists(path)) plugin.Error("bundle", $"there is no file or folder {path}", Remedy);
        return path;
    }

    private static ReadOnlyMemory<byte> ReadConfiguration(ConfigMapping plugin, string key, ConfigReport report) => plugin.Take(key) switch
    {
        null => default,
        YamlScalarNode scalar => Encoding.UTF8.GetBytes(scalar.Value ?? ""),
        var node => YamlToJson.Convert(node, plugin.KeyPath(key), report),
    };

    private static PluginLimits ReadLimits(ConfigMapping plugin)
    {
        var defaults = new PluginLimits();
        if (plugin.Mapping("limits") is not { } limits) return defaults;
        var read = new PluginLimits
        {
            CpuPerCallback = limits.Duration("cpu", defaults.CpuPerCallback),
            CpuPerStream = limits.Duration("cpu_stream", defaults.CpuPerStream),
            Start = limits.Duration("start", defaults.Start),
            Pause = limits.Duration("pause", defaults.Pause),
            MemoryBytes = limits.Size("memory", defaults.MemoryBytes, 64 << 10, MaximumMemoryBytes),
            Instances = limits.Count("instances", defaults.Instances, 1, 65_536),
            BodyBufferBytes = (int)limits.Size("body_buffer", defaults.BodyBufferBytes, 1, 1 << 30),
            Quotas = ReadQuotas(limits, defaults.Quotas),
        };
        limits.Finish();
        return read;
    }

    private static PullConfig ReadPull(ConfigMapping plugin)
    {
        var defaults = new PullConfig();
        if (plugin.Mapping("pull") is not { } pull) return defaults;
        var read = new PullConfig
        {
            Policy = pull.Choice("policy", defaults.Policy, ("always", PullPolicy.Always), ("if-absent", PullPolicy.IfAbsent), ("never", PullPolicy.Never)),
            Interval = pull.Duration("interval", defaults.Interval),
            AuthFile = pull.FilePath("auth_file"),
            CaFile = pull.FilePath("ca_file"),
        };
        if (read.Interval < s_shortestInterval) pull.Error("interval", "is too short", "write 1s or more, or none");
        if (read is { Interval: not null, Policy: PullPolicy.Never }) pull.Error("interval", "stands beside policy: never", "keep one of them");
        pull.Finish();
        return read;
    }

    private static PluginQuotas ReadQuotas(ConfigMapping limits, PluginQuotas defaults) => new()
    {
        SharedKeys = limits.Count("shared_keys", defaults.SharedKeys, 0, 16 << 20),
        SharedDataBytes = limits.Size("shared_data", defaults.SharedDataBytes, 0, MaximumMemoryBytes),
        Queues = limits.Count("queues", defaults.Queues, 0, 65_536),
        QueueDataBytes = limits.Size("queue_data", defaults.QueueDataBytes, 0, MaximumMemoryBytes),
        Metrics = limits.Count("metrics", defaults.Metrics, 0, 65_536),
        Callouts = limits.Count("callouts", defaults.Callouts, 0, 65_536),
        LogBytesPerSecond = (int)limits.Size("log_rate", defaults.LogBytesPerSecond, 0, 1 << 30),
        HeldBodyBytes = limits.Size("held_bodies", defaults.HeldBodyBytes, 1, MaximumMemoryBytes),
    };

    private static OnErrorConfig ReadOnError(ConfigMapping plugin)
    {
        if (plugin.Mapping("on_error") is not { } onError) return new OnErrorConfig();
        var read = new OnErrorConfig
        {
            LoadOpen = IsOpen(onError, "load"),
            TrapOpen = IsOpen(onError, "trap"),
            TimeoutOpen = IsOpen(onError, "timeout"),
            MemoryOpen = IsOpen(onError, "memory"),
        };
        onError.Finish();
        return read;
    }

    private static bool IsOpen(ConfigMapping onError, string key) => onError.Choice(key, absent: false, ("closed", false), ("open", true));

    private static ShadowConfig? ReadShadow(ConfigMapping plugin)
    {
        if (plugin.Mapping("shadow") is not { } shadow) return null;
        if (!shadow.Has("metal")) shadow.Error("metal", "is required", "write metal: native or metal: wasm, the one that the plugin does not run on");
        var read = new ShadowConfig(shadow.Choice("metal", Metal.Wasm, ("native", Metal.Native), ("wasm", Metal.Wasm)), shadow.Share("sample", 0.01));
        shadow.Finish();
        return read;
    }

    private static void CheckShadow(PluginConfig config, ConfigMapping plugin)
    {
        if (config.Shadow is not { } shadow) return;
        if (shadow.Metal == Metal.Native && config.Trust == Trust.ThirdParty)
            plugin.Error("shadow", "a third-party plugin never runs native, not as a shadow either", "write shadow: { metal: wasm }, or trust: first-party if the code is yours");
        bool isSame = (config.Metal, shadow.Metal) is (MetalChoice.Native, Metal.Native) or (MetalChoice.Wasm, Metal.Wasm);
        if (isSame) plugin.Error("shadow", "names the metal that the plugin runs on", "name the other one");
    }

    // What a plugin's metal cannot honour: third-party code never runs native; limits on native code are measured, not enforced.
    private static void CheckMetal(PluginConfig config, ConfigMapping plugin, ConfigReport report)
    {
        if (config.Metal != MetalChoice.Native) return;
        if (config.Trust == Trust.ThirdParty)
        {
            plugin.Error("metal", "a third-party plugin never runs native", "write metal: wasm, or trust: first-party if the code is yours");
            return;
        }

        if (plugin.Mapping("limits") is { } limits)
        {
            foreach (string key in (ReadOnlySpan<string>)["cpu", "cpu_stream", "memory"])
            {
                if (limits.Has(key)) limits.Warn(key, "is measured but not enforced on the native metal", "metal: wasm enforces it");
            }

            if (limits.Has("instances")) limits.Warn("instances", "has no meaning on the native metal: all threads share one copy");
        }

        if (config.Instance == InstancePolicy.PerRequest)
            plugin.Warn("instance", "the native metal shares globals between requests", "metal: wasm gives each request a fresh instance");
    }
}
