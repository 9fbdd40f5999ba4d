// What one plugin may use of the host itself, over all of its instances and streams, on both metals: a part of `limits:`.

namespace Bimetal.Plugins;

/// <summary>Quotas by the names that they have in the configuration. Immutable.</summary>
public sealed record PluginQuotas
{
    /// <summary><c>shared_keys</c>: keys of shared data.</summary>
    public int SharedKeys { get; init; } = 65_536;

    /// <summary><c>shared_data</c>: bytes of keys and values of shared data.</summary>
    public long SharedDataBytes { get; init; } = 64 << 20;

    /// <summary><c>queues</c>: shared queues.</summary>
    public int Queues { get; init; } = 256;

    /// <summary><c>queue_data</c>: bytes in all queues.</summary>
    public long QueueDataBytes { get; init; } = 16 << 20;

    /// <summary><c>metrics</c>: metric series.</summary>
    public int Metrics { get; init; } = 4096;

    /// <summary><c>callouts</c>: HTTP callouts under way at once.</summary>
    public int Callouts { get; init; } = 256;

    /// <summary><c>log_rate</c>: bytes of log lines a second; what is more is left out and counted.</summary>
    public int LogBytesPerSecond { get; init; } = 1 << 20;

    /// <summary><c>held_bodies</c>: bytes of bodies that are held for all streams together.</summary>
    public long HeldBodyBytes { get; init; } = 256 << 20;
}
