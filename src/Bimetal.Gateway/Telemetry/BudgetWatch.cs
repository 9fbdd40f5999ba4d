// A latency budget while the gateway runs: what a route's chain or one plugin took, of the exchanges that are timed, against what it may take. It warns
// when more of them than chance explains are over: of a window of them, so that an old bad hour does not hide a good one.

using Bimetal.Plugins;
using Microsoft.Extensions.Logging;

namespace Bimetal.Gateway.Telemetry;

/// <summary>Thread-safe; outlives the model, so that a reload does not forget what was measured.</summary>
internal sealed class BudgetWatch(string what, TimeSpan budget, TimeProvider time, ILogger log)
{
    /// <summary>Exchanges that are judged together.</summary>
    public const int WindowSize = 200;

    /// <summary>
    /// So many of them over the budget mean a p99 over the budget: were one in a hundred over, six or more of <see cref="WindowSize"/> would be in fewer than one
    /// window of fifty.
    /// </summary>
    public const int WarnFrom = 6;

    private static readonly TimeSpan BetweenWarnings = TimeSpan.FromMinutes(1);

    private readonly Lock _gate = new();
    private int _inWindow;
    private int _overInWindow;
    private long _over;
    private long? _lastWarningAt;
    private volatile bool _isExceeded;

    public TimeSpan Budget => budget;

    /// <summary>All that was timed.</summary>
    public TimeHistogram Times { get; } = new();

    /// <summary>Timed exchanges that took longer than the budget.</summary>
    public long Over => Interlocked.Read(ref _over);

    /// <summary>The last whole window said that the p99 is over the budget.</summary>
    public bool IsExceeded => _isExceeded;

    public void Record(TimeSpan took)
    {
        Times.Record((long)took.TotalNanoseconds);
        bool isOver = took > budget;
        if (isOver) Interlocked.Increment(ref _over);
        lock (_gate)
        {
            if (isOver) _overInWindow++;
            if (++_inWindow < WindowSize) return;
            _isExceeded = _overInWindow >= WarnFrom;
            if (_isExceeded && (_lastWarningAt is not { } last || time.GetElapsedTime(last) >= BetweenWarnings))
            {
                _lastWarningAt = time.GetTimestamp();
                GatewayLog.BudgetPassed(log, what, _overInWindow, WindowSize, budget.TotalMicroseconds, Times.QuantileMicroseconds(0.99));
            }

            (_inWindow, _overInWindow) = (0, 0);
        }
    }
}
