// Moves one message (the request or the response) through the steps of a chain: headers, body, trailers; holds what a step paused on and
// lets it go on when the step continues. It does no I/O: MessagePump feeds it and takes what comes out.
//
//   PushHeaders, PushBody, PushTrailers -> step 0 -> step 1 -> … -> AreHeadersOut, Output, AreTrailersOut, IsEndOut
//
// The response passes the steps in reverse. A step that is paused keeps headers and body; what comes later queues up in its buffer.

using System.Buffers;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Pipeline;

/// <summary>One direction of one exchange. Calls are serialised by the exchange's gate; filters may signal from any thread.</summary>
internal sealed class MessageFlow(ExchangeContext context, bool isRequest)
{
    private ArrayBufferWriter<byte>? _copies;
    private bool _isSliced;
    private bool _wasBodyShown;

    public bool AreHeadersOut { get; private set; }

    public bool AreTrailersOut { get; private set; }

    /// <summary>The whole message is out, but for <see cref="Output"/>.</summary>
    public bool IsEndOut { get; private set; }

    /// <summary>Body bytes that came out; valid until the next push.</summary>
    public ReadOnlySequence<byte> Output { get; private set; }

    public FlowStop? Stop { get; private set; }

    /// <summary>Something waits for a filter.</summary>
    public bool IsHeld => FirstHeld() >= 0;

    /// <summary>More body bytes would reach a filter, or the end of the chain. A filter that paused and does not look at bodies takes none.</summary>
    public bool WantsMore
    {
        get
        {
            int held = FirstHeld();
            return held < 0 || At(held).WantsBody(isRequest);
        }
    }

    /// <summary>Whether the length of the body is, or can become, another one than the sender announced.</summary>
    public bool MayChangeBody
    {
        get
        {
            foreach (ref readonly var step in context.Steps.AsSpan())
            {
                if (step.IsActive && step.WantsBody(isRequest) && step.Stream!.ChangesBody) return true;
            }

            return _wasBodyShown;
        }
    }

    public void PushHeaders(bool endOfStream)
    {
        lock (context.Gate) SendHeaders(0, endOfStream);
    }

    public void PushBody(in ReadOnlySequence<byte> data, bool endOfStream)
    {
        lock (context.Gate) SendBody(0, data, endOfStream);
    }

    public void PushTrailers()
    {
        lock (context.Gate) SendTrailers(0);
    }

    /// <summary>Lets a step go on that signalled; says whether there was one.</summary>
    public bool TryResume()
    {
        for (int index = 0; index < context.Steps.Length; index++)
        {
            ref var step = ref At(index);
            if (step.Stream is not { } filter) continue;
            ref var direction = ref filter.Direction(isRequest);
            if (!direction.TakeSignal() || !direction.IsHeld || step.IsOut) continue;
            lock (context.Gate)
            {
                filter.Refresh(Phase(direction.State == StepState.HeadersHeld));
                if (Judge(ref step, FilterAction.Continue) != Verdict.Stop) Release(index);
            }

            return true;
        }

        return false;
    }

    /// <summary>Time until the first pause that has a limit runs out; null when none has.</summary>
    public TimeSpan? TimeToDeadline()
    {
        TimeSpan? nearest = null;
        foreach (ref readonly var step in context.Steps.AsSpan())
        {
            if (!step.IsActive) continue;
            ref var direction = ref step.Stream!.Direction(isRequest);
            if (!direction.IsHeld || step.Stream.PauseLimit is not { } limit) continue;
            var left = limit - context.Clock.Time.GetElapsedTime(direction.PausedAt);
            if (nearest is null || left < nearest) nearest = left;
        }

        return nearest;
    }

    /// <summary>Ends the pauses whose time is over.</summary>
    public void ExpirePauses()
    {
        for (int index = 0; index < context.Steps.Length && Stop is null; index++)
        {
            ref var step = ref At(index);
            if (!step.IsActive) continue;
            ref var direction = ref step.Stream!.Direction(isRequest);
            if (!direction.IsHeld || step.Stream.PauseLimit is not { } limit || context.Clock.Time.GetElapsedTime(direction.PausedAt) < limit) continue;
            lock (context.Gate)
            {
                step.Stream.OnPauseExpired();
                if (Judge(ref step, FilterAction.Continue) != Verdict.Stop) Release(index);
            }
        }
    }

