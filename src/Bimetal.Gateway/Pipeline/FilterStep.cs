// One filter's place in the chain of one exchange. What it holds back of a message is in its stream (StepDirection); MessageFlow moves messages
// through the steps.

using Bimetal.Gateway.Limits;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Pipeline;

/// <summary>How far a message has come at one step.</summary>
internal enum StepState : byte
{
    /// <summary>The filter has not seen the headers.</summary>
    Unseen,

    /// <summary>It holds the headers, and what came of the body since.</summary>
    HeadersHeld,

    /// <summary>It passed the headers on and holds nothing.</summary>
    Flowing,

    /// <summary>It passed the headers on and holds body bytes, trailers or both.</summary>
    BodyHeld,
}

/// <summary>One direction of one step.</summary>
internal struct StepDirection
{
    public StepState State;

    /// <summary>The filter was told that nothing follows.</summary>
    public bool IsEndSeen;

    /// <summary>The trailers came and wait at this step.</summary>
    public bool HoldsTrailers;

    /// <summary>Timestamp of the time provider when the pause began.</summary>
    public long PausedAt;

    /// <summary>Holds bytes for a filter that paused but has no buffer of its own.</summary>
    public BodyBuffer? SpareBuffer;

    private int _isSignalled;

    public readonly bool IsHeld => State is StepState.HeadersHeld or StepState.BodyHeld;

    /// <summary>Set by the filter's thread, taken by the pump's.</summary>
    public void Signal() => Volatile.Write(ref _isSignalled, 1);

    public bool TakeSignal() => Volatile.Read(ref _isSignalled) != 0 && Interlocked.Exchange(ref _isSignalled, 0) != 0;
}

/// <summary>A filter in one exchange: an element of <see cref="ExchangeContext.Steps"/>, used by reference.</summary>
internal struct FilterStep(Filter filter)
{
    public Filter Filter { get; } = filter;

    /// <summary>Null before the request's headers came here, and for a filter that could not begin.</summary>
    public FilterStream? Stream { get; private set; }

    /// <summary>No further callback but the log: it failed open, or it gave the answer that is on its way.</summary>
    public bool IsOut { get; set; }

    /// <summary>False: no callbacks are made at this step.</summary>
    public readonly bool IsActive => Stream is not null && !IsOut;

    /// <summary>Whether <see cref="TookTicks"/> and <see cref="FirstAt"/> are wanted; otherwise no clock is read.</summary>
    public bool IsTimed { get; set; }

    /// <summary>Time in callbacks of both directions, in ticks of the stopwatch; pauses do not count.</summary>
    public long TookTicks { get; private set; }

    /// <summary>Timestamp of the filter's beginning.</summary>
    public long FirstAt { get; private set; }

    /// <summary>Begins the filter; with an error the exchange is answered with it.</summary>
    public GatewayError? Begin(ExchangeContext exchange)
    {
        long started = Start();
        Stream = Filter.Begin(exchange.Stream, out var error);
        FirstAt = started;
        Stop(started);
        if (Stream is null) return error;
        Stream.JoinExchange(exchange);
        return null;
    }

    public readonly bool WantsBody(bool isRequest) => isRequest ? Stream!.WantsRequestBody : Stream!.WantsResponseBody;

    public readonly BodyBuffer Buffer(bool isRequest)
    {
        var own = isRequest ? Stream!.RequestBody : Stream!.ResponseBody;
        if (own is not null) return own;
        ref var direction = ref Stream.Direction(isRequest);
        return direction.SpareBuffer ??= new BodyBuffer(GatewayLimits.HeldBodyBytes);
    }

    public FilterAction OnHeaders(bool isRequest, bool endOfStream)
    {
        long started = Start();
        var action = isRequest ? Stream!.OnRequestHeaders(endOfStream) : Stream!.OnResponseHeaders(endOfStream);
        Stop(started);
        return action;
    }

    public FilterAction OnBody(bool isRequest, bool endOfStream)
    {
        long started = Start();
        var action = isRequest ? Stream!.OnRequestBody(endOfStream) : Stream!.OnResponseBody(endOfStream);
        Stop(started);
        return action;
    }

    public FilterAction OnTrailers(bool isRequest)
    {
        long started = Start();
        var action = isRequest ? Stream!.OnRequestTrailers() : Stream!.OnResponseTrailers();
        Stop(started);
        return action;
    }

    private readonly long Start() => IsTimed ? System.Diagnostics.Stopwatch.GetTimestamp() : 0;

    private void Stop(long started)
    {
        if (IsTimed) TookTicks += System.Diagnostics.Stopwatch.GetTimestamp() - started;
    }
}
