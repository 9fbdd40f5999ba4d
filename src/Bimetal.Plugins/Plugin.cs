// A plugin as the gateway sees it, whatever its metal: it makes a PluginStream per request; a PluginStream gets the callbacks.

using Bimetal.Plugins.Failure;
using Bimetal.Plugins.Streams;

namespace Bimetal.Plugins;

/// <summary>Which of its two builds a plugin runs on.</summary>
public enum Metal
{
    Native,
    Wasm,
}

/// <summary>A loaded and configured plugin. Thread-safe.</summary>
public abstract class Plugin : IAsyncDisposable
{
    public required string Name { get; init; }

    public abstract Metal Metal { get; }

    /// <summary>Instances that exist, and those of them that a stream has; none of either on the native metal.</summary>
    public virtual (int Existing, int InUse) Instances => (0, 0);

    /// <summary>Shared instances that died and wait to be started again; those that run are in <see cref="Instances"/>.</summary>
    public virtual int WaitingInstances => 0;

    /// <summary>What loading took, in order. Wasm: read, decode, validate, the compiler's stages (only <c>cache</c> when it had the code), load, instantiate; native: link, instantiate.</summary>
    public IReadOnlyList<(string Stage, TimeSpan Time)> LoadStages { get; internal set; } = [];

    /// <summary>Counters and latencies since load.</summary>
    public PluginStatistics Statistics { get; init; } = new();

    /// <summary>Fields that its streams write again and again.</summary>
    internal SettledFields Settled { get; } = new();

    /// <summary>
    /// Begins a stream: leases an instance or allocates the native state. Null when the plugin is not available (no instance free,
    /// backing off), with the reason in <paramref name="failure"/>.
    /// </summary>
    public abstract PluginStream? TryBegin(HttpStream stream, out PluginFailure? failure);

    /// <summary>Ends the plugin. Streams that are still open fail at their next callback.</summary>
    public abstract ValueTask DisposeAsync();
}
