// The clock of a case: real time stands still at what the case says, so that a token which is valid today is valid in ten years. Monotonic
// time is the system's.

namespace Bimetal.Plugins.Bundles.Cases;

/// <summary>A settable clock. Set it while no callback runs.</summary>
public sealed class CaseClock : TimeProvider
{
    private long _utcTicks = CaseReader.DefaultClock.UtcTicks;

    public override DateTimeOffset GetUtcNow() => new(Volatile.Read(ref _utcTicks), TimeSpan.Zero);

    public void Set(DateTimeOffset now) => Volatile.Write(ref _utcTicks, now.UtcTicks);
}
