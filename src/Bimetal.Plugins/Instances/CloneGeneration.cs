// The clones of one snapshot. Retired when a newer snapshot is published; freed when the last clone has come back.

using Bimetal.Plugins.ProxyWasm;
using Bimetal.Wasm.Runtime;

namespace Bimetal.Plugins.Instances;

/// <summary>A snapshot and its pool. Thread-safe.</summary>
internal sealed class CloneGeneration : IDisposable
{
    private const long RetiredBit = 1L << 62;

    private readonly WasmPlugin _plugin;
    private readonly Snapshot _snapshot;
    private readonly InstancePool _pool;

    /// <summary>Clones that are out, plus <see cref="RetiredBit"/>.</summary>
    private long _leases;
    private int _isFreed;

    /// <exception cref="InstanceLimitException">The process has no room for clones.</exception>
    public CloneGeneration(Instance service, WasmPlugin plugin)
    {
        _plugin = plugin;
        _snapshot = Snapshot.Take(service);
        _pool = new InstancePool(_snapshot, plugin.Limits.Instances);
        try
        {
            // The first requests find clones that are there already.
            _pool.Prepare(Math.Min(2 * Environment.ProcessorCount, plugin.Limits.Instances));
        }
        catch
        {
            _pool.Dispose();
            _snapshot.Dispose();
            throw;
        }
    }

    public (int Existing, int InUse) Counts => (_pool.Count, _pool.RentedCount);

    /// <summary>Leases a clone. False when this generation is retired; true with null when all clones are out.</summary>
    /// <exception cref="InstanceLimitException">The process has no room for another clone.</exception>
    public bool TryLease(out GuestInstance? guest)
    {
        guest = null;
        if ((Interlocked.Increment(ref _leases) & RetiredBit) != 0)
        {
            Release();
            return false;
        }

        Instance? instance = null;
        try
        {
            instance = _pool.TryRent();
        }
        finally
        {
            if (instance is null) Release();
        }

        if (instance is not null) guest = instance.HostState as GuestInstance ?? new GuestInstance(instance, _plugin) { Generation = this };
        return true;
    }

    /// <summary>Resets a clone and takes it back, also after a trap.</summary>
    public void Return(GuestInstance guest)
    {
        guest.Reset();
        _pool.Return(guest.Instance);
        Release();
    }

    /// <summary>Retires the generation: it leases no more, and is freed when its last clone is back.</summary>
    public void Dispose()
    {
        if (Interlocked.Add(ref _leases, RetiredBit) == RetiredBit) Free();
    }

    private void Release()
    {
        if (Interlocked.Decrement(ref _leases) == RetiredBit) Free();
    }

    private void Free()
    {
        // Two leases that raced with the retirement can both see the count return to the bare bit.
        if (Interlocked.Exchange(ref _isFreed, 1) != 0) return;
        _pool.Dispose();
        _snapshot.Dispose();
    }
}
