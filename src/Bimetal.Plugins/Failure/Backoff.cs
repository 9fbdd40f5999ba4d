// How long to wait before something that keeps dying is started again.

namespace Bimetal.Plugins.Failure;

/// <summary>Doubles the delay with each death that comes soon after a start, up to a limit. Not thread-safe.</summary>
internal sealed class Backoff(TimeProvider time)
{
    /// <summary>An instance that lived this long starts again without delay.</summary>
    private static readonly TimeSpan s_healthyAfter = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan s_firstDelay = TimeSpan.FromMilliseconds(100);

    private static readonly TimeSpan s_maximumDelay = TimeSpan.FromSeconds(30);

    private long _startedAt = time.GetTimestamp();
    private TimeSpan _delay;

    public void Started() => _startedAt = time.GetTimestamp();

    /// <summary>The delay before the next start, after a death or a start that failed.</summary>
    public TimeSpan Next()
    {
        if (time.GetElapsedTime(_startedAt) >= s_healthyAfter)
        {
            _delay = TimeSpan.Zero;
            return _delay;
        }

        var current = _delay;
        _delay = current == TimeSpan.Zero ? s_firstDelay : TimeSpan.FromTicks(Math.Min(2 * current.Ticks, s_maximumDelay.Ticks));
        return current;
    }
}
