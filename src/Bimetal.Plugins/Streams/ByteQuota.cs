// Bytes that many streams share: limits.held_bodies.

namespace Bimetal.Plugins.Streams;

/// <summary>Counts bytes up to a limit. Thread-safe.</summary>
public sealed class ByteQuota
{
    private long _usedBytes;

    public long UsedBytes => Interlocked.Read(ref _usedBytes);

    public long LimitBytes { get; set; } = long.MaxValue;

    /// <summary>Takes bytes; false, and nothing taken, when there are not so many left.</summary>
    public bool TryTake(long bytes)
    {
        if (Interlocked.Add(ref _usedBytes, bytes) <= LimitBytes) return true;
        Give(bytes);
        return false;
    }

    public void Give(long bytes) => Interlocked.Add(ref _usedBytes, -bytes);
}
