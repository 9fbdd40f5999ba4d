// Calls proxy_on_tick periodically. A tick that is still running when the next is due makes that one be left out.

namespace Bimetal.Plugins.Instances;

/// <summary>A timer with a period that the plugin sets. Thread-safe.</summary>
internal sealed class TickTimer : IDisposable
{
    /// <summary>Shorter periods are raised to this: after a tick the snapshot is taken anew.</summary>
    private const uint MinimumPeriodMs = 10;

    private readonly Action _tick;
    private readonly Action<Exception> _report;
    private readonly ITimer _timer;
    private int _isTicking;

    /// <param name="tick">Makes a tick.</param>
    /// <param name="report">Gets what a tick throws: nothing may escape on a timer's thread.</param>
    public TickTimer(TimeProvider time, Action tick, Action<Exception> report)
    {
        _tick = tick;
        _report = report;
        _timer = time.CreateTimer(_ => Run(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Sets the period; 0 stops.</summary>
    public void SetPeriod(uint periodMs)
    {
        var period = periodMs == 0 ? Timeout.InfiniteTimeSpan : TimeSpan.FromMilliseconds(Math.Max(periodMs, MinimumPeriodMs));
        _timer.Change(period, period);
    }

    public void Dispose() => _timer.Dispose();

    private void Run()
    {
        if (Interlocked.Exchange(ref _isTicking, 1) != 0) return;
        try
        {
            _tick();
        }
        catch (Exception exception)
        {
            _report(exception);
        }
        finally
        {
            Volatile.Write(ref _isTicking, 0);
        }
    }
}
