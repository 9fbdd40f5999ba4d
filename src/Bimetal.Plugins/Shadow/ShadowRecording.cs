// What happened between the host and the primary's stream, callback by callback, so that the other metal can live through it again.

using Bimetal.Plugins.Failure;
using Bimetal.Plugins.Streams;

namespace Bimetal.Plugins.Shadow;

/// <summary>One callback.</summary>
/// <param name="Before">The exchange as the callback found it.</param>
/// <param name="After">As it left it.</param>
internal sealed record RecordedCallback(StreamCallback Callback, bool EndOfStream, ExchangeState Before, HostTape Tape, FilterAction Action, ExchangeState After, FailureKind? Failure);

/// <summary>Of one stream; written by the thread that makes its callbacks.</summary>
internal sealed class ShadowRecording
{
    /// <summary>Longer exchanges are not compared.</summary>
    private const long MaximumBytes = 4 << 20;

    private readonly List<RecordedCallback> _callbacks = [];
    private readonly HttpStream _facts;
    private long _bytes;
    private HostTape? _tape;
    private ExchangeState? _before;

    public ShadowRecording(HttpStream stream) => _facts = FactsOf(stream);

    public IReadOnlyList<RecordedCallback> Callbacks => _callbacks;

    /// <summary>There was more than is kept: it cannot be compared.</summary>
    public bool IsTooLarge { get; private set; }

    /// <summary>A callback is about to be made; dispose of the result when it has returned.</summary>
    public HostTape.Scope Begin(StreamView view)
    {
        _tape = HostTape.Recording();
        if (!IsTooLarge) _before = ExchangeState.Of(view);
        return _tape.Enter();
    }

    public void End(StreamCallback callback, bool endOfStream, FilterAction action, StreamView view, PluginFailure? failure)
    {
        if (IsTooLarge) return;
        var after = ExchangeState.Of(view);
        _bytes += _before!.SizeBytes + after.SizeBytes;
        IsTooLarge = _bytes > MaximumBytes || _tape!.IsOverflowing;
        if (IsTooLarge) _callbacks.Clear();
        else _callbacks.Add(new RecordedCallback(callback, endOfStream, _before, _tape!, action, after, failure?.Kind));
    }

    /// <summary>An exchange for the shadow that knows what the primary's knew.</summary>
    public HttpStream NewStream() => FactsOf(_facts);

    private static HttpStream FactsOf(HttpStream stream) => new()
    {
        Source = stream.Source,
        Destination = stream.Destination,
        Protocol = stream.Protocol,
        RouteName = stream.RouteName,
        UpstreamName = stream.UpstreamName,
        UpstreamAddress = stream.UpstreamAddress,
        StartedAt = stream.StartedAt,
        ConnectionId = stream.ConnectionId,
        TlsVersion = stream.TlsVersion,
        RequestedServerName = stream.RequestedServerName,
        Identity = stream.Identity,
        RequestBodyBytes = stream.RequestBodyBytes,
        ResponseBodyBytes = stream.ResponseBodyBytes,
    };
}
