// A clock that stands still until a test moves it.

namespace Bimetal.Gateway.Tests.Support;

internal sealed class TestClock : TimeProvider
{
    private long _nowNs = 1_000_000_000_000;

    public override long TimestampFrequency => 1_000_000_000;

    public override long GetTimestamp() => Volatile.Read(ref _nowNs);

    public override DateTimeOffset GetUtcNow() => DateTimeOffset.UnixEpoch.AddYears(56).AddTicks(GetTimestamp() / 100);

    public void Move(TimeSpan time) => Interlocked.Add(ref _nowNs, (long)time.TotalNanoseconds);
}