    /// <summary>The output has been sent.</summary>
    public void ClearOutput()
    {
        Output = default;
        _copies?.ResetWrittenCount();
        _isSliced = false;
    }

    private enum Verdict
    {
        Continue,
        Pause,
        Stop,
    }

    private ref FilterStep At(int index) => ref context.Steps[isRequest ? index : context.Steps.Length - 1 - index];

    private int FirstHeld()
    {
        for (int index = 0; index < context.Steps.Length; index++)
        {
            ref var step = ref At(index);
            if (step.IsActive && step.Stream!.Direction(isRequest).IsHeld) return index;
        }

        return -1;
    }

    private void SendHeaders(int index, bool endOfStream)
    {
        for (; index < context.Steps.Length; index++)
        {
            ref var step = ref At(index);
            if (isRequest && step.Begin(context) is { } error)
            {
                Stop = new FlowStop(step.Filter.Name, null, error);
                return;
            }

            if (step.Stream is null) continue;
            ref var direction = ref step.Stream.Direction(isRequest);
            direction.State = StepState.Flowing;
            if (step.IsOut) continue;
            direction.IsEndSeen = endOfStream;
            var verdict = Judge(ref step, step.OnHeaders(isRequest, endOfStream));
            if (verdict == Verdict.Continue) continue;
            if (verdict == Verdict.Pause) Hold(ref direction, StepState.HeadersHeld);
            return;
        }

        AreHeadersOut = true;
        IsEndOut = endOfStream;
    }

    private void SendBody(int index, ReadOnlySequence<byte> data, bool endOfStream)
    {
        for (; index < context.Steps.Length; index++)
        {
            ref var step = ref At(index);
            if (!step.IsActive || (!step.Stream!.Direction(isRequest).IsHeld && !step.WantsBody(isRequest))) continue;
            SendBodyThrough(index, data, endOfStream);
            return;
        }

        AddOutput(data);
        IsEndOut = endOfStream;
    }

    // The buffer of a step can be smaller than what comes at once, so it gets slices that fit; only what it holds can be too much for it.
    private void SendBodyThrough(int index, ReadOnlySequence<byte> data, bool endOfStream)
    {
        ref var step = ref At(index);
        ref var direction = ref step.Stream!.Direction(isRequest);
        var buffer = step.Buffer(isRequest);
        do
        {
            if (direction.IsHeld && context.Memory.IsFull)
            {
                Stop = new FlowStop(step.Filter.Name, null, ExchangeErrors.MemoryFull);
                return;
            }

            long take = Math.Min(buffer.LimitBytes - buffer.Length, data.Length);
            if ((take == 0 && !data.IsEmpty) || !TryAppend(buffer, data.Slice(0, take)))
            {
                Stop = new FlowStop(step.Filter.Name, null, TooLarge(step.Filter, buffer));
                return;
            }

            _isSliced |= take < data.Length;
            data = data.Slice(take);
            direction.IsEndSeen |= endOfStream && data.IsEmpty;
            if (direction.IsHeld && !step.WantsBody(isRequest)) continue;
            _wasBodyShown |= step.Stream!.ChangesBody;
            var verdict = Judge(ref step, step.OnBody(isRequest, endOfStream && data.IsEmpty));
            if (verdict == Verdict.Stop) return;
            if (verdict == Verdict.Continue) Release(index);
            else if (!direction.IsHeld) Hold(ref direction, StepState.BodyHeld);
            if (step.IsOut && Stop is null && !data.IsEmpty)
            {
                SendBody(index + 1, data, endOfStream);
                return;
            }
        }
        while (!data.IsEmpty && Stop is null);
    }

    private static bool TryAppend(BodyBuffer buffer, ReadOnlySequence<byte> data)
    {
        foreach (var piece in data)
        {
            if (!buffer.TryAppend(piece.Span)) return false;
        }

        return true;
    }

