// Feeds a MessageFlow from a body: reads, pushes, waits for paused filters with their deadline. Whoever drives it takes what comes out
// between two steps, so reading never runs ahead of writing.

using System.IO.Pipelines;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Pipeline;

/// <summary>Where the body of a message comes from.</summary>
internal abstract class MessageBody
{
    public abstract PipeReader Reader { get; }

    /// <summary>Known length in bytes, or null.</summary>
    public abstract long? Length { get; }

    /// <summary>Called at the end of the body: fills the trailers and says whether there are any.</summary>
    public abstract bool ReadTrailers(HeaderMap trailers);

    /// <summary>What the exchange ends with when the next bytes take too long.</summary>
    public abstract GatewayError ReadTimeout { get; }

    /// <summary>What a failure to read means.</summary>
    public abstract GatewayError ReadFailure(Exception exception);
}

/// <summary>Drives one direction of one exchange.</summary>
internal sealed class MessagePump(MessageFlow flow, MessageBody? body, HeaderMap trailers, ExchangeClock clock, TimeSpan? idle)
{
    private TaskCompletionSource? _wake;
    private Task<ReadResult>? _pendingRead;
    private SequencePosition? _consumed;
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
        GiveUpOutput();
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
            GiveUpOutput();
            if (_pendingRead is not { } reading) return;
            _pendingRead = null;
            body!.Reader.CancelPendingRead();
            var result = await reading;
            body.Reader.AdvanceTo(result.Buffer.Start);
        }
        catch (Exception)
        {
            // The body ended or broke in the meantime; nobody waits for it any more.
        }
    }

    private void GiveUpOutput()
    {
        flow.ClearOutput();
        if (_consumed is not { } consumed) return;
        _consumed = null;
        body!.Reader.AdvanceTo(consumed);
    }

    private async ValueTask ReadAndPushAsync()
    {
        if (_isInputOver) throw new InvalidOperationException("The message is over, but its end has not come out of the chain.");
        clock.Expect(idle, body!.ReadTimeout);
        ReadResult result;
        try
        {
            result = _pendingRead is { } pending ? await pending : await body.Reader.ReadAsync(clock.Token);
        }
        catch (Exception exception) when (exception is not GatewayException)
        {
            throw new GatewayException(clock.Reason ?? body.ReadFailure(exception), exception);
        }

        _pendingRead = null;
        clock.Rest();
        Push(result);
    }

    private void Push(in ReadResult result)
    {
        _consumed = result.Buffer.End;
        BytesRead += result.Buffer.Length;
        bool isEnd = result.IsCompleted || BytesRead == body!.Length;
        _isInputOver = isEnd;
        _areTrailersNext = isEnd && body!.ReadTrailers(trailers);
        if (!isEnd && result.Buffer.IsEmpty) return;
        if (!_areTrailersNext || !result.Buffer.IsEmpty) flow.PushBody(result.Buffer, isEnd && !_areTrailersNext);
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
            clock.Expect(idle, body!.ReadTimeout);
            _pendingRead ??= body.Reader.ReadAsync(clock.Token).AsTask();
        }
        else
        {
            clock.Rest();
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
        using var noTimer = CancellationTokenSource.CreateLinkedTokenSource(clock.Token);
        var timer = Task.Delay(deadline ?? Timeout.InfiniteTimeSpan, clock.Time, noTimer.Token);
        await (reading is null ? Task.WhenAny(wake, timer) : Task.WhenAny(wake, timer, reading));
        await noTimer.CancelAsync();
        if (clock.Reason is { } reason) throw new GatewayException(reason);
    }
}
