// Per-plugin counters, written on the request path without locks and read by the admin listener and the meter.

using Bimetal.Plugins.Failure;

namespace Bimetal.Plugins;

/// <summary>Counts since load. Thread-safe; a reader may see counts of the same moment differ by calls in flight.</summary>
public sealed class PluginStatistics
{
    /// <summary>One stream in this many has its times taken: reading the clock twice per callback is not free.</summary>
    public const int SampleEvery = 16;

    private readonly long[] _failures = new long[Enum.GetValues<FailureKind>().Length];
    private long _streams;

    public long Streams => Interlocked.Read(ref _streams);

    /// <summary>Times of whole callbacks, of the streams that were sampled.</summary>
    public TimeHistogram CallbackTimes { get; } = new();

    /// <summary>Times of getting an instance: a clone for <c>per-request</c>. Every stream that was sampled has one.</summary>
    public TimeHistogram BeginTimes { get; } = new();

    /// <summary>Times of giving it back: with <c>per-request</c> this is the reset, which is off the request's path.</summary>
    public TimeHistogram EndTimes { get; } = new();

    /// <summary>Whether the stream that begins next will have its times taken (unless another one gets in first).</summary>
    public bool IsNextMeasured => (Volatile.Read(ref _streams) & (SampleEvery - 1)) == SampleEvery - 1;

    public long FailuresOf(FailureKind kind) => Interlocked.Read(ref _failures[(int)kind]);

    /// <summary>Counts a stream; true when its times should be taken.</summary>
    public bool BeginStream() => (Interlocked.Increment(ref _streams) & (SampleEvery - 1)) == 0;

    public void CountFailure(FailureKind kind) => Interlocked.Increment(ref _failures[(int)kind]);
}
