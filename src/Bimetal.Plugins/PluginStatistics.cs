// Per-plugin counters, written on the request path without locks and read by the admin listener and the meter.

using Bimetal.Plugins.Failure;

namespace Bimetal.Plugins;

/// <summary>Counts since load. Thread-safe; a reader may see counts of the same moment differ by calls in flight.</summary>
public sealed class PluginStatistics
{
    private readonly long[] _failures = new long[Enum.GetValues<FailureKind>().Length];
    private long _streams;

    public long Streams => Interlocked.Read(ref _streams);

    public long FailuresOf(FailureKind kind) => Interlocked.Read(ref _failures[(int)kind]);

    public void CountStream() => Interlocked.Increment(ref _streams);

    public void CountFailure(FailureKind kind) => Interlocked.Increment(ref _failures[(int)kind]);
}
