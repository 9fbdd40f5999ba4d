// The results of those host calls that do not depend on the exchange alone: clocks, shared data, queues and metrics. The primary's are recorded while a callback of it runs;
// the shadow is given them again, in the same order, and what it asks beside that is a difference. Everything else that a plugin can ask is part of the
// exchange, which the shadow gets as it was.

using Bimetal.Plugins.Streams;

namespace Bimetal.Plugins.Shadow;

/// <summary>One callback's calls. Used by the thread that makes the callback, and by nobody else.</summary>
internal sealed class HostTape
{
    /// <summary>Calls of one callback; a recording with more is given up.</summary>
    private const int MaximumCalls = 1024;

    [ThreadStatic]
    private static HostTape? s_current;

    private readonly List<TapedCall> _calls;
    private readonly bool _isReplay;
    private int _next;

    private HostTape(List<TapedCall> calls, bool isReplay) => (_calls, _isReplay) = (calls, isReplay);

    public static HostTape Recording() => new([], isReplay: false);

    public static HostTape Replaying(HostTape recorded) => new(recorded._calls, isReplay: true);

    /// <summary>The tape of the callback that runs on this thread; null for nearly all.</summary>
    public static HostTape? Current => s_current;

    /// <summary>What the shadow did otherwise than the primary; null: nothing.</summary>
    public string? Difference { get; private set; }

    /// <summary>Too much was recorded to be kept.</summary>
    public bool IsOverflowing => _calls.Count > MaximumCalls;

    /// <summary>Makes it the current one until the result is disposed of.</summary>
    public Scope Enter()
    {
        var scope = new Scope(s_current);
        s_current = this;
        return scope;
    }

    /// <summary>A clock was read.</summary>
    public long Clock(bool isMonotonic, long now)
    {
        string name = isMonotonic ? "monotonic clock" : "clock";
        if (!_isReplay) return Record(new TapedCall(name, [], default, now, HostStatus.Ok)).Number;
        return TryNext(name, []) is { } call ? call.Number : now;
    }

    public bool SharedGet(ReadOnlySpan<byte> key, bool isFound, ref ReadOnlyMemory<byte> value, ref uint cas)
    {
        if (!_isReplay)
        {
            Record(new TapedCall("shared data read", key.ToArray(), value, cas, isFound ? HostStatus.Ok : HostStatus.NotFound));
            return isFound;
        }

        if (TryNext("shared data read", key) is not { } call) return false;
        (value, cas) = (call.Value, (uint)call.Number);
        return call.Status == HostStatus.Ok;
    }

    /// <summary>Before something is changed that outlives the callback: a replay answers in its place, and nothing is changed.</summary>
    /// <param name="name">What is done, as in <see cref="RecordEffect"/>: "shared data write".</param>
    public bool TryAnswerEffect(string name, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, out HostStatus status)
    {
        status = HostStatus.Ok;
        if (!_isReplay) return false;
        if (TryNext(name, key) is not { } call) return true;
        if (!call.Value.Span.SequenceEqual(value)) Differ($"gave another value: {name}");
        status = call.Status;
        return true;
    }

    public void RecordEffect(string name, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, HostStatus status) => Record(new TapedCall(name, key.ToArray(), value.ToArray(), 0, status));

    /// <summary>Before an item is taken from a queue: a replay gives the item that the primary got, and takes none.</summary>
    public bool TryAnswerTake(ReadOnlySpan<byte> queue, out ReadOnlyMemory<byte> item, out HostStatus status)
    {
        (item, status) = (default, HostStatus.Empty);
        if (!_isReplay) return false;
        if (TryNext("queue read", queue) is { } call) (item, status) = (call.Value, call.Status);
        return true;
    }

    public void RecordTake(ReadOnlySpan<byte> queue, ReadOnlyMemory<byte> item, HostStatus status) => Record(new TapedCall("queue read", queue.ToArray(), item, 0, status));

    /// <summary>A metric was read.</summary>
    public long Metric(ReadOnlySpan<byte> name, long value)
    {
        if (!_isReplay) return Record(new TapedCall("metric read", name.ToArray(), default, value, HostStatus.Ok)).Number;
        return TryNext("metric read", name) is { } call ? call.Number : value;
    }

    /// <summary>The callback is over: what the primary called and the shadow did not is a difference, too.</summary>
    public void End()
    {
        if (_isReplay && _next < _calls.Count) Differ($"made {_next} of the {_calls.Count} host calls that the primary made; the next one was: {_calls[_next].Name}");
    }

    private TapedCall Record(TapedCall call)
    {
        if (!IsOverflowing) _calls.Add(call);
        return call;
    }

    private TapedCall? TryNext(string name, ReadOnlySpan<byte> key)
    {
        if (_next < _calls.Count && _calls[_next].Name == name && _calls[_next].Key.AsSpan().SequenceEqual(key)) return _calls[_next++];
        Differ($"made another host call than the primary: {name}, and the primary {(_next < _calls.Count ? "made: " + _calls[_next].Name : "made none")}");
        return null;
    }

    private void Differ(string difference) => Difference ??= difference;

    private sealed record TapedCall(string Name, byte[] Key, ReadOnlyMemory<byte> Value, long Number, HostStatus Status);

    public readonly struct Scope(HostTape? before) : IDisposable
    {
        public void Dispose() => s_current = before;
    }
}
