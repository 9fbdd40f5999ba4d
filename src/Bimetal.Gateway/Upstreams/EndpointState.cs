// What is known of one endpoint: how busy it is, how it has been doing, whether it is taken out. Lives across reloads and across models.

using Bimetal.Gateway.Configuration;

namespace Bimetal.Gateway.Upstreams;

/// <summary>What an event did to an endpoint.</summary>
internal enum HealthChange
{
    None,
    Ejected,
    TurnedUnhealthy,
    TurnedHealthy,
}

/// <summary>Thread-safe.</summary>
internal sealed class EndpointState(UpstreamEndpoint endpoint, TimeProvider time)
{
    private readonly Lock _gate = new();
    private int _active;
    private long _requests;
    private long _failures;
    private long _ejections;
    private int _failuresInRow;
    private int _ejectionsInRow;
    private int _checksInRow;
    private long _ejectedUntil;
    private long _lastEject;
    private volatile bool _isUnhealthy;

    public UpstreamEndpoint Endpoint => endpoint;

    /// <summary>Tries under way, until the end of their response.</summary>
    public int Active => Volatile.Read(ref _active);

    /// <summary>Tries that were begun.</summary>
    public long Requests => Interlocked.Read(ref _requests);

    /// <summary>Tries that count as failures for passive health.</summary>
    public long Failures => Interlocked.Read(ref _failures);

    public long Ejections => Interlocked.Read(ref _ejections);

    /// <summary>The active checks say no.</summary>
    public bool IsUnhealthy => _isUnhealthy;

    /// <summary>What the last active check came to; empty before the first.</summary>
    public string LastCheck { get; private set; } = "";

    /// <summary>Time until an ejection ends, or zero.</summary>
    public TimeSpan EjectedFor
    {
        get
        {
            long until = Interlocked.Read(ref _ejectedUntil);
            return until == 0 ? TimeSpan.Zero : Positive(time.GetElapsedTime(time.GetTimestamp(), until));
        }
    }

    public bool IsAvailable(long now)
    {
        // Zero means never ejected: the clock may begin anywhere.
        long until = Interlocked.Read(ref _ejectedUntil);
        return !_isUnhealthy && (until == 0 || now >= until);
    }

    /// <summary>Counts a try in; false when <paramref name="limit"/> are under way.</summary>
    public bool TryBegin(int? limit)
    {
        while (true)
        {
            int active = Volatile.Read(ref _active);
            if (active >= (limit ?? int.MaxValue)) return false;
            if (Interlocked.CompareExchange(ref _active, active + 1, active) != active) continue;
            Interlocked.Increment(ref _requests);
            return true;
        }
    }

    public void End() => Interlocked.Decrement(ref _active);

    public void NoteSuccess()
    {
        if (Volatile.Read(ref _failuresInRow) == 0 && Volatile.Read(ref _ejectionsInRow) == 0) return;
        lock (_gate)
        {
            _failuresInRow = 0;

            // Who does well for as long as the last ejection lasted begins anew; who fails before is ejected for longer.
            long probationEnd = _ejectedUntil + _lastEject;
            if (_ejectionsInRow > 0 && time.GetTimestamp() >= probationEnd) _ejectionsInRow = 0;
        }
    }

    public HealthChange NoteFailure(PassiveHealthConfig config)
    {
        Interlocked.Increment(ref _failures);
        lock (_gate)
        {
            if (++_failuresInRow < config.Failures || EjectedFor > TimeSpan.Zero) return HealthChange.None;
            double doubled = config.Eject.TotalSeconds * Math.Pow(2, Math.Min(_ejectionsInRow++, 30));
            double seconds = Math.Min(doubled, Math.Max(config.MaximumEject.TotalSeconds, config.Eject.TotalSeconds));
            _lastEject = (long)(seconds * time.TimestampFrequency);
            Interlocked.Exchange(ref _ejectedUntil, time.GetTimestamp() + _lastEject);
            Interlocked.Increment(ref _ejections);

            // On probation: the next failure after the ejection is enough for another one.
            _failuresInRow = Math.Max(config.Failures - 1, 1);
            return HealthChange.Ejected;
        }
    }

    /// <param name="result">For people, such as <c>status 200</c>.</param>
    public HealthChange NoteCheck(ActiveHealthConfig config, bool succeeded, string result)
    {
        lock (_gate)
        {
            LastCheck = result;
            if (succeeded != _isUnhealthy)
            {
                _checksInRow = 0;
                return HealthChange.None;
            }

            if (++_checksInRow < (succeeded ? config.Healthy : config.Unhealthy)) return HealthChange.None;
            _checksInRow = 0;
            _isUnhealthy = !succeeded;
            if (!succeeded) return HealthChange.TurnedUnhealthy;
            ForgetEjections();
            return HealthChange.TurnedHealthy;
        }
    }

    /// <summary>Active checks are no longer configured: nobody would find the endpoint healthy again.</summary>
    public void ForgetChecks()
    {
        lock (_gate)
        {
            _isUnhealthy = false;
            _checksInRow = 0;
            LastCheck = "";
        }
    }

    private void ForgetEjections()
    {
        _failuresInRow = 0;
        _ejectionsInRow = 0;
        Interlocked.Exchange(ref _ejectedUntil, 0);
    }

    private static TimeSpan Positive(TimeSpan span) => span > TimeSpan.Zero ? span : TimeSpan.Zero;
}
