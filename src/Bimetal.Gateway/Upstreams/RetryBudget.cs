// Keeps retries from becoming the load: over the last ten seconds they may be a share of the requests, plus a minimum.

using Bimetal.Gateway.Configuration;

namespace Bimetal.Gateway.Upstreams;

/// <summary>
/// Counted over a time, not at one moment: when an endpoint dies under load, all its requests fail at once, and all of them should be sent again, while an
/// upstream that keeps failing gets no more than the share on top. Thread-safe.
/// </summary>
internal sealed class RetryBudget(TimeProvider time)
{
    private const int Seconds = 10;

    private readonly Lock _gate = new();
    private readonly long _startedAt = time.GetTimestamp();
    private readonly long[] _requests = new long[Seconds];
    private readonly long[] _retries = new long[Seconds];
    private long _second;

    public void NoteRequest() => Interlocked.Increment(ref _requests[Slot()]);

    /// <summary>Takes one retry from the budget; false when it is spent.</summary>
    public bool TryTake(RetryBudgetConfig config)
    {
        int slot = Slot();
        lock (_gate)
        {
            if (_retries.Sum() >= (config.Share * _requests.Sum()) + (config.MinimumPerSecond * Seconds)) return false;
            _retries[slot]++;
            return true;
        }
    }

    private int Slot()
    {
        long second = (long)time.GetElapsedTime(_startedAt).TotalSeconds;
        if (second != Volatile.Read(ref _second)) Forget(second);
        return (int)(second % Seconds);
    }

    private void Forget(long second)
    {
        lock (_gate)
        {
            for (long passed = Math.Max(_second + 1, second - Seconds + 1); passed <= second; passed++)
            {
                Interlocked.Exchange(ref _requests[passed % Seconds], 0);
                _retries[passed % Seconds] = 0;
            }

            if (second > _second) Volatile.Write(ref _second, second);
        }
    }
}
