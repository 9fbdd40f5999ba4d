// The time limits of an exchange: whoever waits says for what and how long at most; when that has passed, or the client goes away, the
// exchange's token is cancelled and Reason says why. Request and response have a limit each, because both can move at once.

using Bimetal.Gateway.Listeners;
using Bimetal.Gateway.Transport;

namespace Bimetal.Gateway.Pipeline;

/// <summary>Owns the cancellation of one exchange. Used by the thread of the exchange's loop.</summary>
internal sealed class ExchangeClock : LoopDeadline, IDisposable
{
    private readonly EventLoop _loop;
    private CancellationTokenSource _source = new();
    private Wait _request = new() { DueMs = long.MaxValue };
    private Wait _response = new() { DueMs = long.MaxValue };
    private Wait _whole = new() { DueMs = long.MaxValue };
    private Wait _upload = new() { DueMs = long.MaxValue };
    private GatewayError? _reason;

    public ExchangeClock(EventLoop loop, TimeProvider time)
    {
        _loop = loop;
        Time = time;
        loop.Add(this, isCoarse: false);
    }

    public TimeProvider Time { get; }

    /// <summary>What waits for the client; ended together with <see cref="Token"/>. Null: nothing does.</summary>
    public ClientExchange? Waiting { get; set; }

    public CancellationToken Token => _source.Token;

    /// <summary>Why <see cref="Token"/> is cancelled; null while it is not.</summary>
    public GatewayError? Reason => _source.IsCancellationRequested ? _reason : null;

    /// <summary>From now on at most <paramref name="limit"/> may pass until the next call for this direction; then the exchange ends with <paramref name="error"/>.</summary>
    public void Expect(bool isRequest, TimeSpan? limit, GatewayError error)
    {
        ref var wait = ref Of(isRequest);
        wait.Error = error;
        wait.DueMs = limit is { } time ? _loop.NowMs + (long)time.TotalMilliseconds : long.MaxValue;
        SetDue();
    }

    /// <summary>Nothing is waited for in this direction that could take too long.</summary>
    public void Rest(bool isRequest)
    {
        Of(isRequest).DueMs = long.MaxValue;
        SetDue();
    }

    /// <summary>From now on the exchange as a whole has this time; then it ends with <paramref name="error"/>, whatever is waited for.</summary>
    public void Limit(TimeSpan? total, GatewayError error)
    {
        if (total is not { } limit) return;
        _whole = new Wait { DueMs = _loop.NowMs + (long)limit.TotalMilliseconds, Error = error };
        SetDue();
    }

    /// <summary>From now on the request's body has this time, until <see cref="RequestIsOver"/>.</summary>
    public void LimitRequest(TimeSpan? total)
    {
        if (total is not { } limit) return;
        _upload = new Wait { DueMs = _loop.NowMs + (long)limit.TotalMilliseconds, Error = ExchangeErrors.RequestTimeout };
        SetDue();
    }

    /// <summary>The whole body has come.</summary>
    public void RequestIsOver() => _upload.DueMs = long.MaxValue;

    /// <summary>After a timeout: a new token, under which it can be answered, or tried again. Without effect when the client is gone.</summary>
    public void Renew()
    {
        Rest(isRequest: true);
        Rest(isRequest: false);
        if (!_source.IsCancellationRequested || _reason == ExchangeErrors.ClientGone) return;
        _source.Dispose();
        _source = new CancellationTokenSource();
        if (ReferenceEquals(_reason, _whole.Error)) _whole.DueMs = long.MaxValue;
        if (ReferenceEquals(_reason, _upload.Error)) _upload.DueMs = long.MaxValue;
        _reason = null;
        SetDue();
    }

    /// <summary>Ends the exchange now.</summary>
    public void ClientGone() => End(ExchangeErrors.ClientGone);

    public void Dispose()
    {
        Leave();
        Waiting = null;
        _source.Dispose();
    }

    protected internal override void OnDue()
    {
        long now = _loop.NowMs;
        if (now >= _whole.DueMs) End(_whole.Error!);
        else if (now >= _upload.DueMs) End(_upload.Error!);
        else if (now >= _request.DueMs) End(_request.Error!);
        else if (now >= _response.DueMs) End(_response.Error!);
        else SetDue();
    }

    private void SetDue() => DueMs = Math.Min(Math.Min(_whole.DueMs, _upload.DueMs), Math.Min(_request.DueMs, _response.DueMs));

    private ref Wait Of(bool isRequest)
    {
        if (isRequest) return ref _request;
        return ref _response;
    }

    private void End(GatewayError reason)
    {
        if (_source.IsCancellationRequested) return;
        _reason = reason;
        DueMs = long.MaxValue;
        var source = _source;
        source.Cancel();

        // What waited for the token may have gone on meanwhile, up to the end of the exchange: then the client waits for something else.
        if (ReferenceEquals(source, _source)) Waiting?.Interrupt();
    }

    private struct Wait
    {
        public long DueMs;
        public GatewayError? Error;
    }
}
