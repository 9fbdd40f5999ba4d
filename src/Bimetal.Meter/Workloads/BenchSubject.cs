// One plugin that is measured, and the traffic to measure it by. Whether its native build may be loaded is decided here, once.

using System.Text;
using Bimetal.Plugins;
using Bimetal.Plugins.Bundles;
using Bimetal.Plugins.Bundles.Cases;
using Bimetal.Plugins.Bundles.Registry;

namespace Bimetal.Meter.Workloads;

/// <summary>A plugin with its input. Immutable.</summary>
public sealed record BenchSubject
{
    /// <summary>CPU limit of a callback: an endless loop still ends, and a runtime that compiles its host functions at first use does not look like one.</summary>
    private static readonly TimeSpan s_cpuPerCallback = TimeSpan.FromSeconds(1);

    private BenchSubject(PluginConfig config, PluginFolder? folder, IReadOnlyList<PluginCase> allCases, IReadOnlyList<PluginCase> cases)
    {
        Config = config;
        Folder = folder;
        AllCases = allCases;
        Cases = cases;
    }

    public string Name => Config.Name;

    /// <summary>Trust, limits and the configuration that the cases are for.</summary>
    public PluginConfig Config { get; }

    /// <summary>Null: a .wasm file or a bundle, without sources and cases.</summary>
    public PluginFolder? Folder { get; }

    /// <summary>Every case, hostile ones too: what the metals are compared by.</summary>
    public IReadOnlyList<PluginCase> AllCases { get; }

    /// <summary>The exchanges of one pass, in order.</summary>
    public IReadOnlyList<PluginCase> Cases { get; }

    /// <summary>Third-party native code is never loaded, not even to be measured.</summary>
    public bool MayRunNative => Config.Trust == Trust.FirstParty && Folder?.TargetsHere.Contains(BuildTarget.NativeHere) == true;

    /// <summary>One line on what is measured.</summary>
    public string Input => Folder is null ? "GET / with eight fields; there are no cases" : $"{Cases.Count} good cases of {Path.GetFileName(Cases[0].File)}";

    public string WasmPath => Folder?.PathOf(BuildTarget.Wasm) ?? Config.Bundle;

    public string? NativePath => MayRunNative ? Folder!.PathOf(BuildTarget.NativeHere) : null;

    public double? LatencyBudgetUs => (Config.LatencyBudget ?? Folder?.Manifest.LatencyBudget)?.TotalMicroseconds;

    /// <summary>A folder of the user's own: first-party.</summary>
    /// <exception cref="PluginLoadException">It has no good case.</exception>
    public static BenchSubject Of(PluginFolder folder)
    {
        ArgumentNullException.ThrowIfNull(folder);
        return Of(new PluginConfig { Name = folder.Manifest.Name, Bundle = folder.Path, Trust = Trust.FirstParty });
    }

    /// <summary>A folder with cases of the caller's choice.</summary>
    public static BenchSubject Of(PluginFolder folder, IReadOnlyList<PluginCase> cases)
    {
        ArgumentNullException.ThrowIfNull(folder);
        return Of(new PluginConfig { Name = folder.Manifest.Name, Bundle = folder.Path, Trust = Trust.FirstParty }, folder, cases);
    }

    /// <summary>An entry of a gateway's configuration. A folder is measured with its own cases and the configuration that they are for.</summary>
    /// <exception cref="PluginLoadException">It has no good case, or is neither a folder nor a file of a plugin.</exception>
    public static BenchSubject Of(PluginConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        if (PluginFolder.IsOne(config.Bundle))
        {
            var folder = PluginFolder.Open(config.Bundle);
            return Of(config, folder, CaseReader.ReadAll(folder));
        }

        if (RegistryBundles.IsReference(config.Bundle))
            throw new PluginLoadException($"{config.Bundle}: plugin {config.Name} is in a registry; to measure it, fetch it with `bimetal pull` and name the file as its bundle");
        return OfFile(config);
    }

    /// <summary>The same, and what is in a registry is taken from the store, where <see cref="PluginLoader.FetchAsync"/> has put it.</summary>
    /// <inheritdoc cref="Of(PluginConfig)"/>
    public static BenchSubject OfFetched(PluginConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        return RegistryBundles.IsReference(config.Bundle) ? OfGenericCase(config) : Of(config);
    }

    private static BenchSubject OfFile(PluginConfig config)
    {
        if (!PluginLoader.IsBundleFile(config.Bundle) && (!config.Bundle.EndsWith(".wasm", StringComparison.Ordinal) || !File.Exists(config.Bundle)))
            throw new PluginLoadException($"{config.Bundle}: plugin {config.Name} is neither a plugin folder nor a .wasm or .bimetal file, so it cannot be measured");
        return OfGenericCase(config);
    }

    private static BenchSubject OfGenericCase(PluginConfig config)
    {
        PluginCase[] plain = [GenericCase(config)];
        return new BenchSubject(Limited(config), null, plain, plain);
    }

    /// <summary>The configuration of one metal.</summary>
    public PluginConfig ConfigFor(Metal metal, InstancePolicy instance) => Config with
    {
        Metal = metal == Metal.Native ? MetalChoice.Native : MetalChoice.Wasm,
        Instance = instance,
    };

    /// <summary>The configuration of <see cref="Arrangement.NativeBest"/>.</summary>
    /// <param name="path">Its shared object.</param>
    public PluginConfig ConfigForBest(string path) => ConfigFor(Metal.Native, InstancePolicy.Shared) with { Bundle = path };

    private static BenchSubject Of(PluginConfig config, PluginFolder folder, IReadOnlyList<PluginCase> cases)
    {
        var largest = cases.Where(one => one.Kind == CaseKind.Good).GroupBy(one => (one.Configuration, one.VmConfiguration, one.File)).MaxBy(group => group.Count())
            ?? throw new PluginLoadException($"{folder.CasesFolder}: has no case of kind 'good' to measure with");
        var configured = config with { Configuration = Encoding.UTF8.GetBytes(largest.Key.Configuration), VmConfiguration = Encoding.UTF8.GetBytes(largest.Key.VmConfiguration) };
        return new BenchSubject(Limited(configured), folder, cases, [.. largest]);
    }

    private static PluginConfig Limited(PluginConfig config) => config with { Limits = config.Limits with { CpuPerCallback = s_cpuPerCallback } };

    private static PluginCase GenericCase(PluginConfig config)
    {
        (string Name, string Value)[] fields =
        [
            (":method", "GET"), (":path", "/"), (":authority", "gateway.test"), (":scheme", "http"), ("accept", "*/*"), ("user-agent", "bimetal-bench"),
            ("accept-language", "en"), ("x-request-id", "0"),
        ];
        static CaseMessage Message(params (string Name, string Value)[] fields) =>
            new([.. fields.Select(field => ((ReadOnlyMemory<byte>)Encoding.UTF8.GetBytes(field.Name), (ReadOnlyMemory<byte>)Encoding.UTF8.GetBytes(field.Value)))], []);
        return new PluginCase
        {
            Name = "generic",
            File = config.Bundle,
            Kind = CaseKind.Good,
            Configuration = "",
            Clock = CaseReader.DefaultClock,
            Request = Message(fields),
            Response = Message((":status", "200")),
            Expectation = new CaseExpectation(),
        };
    }
}
