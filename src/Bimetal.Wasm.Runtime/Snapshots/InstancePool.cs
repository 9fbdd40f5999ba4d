// Clones of one snapshot: rented fresh, reset when they come back.

using Bimetal.Wasm.Abi;

namespace Bimetal.Wasm.Runtime;

/// <summary>A pool of clones. Thread-safe.</summary>
public sealed class InstancePool : IDisposable
{
    /// <summary>
    /// Written pages (of the system) that an idle clone keeps, to be overwritten at each reset. Overwriting costs a small part of the
    /// page fault that giving a page up would cost the next request; beyond this the memory of rare large requests goes back.
    /// </summary>
    public const uint MaximumWarmPages = 512;

    // Written pages that nobody writes any more are found only by looking for all.
    private const int MarkedResetsInARow = 63;

    private readonly Lock _gate = new();
    private readonly Snapshot _snapshot;
    private readonly int _maximumInstances;
    private readonly Stack<Instance> _idle = new();
    private readonly MemoryImage? _image;
    private int _rentedCount;
    private int _pendingCount;    // being made or being reset
    private bool _isDisposed;

    /// <param name="snapshot">What every instance is a clone of; it may be disposed before the pool.</param>
    /// <param name="maximumInstances">Instances, rented and idle together.</param>
    public InstancePool(Snapshot snapshot, int maximumInstances)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maximumInstances);
        _snapshot = snapshot;
        _maximumInstances = maximumInstances;
        _image = snapshot.Image?.AddReference();
    }

    /// <summary>Instances that exist.</summary>
    public int Count
    {
        get
        {
            lock (_gate) return _idle.Count + _rentedCount + _pendingCount;
        }
    }

    public int RentedCount
    {
        get
        {
            lock (_gate) return _rentedCount;
        }
    }

    /// <summary>A fresh instance, or null when all <c>maximumInstances</c> are rented.</summary>
    /// <exception cref="InstanceLimitException">The process has no room for another instance.</exception>
    public Instance? TryRent()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            if (_idle.TryPop(out var idle)) return RentOut(idle);
            if (_rentedCount + _pendingCount >= _maximumInstances) return null;
            _pendingCount++;
        }

        Instance? clone = null;
        try
        {
            return clone = _snapshot.Clone(this, _image);
        }
        finally
        {
            lock (_gate)
            {
                _pendingCount--;
                if (clone is not null) RentOut(clone);
            }
        }
    }

    /// <summary>Makes instances ahead of requests until the pool holds <paramref name="count"/> of them, at most its maximum.</summary>
    public void Prepare(int count)
    {
        count = Math.Min(count, _maximumInstances);
        while (Count < count)
        {
            var clone = _snapshot.Clone(this, _image);
            lock (_gate)
            {
                if (!_isDisposed && _idle.Count + _rentedCount + _pendingCount < count)
                {
                    _idle.Push(clone);
                    continue;
                }
            }

            clone.Dispose();
            return;
        }
    }

    /// <summary>Resets an instance and takes it back, also after a trap. Call it after the answer was sent.</summary>
    /// <returns>
    /// Pages (of the system) that the instance had written since their memory was last given up; where its code marks what it writes,
    /// those of this rental alone, as far as they were copied back.
    /// </returns>
    /// <exception cref="ArgumentException">The instance was not rented here, or was returned before.</exception>
    public long Return(Instance instance)
    {
        if (!instance.IsDisposed && instance.Group.IsRunning) throw new InvalidOperationException("An instance cannot be returned while a guest runs in it.");
        lock (_gate)
        {
            if (!ReferenceEquals(instance.Pool, this) || !instance.IsRented)
                throw new ArgumentException("The instance is not one that this pool has rented out.", nameof(instance));
            instance.IsRented = false;
            _rentedCount--;
            _pendingCount++;
        }

        ulong pageCount = 0;
        bool isReset = false;
        try
        {
            isReset = !instance.IsDisposed && TryRestore(instance, out pageCount);
            if (isReset) _snapshot.Reset(instance);
        }
        finally
        {
            bool isKept;
            lock (_gate)
            {
                _pendingCount--;
                isKept = isReset && !_isDisposed;
                if (isKept) _idle.Push(instance);
            }

            // An instance that could not be reset is never used again.
            if (!isKept) instance.Dispose();
        }

        return (long)pageCount;
    }

    /// <summary>Frees idle instances until at most <paramref name="idleCount"/> are left: after a burst of requests, say.</summary>
    public void Trim(int idleCount)
    {
        while (true)
        {
            Instance? surplus;
            lock (_gate)
            {
                if (_idle.Count <= idleCount || !_idle.TryPop(out surplus)) return;
            }

            surplus.Dispose();
        }
    }

    /// <summary>Ends the pool; instances that are still rented are freed when they are returned.</summary>
    public void Dispose()
    {
        List<Instance> idle;
        lock (_gate)
        {
            if (_isDisposed) return;
            _isDisposed = true;
            idle = [.. _idle];
            _idle.Clear();
        }

        foreach (var instance in idle) instance.Dispose();
        _image?.Release();
    }

    private static bool TryRestore(Instance instance, out ulong pageCount)
    {
        pageCount = 0;
        if (instance.Image is null) return true;
        bool knowsWrites = instance.LoadedModule.Code.MarksWrites && !instance.WasStopped && instance.MarkedResets < MarkedResetsInARow
            && instance.Memory!.LengthBytes <= WriteMarks.LongestMemoryBytes;
        instance.MarkedResets = knowsWrites ? instance.MarkedResets + 1 : 0;
        return knowsWrites
            ? instance.Memory!.TryRestoreMarked(instance.Image, out pageCount)
            : instance.Memory!.TryRestore(instance.Image, MaximumWarmPages, out pageCount);
    }

    private Instance RentOut(Instance instance)
    {
        instance.IsRented = true;
        _rentedCount++;
        return instance;
    }
}
