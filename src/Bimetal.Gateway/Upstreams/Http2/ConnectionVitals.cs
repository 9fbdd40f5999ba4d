// Whether an HTTP/2 connection to an upstream still serves: the other side is there, and what it sends is of use to somebody.

using Bimetal.Gateway.Http2;
using Bimetal.Gateway.Limits;
using Bimetal.Gateway.Transport;

namespace Bimetal.Gateway.Upstreams.Http2;

/// <summary>Used by the thread of its loop.</summary>
/// <param name="ask">Asks the other side for a sign of life.</param>
/// <param name="end">Ends the connection: there was none.</param>
internal sealed class ConnectionVitals(EventLoop loop, Action ask, Action end)
{
    private CallbackDeadline? _answer;
    private long _heardAtMs = loop.NowMs;
    private long _countedSinceMs;
    private int _idleFrames;

    /// <summary>The other side was asked whether it is there, and has not said anything since.</summary>
    public bool IsInDoubt { get; private set; }

    /// <summary>Bytes have come.</summary>
    public void Heard()
    {
        _heardAtMs = loop.NowMs;
        if (!IsInDoubt) return;
        IsInDoubt = false;
        _answer?.Clear();
    }

    /// <summary>
    /// A request was given up without an answer. When nothing else has come for a while either, the other side may be gone without a word, and every
    /// further request would be lost to it.
    /// </summary>
    public void Unanswered()
    {
        long limitMs = (long)GatewayLimits.UpstreamSilence.TotalMilliseconds;
        if (IsInDoubt || loop.NowMs - _heardAtMs < limitMs) return;
        IsInDoubt = true;
        if (_answer is null) loop.Add(_answer = new CallbackDeadline(end), isCoarse: true);
        _answer.Set(loop.NowMs + limitMs);
        ask();
    }

    /// <summary>A frame has come.</summary>
    /// <exception cref="Http2FormatException">Too many came that nobody has use for.</exception>
    public void CountFrame()
    {
        if (++_idleFrames <= GatewayLimits.UpstreamIdleFrames) return;
        if (loop.NowMs - _countedSinceMs < GatewayLimits.UpstreamIdleFramesPeriod.TotalMilliseconds)
            throw new Http2FormatException(Http2Error.EnhanceYourCalm, $"more than {GatewayLimits.UpstreamIdleFrames} frames without use");
        Progress();
    }

    /// <summary>A part of a response has come, or of a request has left.</summary>
    public void Progress()
    {
        _idleFrames = 0;
        _countedSinceMs = loop.NowMs;
    }

    /// <summary>The connection is over.</summary>
    public void End() => _answer?.Leave();
}
