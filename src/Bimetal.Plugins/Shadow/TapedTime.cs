// The clock of a plugin that has a shadow, and of the shadow: readings inside a callback go onto the tape, or come from it.

namespace Bimetal.Plugins.Shadow;

/// <summary>Timers are those of the clock below.</summary>
internal sealed class TapedTime(TimeProvider time) : TimeProvider
{
    public override long TimestampFrequency => time.TimestampFrequency;

    public override TimeZoneInfo LocalTimeZone => time.LocalTimeZone;

    public override DateTimeOffset GetUtcNow()
    {
        var now = time.GetUtcNow();
        return HostTape.Current is { } tape ? new DateTimeOffset(tape.Clock(isMonotonic: false, now.UtcTicks), TimeSpan.Zero) : now;
    }

    public override long GetTimestamp()
    {
        long now = time.GetTimestamp();
        return HostTape.Current?.Clock(isMonotonic: true, now) ?? now;
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => time.CreateTimer(callback, state, dueTime, period);
}
