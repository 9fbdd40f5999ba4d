// What is measured of a plugin: its good cases that share a configuration, on the native metal and on wasm with shared and with fresh instances.

using Bimetal.Plugins;
using Bimetal.Plugins.Bundles;
using Bimetal.Plugins.Bundles.Cases;

namespace Bimetal.Meter.Workloads;

/// <summary>One way to run the workload.</summary>
public enum Arrangement
{
    Native,

    /// <summary>Wasm, long-lived instances: the call tax.</summary>
    WasmShared,

    /// <summary>Wasm, a fresh instance for every request: the request tax.</summary>
    WasmPerRequest,
}

/// <summary>A plugin, loaded in all arrangements, with the traffic to measure it by.</summary>
public sealed class PluginWorkload : IAsyncDisposable
{
    private readonly Dictionary<Arrangement, Plugin> _plugins = [];

    private PluginWorkload(PluginFolder folder, IReadOnlyList<PluginCase> cases)
    {
        Folder = folder;
        Cases = cases;
    }

    public PluginFolder Folder { get; }

    /// <summary>The exchanges of one pass, in order.</summary>
    public IReadOnlyList<PluginCase> Cases { get; }

    /// <summary>One line on what was measured.</summary>
    public string Input => $"{Cases.Count} good cases of {Path.GetFileName(Cases[0].File)}";

    public Plugin this[Arrangement arrangement] => _plugins[arrangement];

    /// <summary>Loads a built plugin folder.</summary>
    /// <exception cref="PluginLoadException">It has no good case, or does not load.</exception>
    public static async Task<PluginWorkload> LoadAsync(PluginFolder folder, IReadOnlyList<PluginCase> cases, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(folder);
        var largest = cases.Where(one => one.Kind == CaseKind.Good).GroupBy(one => (one.Configuration, one.File)).MaxBy(group => group.Count());
        if (largest is null) throw new PluginLoadException($"{folder.CasesFolder}: has no case of kind 'good' to measure with");
        var workload = new PluginWorkload(folder, [.. largest]);
        try
        {
            var clock = new CaseClock();
            clock.Set(workload.Cases[0].Clock);
            var services = new PluginHostServices { Time = clock };
            foreach (var arrangement in Enum.GetValues<Arrangement>()) await workload.LoadAsync(arrangement, services, cancellation);
            return workload;
        }
        catch
        {
            await workload.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var plugin in _plugins.Values) await plugin.DisposeAsync();
        _plugins.Clear();
    }

    private async Task LoadAsync(Arrangement arrangement, PluginHostServices services, CancellationToken cancellation)
    {
        var metal = arrangement == Arrangement.Native ? Metal.Native : Metal.Wasm;
        var instance = arrangement == Arrangement.WasmPerRequest ? InstancePolicy.PerRequest : InstancePolicy.Shared;
        _plugins[arrangement] = await PluginCaseRunner.LoadAsync(Folder, metal, Cases[0].Configuration, instance, services, cancellation);
    }
}
