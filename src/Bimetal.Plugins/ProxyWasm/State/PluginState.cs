// What outlives the instances of a plugin: its shared data, queues and metrics. Kept by plugin name in the host's services, so that a
// plugin which is loaded again finds what it left.

using System.Collections.Concurrent;

namespace Bimetal.Plugins.ProxyWasm.State;

/// <summary>State of one plugin, shared by all its instances.</summary>
public sealed class PluginState
{
    public SharedDataStore Data { get; } = new();

    public SharedQueues Queues { get; } = new();

    public PluginMetrics Metrics { get; } = new();
}

/// <summary>The states of all plugins of a host.</summary>
public sealed class PluginStates
{
    private readonly ConcurrentDictionary<string, PluginState> _states = new(StringComparer.Ordinal);

    public PluginState Of(string plugin) => _states.GetOrAdd(plugin, static _ => new PluginState());
}
