// Clones of one snapshot: rented fresh, reset when they come back.

using Bimetal.Wasm.Abi;

namespace Bimetal.Wasm.Runtime;

/// <summary>A pool of clones. Thread-safe.</summary>
public sealed unsafe class InstancePool : IDisposable
{
    /// <summary>
    /// Written pages (of the system) that an idle clone keeps, to be overwritten at each reset. Overwriting costs a small part of the
    /// page fault that giving a page up would cost the next request; beyond this the memory of rare large requests goes back.
    /// </summary>
    public const uint MaximumWarmPages = 512;

    // Written pages that nobody writes any more are found only by looking for all: after so many granules were copied back, a reset
    // without any counting as one. A small request writes ten or so, and looking takes two microseconds; a large one is soon followed.
    private const ulong GranulesBetweenScans = 65_536;

    private readonly NearObjects<Instance> _near = new();
    private readonly Lock _gate = new();
    private readonly Snapshot _snapshot;
    private readonly int _maximumInstances;
    private readonly Stack<Instance> _idle = new();    // all others that nobody has
    private readonly MemoryImage? _image;
    private int _count;
    private volatile bool _isDisposed;

    /// <param name="snapshot">What every instance is a clone of; it may be disposed before the pool.</param>
    /// <param name="maximumInstances">Instances, rented and idle together.</param>
    public InstancePool(Snapshot snapshot, int maximumInstances)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maximumInstances);
        _snapshot = snapshot;
        _maximumInstances = maximumInstances;
        _image = snapshot.Image?.AddReference();
    }

    /// <summary>Whether the pool has ended: it rents nothing out any more.</summary>
    public bool IsDisposed => _isDisposed;

    /// <summary>Instances that exist.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Those that are rented, or being made or reset.</summary>
    public int RentedCount
    {
        get
        {
            lock (_gate) return Math.Max(0, _count - _idle.Count - _near.Count);
        }
    }

    /// <summary>A fresh instance, or null when all <c>maximumInstances</c> are rented or the pool has ended.</summary>
    /// <exception cref="InstanceLimitException">The process has no room for another instance.</exception>
    public Instance? TryRent() => _near.TryTake() is { } near ? RentOut(near) : TryRentElsewhere();

    /// <summary>Makes instances ahead of requests until the pool holds <paramref name="count"/> of them, at most its maximum.</summary>
    /// <exception cref="InstanceLimitException">The process has no room for another instance.</exception>
    public void Prepare(int count)
    {
        count = Math.Min(count, _maximumInstances);
        while (TryMake(count) is { } clone) Keep(clone);
    }

    /// <summary>Resets an instance and takes it back, also after a trap. Call it after the answer was sent.</summary>
    /// <returns>
    /// Pages (of the system) that the instance had written since their memory was last given up; where its code marks what it writes,
    /// those of this rental alone, as far as they were copied back.
    /// </returns>
    /// <exception cref="ArgumentException">The instance was not rented here, or was returned before.</exception>
    public long Return(Instance instance)
    {
        if (!instance.IsDisposed && instance.GroupRecord->Owner != null) throw new InvalidOperationException("An instance cannot be returned while a guest runs in it.");
        if (!ReferenceEquals(instance.Pool, this) || !instance.TryEndRental())
            throw new ArgumentException("The instance is not one that this pool has rented out.", nameof(instance));
        if (instance.CloneRecord is not null && !instance.HasOtherChanges && instance.GranulesSinceScan < GranulesBetweenScans && !instance.IsDisposed && !_isDisposed)
        {
            ulong granuleCount = Shim.CloneRestore(instance.CloneRecord);
            if (granuleCount == ulong.MaxValue) granuleCount = Shim.CloneRestoreAll(instance.CloneRecord);
            instance.GranulesSinceScan += granuleCount + 1;
            Keep(instance);
            return PagesOf(granuleCount);
        }

        return ReturnAfterOtherChanges(instance);
    }

    private long ReturnAfterOtherChanges(Instance instance)
    {
        long pageCount = 0;
        bool isReset = false;
        try
        {
            isReset = !_isDisposed && !instance.IsDisposed && TryRestore(instance, out pageCount);
            if (isReset) _snapshot.Reset(instance);
        }
        finally
        {
            // An instance that could not be reset is never used again.
            if (isReset) Keep(instance);
            else Free(instance);
        }

        return pageCount;
    }

    /// <summary>Ends the pool; instances that are still rented are freed when they are returned.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_isDisposed) return;
            _isDisposed = true;
        }

        FreeIdle();
        _image?.Release();
    }

    private Instance? TryRentElsewhere()
    {
        lock (_gate)
        {
            if (_idle.TryPop(out var idle)) return RentOut(idle);
        }

        // What other threads have is dear, but not as dear as a new one.
        var clone = _near.TryTakeAny() ?? TryMake(_maximumInstances);
        return clone is null ? null : RentOut(clone);
    }

    /// <summary>Makes an instance unless there are that many already.</summary>
    private Instance? TryMake(int maximumCount)
    {
        MemoryImage? image;
        lock (_gate)
        {
            if (_isDisposed || _count >= maximumCount) return null;
            _count++;
            image = _image?.AddReference();
        }

        Instance? clone = null;
        try
        {
            return clone = _snapshot.Clone(this, image);
        }
        finally
        {
            image?.Release();
            if (clone is null) Interlocked.Decrement(ref _count);
        }
    }

    private void Keep(Instance instance)
    {
        if (!_near.TryKeep(instance))
        {
            lock (_gate) _idle.Push(instance);
        }

        // The pool may have ended since its idle instances were freed.
        if (_isDisposed) FreeIdle();
    }

    private void FreeIdle()
    {
        while (_near.TryTakeAny() is { } near) Free(near);
        Instance[] idle;
        lock (_gate)
        {
            idle = [.. _idle];
            _idle.Clear();
        }

        foreach (var instance in idle) Free(instance);
    }

    private void Free(Instance instance)
    {
        instance.Dispose();
        Interlocked.Decrement(ref _count);
    }

    private static long PagesOf(ulong granuleCount) => (long)(granuleCount + WriteMarks.GranulesInPage - 1) / WriteMarks.GranulesInPage;

    private static bool TryRestore(Instance instance, out long pageCount)
    {
        pageCount = 0;
        if (instance.Image is null) return true;
        var memory = instance.Memory!;
        if (instance.LoadedModule.Code.MarksWrites && !instance.WasStopped && instance.GranulesSinceScan < GranulesBetweenScans
            && memory.LengthBytes <= WriteMarks.LongestMemoryBytes)
        {
            bool isRestored = memory.TryRestoreMarked(instance.Image, out ulong granuleCount);
            instance.GranulesSinceScan += granuleCount + 1;
            pageCount = PagesOf(granuleCount);
            return isRestored;
        }

        instance.GranulesSinceScan = 0;
        bool isRestoredByPages = memory.TryRestore(instance.Image, MaximumWarmPages, out ulong written);
        pageCount = (long)written;
        return isRestoredByPages;
    }

    private static Instance RentOut(Instance instance)
    {
        instance.BeginRental();
        return instance;
    }
}
