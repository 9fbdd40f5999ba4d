// Per-plugin counters, written on the request path without locks and read by the admin listener and the meter.

using Bimetal.Plugins.Failure;
using Bimetal.Plugins.Streams;

namespace Bimetal.Plugins;

/// <summary>Counts since load. Thread-safe; a reader may see counts of the same moment differ by calls in flight.</summary>
/// <param name="measureOneIn">One stream in this many has its times taken; a power of two.</param>
public sealed class PluginStatistics(int measureOneIn = PluginStatistics.DefaultMeasureOneIn)
{
    /// <summary>Not every stream: reading the clock twice per callback is not free.</summary>
    public const int DefaultMeasureOneIn = 64;

    private readonly long[] _failures = new long[Enum.GetValues<FailureKind>().Length];
    private readonly TimeHistogram[] _callbackTimes = [.. Enum.GetValues<StreamCallback>().Select(static _ => new TimeHistogram())];
    private long _streams;
    private long _sampledCpuNanoseconds;
    private long _peakMemoryBytes;

    /// <summary>One stream in this many has its times taken.</summary>
    public int SampleEvery => measureOneIn;

    public long Streams => Interlocked.Read(ref _streams);

    /// <summary>Times of whole callbacks, of the streams that were sampled.</summary>
    public TimeHistogram CallbackTimes { get; } = new();

    /// <summary>
    /// CPU time of all callbacks, the host's part in them included: that of the streams that were sampled, times <see cref="SampleEvery"/>.
    /// </summary>
    public TimeSpan EstimatedCpu => TimeSpan.FromMicroseconds(Interlocked.Read(ref _sampledCpuNanoseconds) * SampleEvery / 1000.0);

    /// <summary>Largest linear memory that an instance had at the end of a stream; 0 for the native metal, whose memory is the gateway's.</summary>
    public long PeakMemoryBytes => Interlocked.Read(ref _peakMemoryBytes);

    /// <summary>Times of getting an instance: a clone for <c>per-request</c>. Every stream that was sampled has one.</summary>
    public TimeHistogram BeginTimes { get; } = new();

    /// <summary>Times of giving it back: with <c>per-request</c> this is the reset, which is off the request's path.</summary>
    public TimeHistogram EndTimes { get; } = new();

    /// <summary>Whether the stream that begins next will have its times taken (unless another one gets in first).</summary>
    public bool IsNextMeasured => (Volatile.Read(ref _streams) & (SampleEvery - 1)) == SampleEvery - 1;

    public long FailuresOf(FailureKind kind) => Interlocked.Read(ref _failures[(int)kind]);

    /// <summary>Counts a stream; true when its times should be taken.</summary>
    public bool BeginStream() => (Interlocked.Increment(ref _streams) & (SampleEvery - 1)) == 0;

    /// <summary>Times of one kind of callback, of the streams that were sampled.</summary>
    public TimeHistogram CallbackTimesOf(StreamCallback callback) => _callbackTimes[(int)callback];

    public void RecordCallback(StreamCallback callback, long nanoseconds, TimeSpan cpu)
    {
        CallbackTimes.Record(nanoseconds);
        _callbackTimes[(int)callback].Record(nanoseconds);
        Interlocked.Add(ref _sampledCpuNanoseconds, (long)cpu.TotalNanoseconds);
    }

    public void NoteMemory(long bytes)
    {
        long seen = Interlocked.Read(ref _peakMemoryBytes);
        while (bytes > seen)
        {
            long before = Interlocked.CompareExchange(ref _peakMemoryBytes, bytes, seen);
            if (before == seen) return;
            seen = before;
        }
    }

    public void CountFailure(FailureKind kind) => Interlocked.Increment(ref _failures[(int)kind]);
}
