// The one timer of an exchange: whoever waits says for what and how long at most; when it fires, or the client goes away, the exchange's
// token is cancelled and Reason says why.

namespace Bimetal.Gateway.Pipeline;

/// <summary>Owns the cancellation of one exchange. Only <see cref="ClientGone"/> is called by other threads.</summary>
internal sealed class ExchangeClock(TimeProvider time) : IDisposable
{
    private readonly Lock _gate = new();
    private CancellationTokenSource _source = new(Timeout.InfiniteTimeSpan, time);
    private GatewayError? _expected;
    private bool _isClientGone;

    public TimeProvider Time => time;

    public CancellationToken Token => _source.Token;

    /// <summary>Why <see cref="Token"/> is cancelled; null while it is not.</summary>
    public GatewayError? Reason
    {
        get
        {
            if (!_source.IsCancellationRequested) return null;
            return _isClientGone ? ExchangeErrors.ClientGone : _expected;
        }
    }

    /// <summary>From now on at most <paramref name="limit"/> may pass until the next call; then the exchange ends with <paramref name="error"/>.</summary>
    public void Expect(TimeSpan? limit, GatewayError error)
    {
        if (_source.IsCancellationRequested) return;
        _expected = error;
        _source.CancelAfter(limit ?? Timeout.InfiniteTimeSpan);
    }

    /// <summary>Nothing is waited for that could take too long.</summary>
    public void Rest()
    {
        if (!_source.IsCancellationRequested) _source.CancelAfter(Timeout.InfiniteTimeSpan);
    }

    /// <summary>After a timeout: a new token, under which it can be answered. Without effect when the client is gone.</summary>
    public void Renew()
    {
        lock (_gate)
        {
            if (!_source.IsCancellationRequested || _isClientGone) return;
            _source.Dispose();
            _source = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
        }
    }

    /// <summary>Ends the exchange now.</summary>
    public void ClientGone()
    {
        CancellationTokenSource source;
        lock (_gate)
        {
            _isClientGone = true;
            source = _source;
        }

        try
        {
            source.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The exchange ended at the same moment: there is nothing left to cancel.
        }
    }

    public void Dispose() => _source.Dispose();
}
