// The clones of one snapshot. Retired when a newer snapshot is published; freed as they come back.

using Bimetal.Plugins.ProxyWasm;
using Bimetal.Wasm.Runtime;

namespace Bimetal.Plugins.Instances;

/// <summary>A snapshot's pool. Thread-safe.</summary>
internal sealed class CloneGeneration : IDisposable
{
    private readonly WasmPlugin _plugin;
    private readonly InstancePool _pool;

    /// <exception cref="InstanceLimitException">The process has no room for clones.</exception>
    public CloneGeneration(Instance service, WasmPlugin plugin)
    {
        _plugin = plugin;
        using var snapshot = Snapshot.Take(service);
        _pool = new InstancePool(snapshot, plugin.Limits.Instances);
        try
        {
            // The first requests find clones that are there already.
            _pool.Prepare(Math.Min(2 * Environment.ProcessorCount, plugin.Limits.Instances));
        }
        catch
        {
            _pool.Dispose();
            throw;
        }
    }

    public (int Existing, int InUse) Counts => (_pool.Count, _pool.RentedCount);

    /// <summary>Leases a clone. False when this generation is retired; true with null when all clones are out.</summary>
    /// <exception cref="InstanceLimitException">The process has no room for another clone.</exception>
    public bool TryLease(out GuestInstance? guest)
    {
        guest = null;
        if (_pool.TryRent() is not { } instance) return !_pool.IsDisposed;
        guest = instance.HostState as GuestInstance ?? new GuestInstance(instance, _plugin) { Generation = this };
        return true;
    }

    /// <summary>Resets a clone and takes it back, also after a trap.</summary>
    public void Return(GuestInstance guest)
    {
        guest.Reset();
        _pool.Return(guest.Instance);
    }

    /// <summary>Retires the generation: it leases no more, and clones that are out are freed when they come back.</summary>
    public void Dispose() => _pool.Dispose();
}