    private void SendTrailers(int index)
    {
        for (; index < context.Steps.Length; index++)
        {
            ref var step = ref At(index);
            if (!step.IsActive) continue;
            ref var direction = ref step.Stream!.Direction(isRequest);
            var verdict = Judge(ref step, step.OnTrailers(isRequest));
            if (verdict == Verdict.Stop) return;
            if (verdict == Verdict.Pause)
            {
                direction.HoldsTrailers = true;
                if (!direction.IsHeld) Hold(ref direction, StepState.BodyHeld);
                return;
            }

            // A body that got longer at its very end goes on before the trailers, held or not.
            if (direction.IsHeld || (isRequest ? step.Stream!.RequestBody : step.Stream!.ResponseBody) is { Length: > 0 }) Release(index);
            if (Stop is not null) return;
        }

        AreTrailersOut = true;
        IsEndOut = true;
    }

    /// <summary>Passes on whatever a step holds; it is called with nothing held, too, after a body callback.</summary>
    private void Release(int index)
    {
        ref var step = ref At(index);
        ref var direction = ref step.Stream!.Direction(isRequest);
        bool heldHeaders = direction.State == StepState.HeadersHeld;
        var buffer = step.Buffer(isRequest);
        bool isEnd = direction.IsEndSeen;
        direction.State = StepState.Flowing;
        if (heldHeaders)
        {
            SendHeaders(index + 1, isEnd && buffer.Length == 0);
            if (Stop is not null || (isEnd && buffer.Length == 0)) return;
        }

        if (buffer.Length > 0 || (isEnd && !IsEndOut)) SendBody(index + 1, new ReadOnlySequence<byte>(buffer.Memory), isEnd);
        buffer.Clear();
        if (!direction.HoldsTrailers || Stop is not null) return;
        direction.HoldsTrailers = false;
        SendTrailers(index + 1);
    }

    private Verdict Judge(ref FilterStep step, FilterAction action)
    {
        var filter = step.Stream!;
        if (filter.Error is not null || filter.IsReset || filter.Answer is not null)
        {
            step.IsOut = true;
            Stop = new FlowStop(step.Filter.Name, filter.Error is null && !filter.IsReset ? filter.Answer : null, filter.Error);
            return Verdict.Stop;
        }

        step.IsOut |= filter.IsBypassed;
        return step.IsOut || action == FilterAction.Continue ? Verdict.Continue : Verdict.Pause;
    }

    private void Hold(ref StepDirection direction, StepState state)
    {
        direction.State = state;
        direction.PausedAt = context.Clock.Time.GetTimestamp();
    }

    private GatewayError TooLarge(Filter filter, BodyBuffer held) => new(
        Phase(areHeaders: false), isRequest ? ErrorSide.Client : ErrorSide.Plugin, ErrorCause.TooLarge, Retryable: false,
        $"{filter.Name}: held more than {(held.IsQuotaUsedUp ? "held_bodies of the plugin leaves" : $"body_buffer ({held.LimitBytes} bytes)")} of the {(isRequest ? "request" : "response")}");

    private ErrorPhase Phase(bool areHeaders)
    {
        if (isRequest) return areHeaders ? ErrorPhase.RequestHeaders : ErrorPhase.RequestBody;
        return areHeaders ? ErrorPhase.ResponseHeaders : ErrorPhase.ResponseBody;
    }

    // Output refers to the input, or to a step's buffer, whose bytes stay until its next append: not before the next push, unless the step
    // got its input in slices.
    private void AddOutput(in ReadOnlySequence<byte> data)
    {
        if (data.IsEmpty) return;
        if (Output.IsEmpty && !_isSliced)
        {
            Output = data;
            return;
        }

        _copies ??= new ArrayBufferWriter<byte>();
        if (_copies.WrittenCount == 0) CopyOutput(Output);
        CopyOutput(data);
        Output = new ReadOnlySequence<byte>(_copies.WrittenMemory);
    }

    private void CopyOutput(in ReadOnlySequence<byte> data)
    {
        foreach (var piece in data) _copies!.Write(piece.Span);
    }
}
