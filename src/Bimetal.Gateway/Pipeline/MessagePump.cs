// Feeds a MessageFlow from a body: reads, pushes, waits for paused filters with their deadline. Whoever drives it takes what comes out
// between two steps, so reading never runs ahead of writing.

using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Pipeline;

/// <summary>Drives one direction of one exchange.</summary>
internal sealed class MessagePump(ExchangeContext context, MessageFlow flow, bool isRequest, MessageBody? body)
{
    private TaskCompletionSource? _wake;
    private Task<BodyPiece>? _pendingRead;
    private bool _isInputOver = body is null;
    private bool _areTrailersNext;

    public long BytesRead { get; private set; }

    /// <summary>Called by a filter on any thread.</summary>
    public void Wake() => Volatile.Read(ref _wake)?.TrySetResult();

    /// <summary>
    /// Makes one step: lets a filter go on, or reads and pushes, or waits. The output of the step before is given up. Not to be called when
    /// the end is out or the flow is stopped.
    /// </summary>
    public ValueTask StepAsync()
    {
        flow.ClearOutput();
        if (flow.TryResume()) return ValueTask.CompletedTask;
        if (flow.IsHeld) return StepWhileHeldAsync();
        if (!_areTrailersNext) return ReadAndPushAsync();
        _areTrailersNext = false;
        flow.PushTrailers();
        return ValueTask.CompletedTask;
    }

    /// <summary>Ends reading; nothing is pushed afterwards. Never throws.</summary>
    public async ValueTask StopAsync()
    {
        try
        {
            flow.ClearOutput();
            body?.CancelRead();
            if (_pendingRead is not { } reading) return;
            _pendingRead = null;
            await reading;
        }
        catch (Exception)
        {
            // Cancelled, or the body ended or broke in the meantime; nobody waits for it any more.
        }
    }

    private async ValueTask ReadAndPushAsync()
    {
        if (_isInputOver) throw new InvalidOperationException("The message is over, but its end has not come out of the chain.");
        context.Clock.Expect(isRequest, context.Idle, body!.ReadTimeout);
        BodyPiece piece;
        try
        {
            piece = _pendingRead is { } pending ? await pending : await body.ReadAsync(context.Clock.Token);
        }
        catch (Exception exception) when (exception is not GatewayException)
        {
            throw new GatewayException(context.Clock.Reason ?? body.ReadFailure(exception), exception);
        }

        _pendingRead = null;
        context.Clock.Rest(isRequest);
        Push(piece);
    }

    private void Push(in BodyPiece piece)
    {
        BytesRead += piece.Data.Length;
        bool isEnd = piece.IsEnd || BytesRead == body!.Length;
        _isInputOver = isEnd;
        if (isEnd && isRequest) context.Clock.RequestIsOver();
        _areTrailersNext = isEnd && body!.ReadTrailers(isRequest ? context.Stream.RequestTrailers : context.Stream.ResponseTrailers);
        if (!isEnd && piece.Data.IsEmpty) return;
        if (!_areTrailersNext || !piece.Data.IsEmpty) flow.PushBody(piece.Data, isEnd && !_areTrailersNext);
    }

    private async ValueTask StepWhileHeldAsync()
    {
        var wake = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Volatile.Write(ref _wake, wake);
        if (flow.TryResume()) return; // it signalled before it could wake
        if (_areTrailersNext)
        {
            _areTrailersNext = false;
            flow.PushTrailers();
            return;
        }

        bool reads = !_isInputOver && flow.WantsMore;
        if (reads)
        {
            context.Clock.Expect(isRequest, context.Idle, body!.ReadTimeout);
            _pendingRead ??= body.ReadAsync(context.Clock.Token).AsTask();
        }
        else
        {
            context.Clock.Rest(isRequest);
        }

        await WaitAsync(wake.Task, reads ? _pendingRead : null, flow.TimeToDeadline());
        Volatile.Write(ref _wake, null);
        if (flow.TryResume()) return;
        flow.ExpirePauses();
        if (flow.Stop is null && flow.IsHeld && reads && _pendingRead!.IsCompleted) await ReadAndPushAsync();
    }

    private async ValueTask WaitAsync(Task wake, Task? reading, TimeSpan? deadline)
    {
        if (deadline <= TimeSpan.Zero) return;
        using var noTimer = CancellationTokenSource.CreateLinkedTokenSource(context.Clock.Token);
        var timer = Task.Delay(deadline ?? Timeout.InfiniteTimeSpan, context.Clock.Time, noTimer.Token);
        await (reading is null ? Task.WhenAny(wake, timer) : Task.WhenAny(wake, timer, reading));
        await noTimer.CancelAsync();
        if (context.Clock.Reason is { } reason) throw new GatewayException(reason);
    }
}
