// What outlives the instances of a plugin: its shared data, queues and metrics. Kept by plugin name in the host's services, so that a
// plugin which is loaded again finds what it left.

using System.Collections.Concurrent;
using Bimetal.Plugins.Streams;
using Bimetal.Wasm.Runtime;

namespace Bimetal.Plugins.ProxyWasm.State;

/// <summary>State of one plugin, shared by all its instances.</summary>
public sealed class PluginState
{
    private readonly LogAllowance _log = new();
    private int _calloutsInFlight;

    public SharedDataStore Data { get; } = new();

    public SharedQueues Queues { get; } = new();

    public PluginMetrics Metrics { get; } = new();

    /// <summary>Bodies that are held for the plugin's streams.</summary>
    public ByteQuota HeldBodies { get; } = new();

    /// <summary>Those of the configuration that was loaded last. What is there already and passes them stays.</summary>
    public PluginQuotas Quotas
    {
        get;
        set
        {
            field = value;
            Data.Quotas = Queues.Quotas = Metrics.Quotas = value;
            HeldBodies.LimitBytes = value.HeldBodyBytes;
        }
    } = new();

    /// <summary>Counts a callout that begins; false when <c>limits.callouts</c> are under way.</summary>
    internal bool TryBeginCallout()
    {
        if (Interlocked.Increment(ref _calloutsInFlight) <= Quotas.Callouts) return true;
        EndCallout();
        return false;
    }

    internal void EndCallout() => Interlocked.Decrement(ref _calloutsInFlight);

    /// <summary>Writes a line in a plugin's name, if its level is one that is written and <c>limits.log_rate</c> leaves room for it.</summary>
    internal void Log(PluginHostServices services, string plugin, PluginLogLevel level, ReadOnlySpan<byte> message)
    {
        if (level < services.Log.MinimumLevel || !_log.TryTake(message.Length, Quotas.LogBytesPerSecond, services.Time, out long leftOut)) return;
        if (leftOut > 0) services.Report(PluginLogLevel.Warn, plugin, $"{leftOut} lines were left out: limits.log_rate is {Quotas.LogBytesPerSecond} bytes a second");
        services.Log.Write(level, plugin, message);
    }
}

/// <summary>The states of all plugins of a host.</summary>
/// <param name="memory">What the memories of all instances share; null: an allowance without a limit.</param>
public sealed class PluginStates(MemoryAllowance? memory = null)
{
    private readonly ConcurrentDictionary<string, PluginState> _states = new(StringComparer.Ordinal);

    /// <summary>What the linear memories of all instances have together, and may have (<c>plugin_memory</c>).</summary>
    public MemoryAllowance Memory { get; } = memory ?? new MemoryAllowance();

    public PluginState Of(string plugin) => _states.GetOrAdd(plugin, static _ => new PluginState());

    /// <summary>The state of a plugin that is loaded, with its quotas in force from now on.</summary>
    public PluginState Of(string plugin, PluginQuotas quotas)
    {
        var state = Of(plugin);
        state.Quotas = quotas;
        return state;
    }
}
