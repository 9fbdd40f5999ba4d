// What the linear memories of many instances may have together. A memory counts with its length, written or not: what a guest could write without
// asking again is what the process must be able to hold.

namespace Bimetal.Wasm.Runtime;

/// <summary>Bytes that memories share. Thread-safe.</summary>
public sealed class MemoryAllowance
{
    private long _usedBytes;
    private long _limitBytes = long.MaxValue;

    /// <summary>Memories that are there already stay when it becomes smaller.</summary>
    public long LimitBytes
    {
        get => Volatile.Read(ref _limitBytes);
        set => Volatile.Write(ref _limitBytes, value);
    }

    public long UsedBytes => Interlocked.Read(ref _usedBytes);

    internal bool TryTake(ulong bytes)
    {
        if (Interlocked.Add(ref _usedBytes, (long)bytes) <= LimitBytes || bytes == 0) return true;
        GiveBack(bytes);
        return false;
    }

    internal void GiveBack(ulong bytes) => Interlocked.Add(ref _usedBytes, -(long)bytes);
}
