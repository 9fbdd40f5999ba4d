// The clones of one snapshot. Retired when a newer snapshot is published; freed as they come back.

using Bimetal.Plugins.ProxyWasm;
using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Runtime;

namespace Bimetal.Plugins.Instances;

/// <summary>A snapshot's pool. Thread-safe.</summary>
internal sealed class CloneGeneration : IDisposable
{
    /// <summary>Each tick of a plugin takes a snapshot; of a longer memory than this, taking two would cost more than its streams gain.</summary>
    private const ulong MaximumBytesTakenTwice = 8 << 20;

    private readonly WasmPlugin _plugin;
    private readonly InstancePool _pool;
    private readonly Snapshot _snapshot;
    private readonly GuestExtensions _extensions;
    private readonly Lock _snapshotGate = new();
    private bool _isDisposed;

    /// <exception cref="InstanceLimitException">The process has no room for clones.</exception>
    public CloneGeneration(GuestInstance service)
        : this(service.Plugin, Snapshot.Take(service.Instance), service.Extensions, hasStreamContext: false)
    {
    }

    private CloneGeneration(WasmPlugin plugin, Snapshot snapshot, GuestExtensions extensions, bool hasStreamContext)
    {
        (_plugin, _snapshot, _extensions, HasStreamContext) = (plugin, snapshot, extensions, hasStreamContext);
        _pool = new InstancePool(snapshot, plugin.Limits.Instances);
        try
        {
            // The first requests find clones that are there already.
            _pool.Prepare(Math.Min(2 * Environment.ProcessorCount, plugin.Limits.Instances));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Whether clones come with the context of their stream made.</summary>
    public bool HasStreamContext { get; }

    /// <summary>Whether that is worth trying.</summary>
    public bool MayHaveStreamContext =>
        !HasStreamContext && !_plugin.NeedsHostForContexts && _plugin.Module.Callbacks.Has(GuestCallback.ContextCreate) && _snapshot.MemoryBytes <= MaximumBytesTakenTwice;

    public (int Existing, int InUse) Counts => (_pool.Count, _pool.RentedCount);

    /// <summary>Leases a clone. False when this generation is retired; true with null when all clones are out.</summary>
    /// <exception cref="InstanceLimitException">The process has no room for another clone.</exception>
    public bool TryLease(out GuestInstance? guest)
    {
        guest = null;
        if (_pool.TryRent() is not { } instance) return !_pool.IsDisposed;
        guest = instance.HostState as GuestInstance ?? new GuestInstance(instance, _plugin) { Generation = this, Extensions = _extensions };
        return true;
    }

    /// <summary>Resets a clone and takes it back, also after a trap.</summary>
    public void Return(GuestInstance guest)
    {
        guest.Reset();
        _pool.Return(guest.Instance);
    }

    /// <summary>
    /// The same generation with proxy_on_context_create run for the stream that a clone will have. That comes out the same each time as long as
    /// it asks the host for nothing; an instance without a host state traps when it does, and then each stream makes its own context.
    /// </summary>
    /// <returns>Null when it cannot be, or this generation is retired.</returns>
    /// <exception cref="InstanceLimitException">The process has no room for clones.</exception>
    public CloneGeneration? TryWithStreamContext()
    {
        lock (_snapshotGate)
        {
            if (_isDisposed) return null;
            using var pool = new InstancePool(_snapshot, maximumInstances: 1);
            var trial = pool.TryRent()!;
            try
            {
                trial.TryGetFunction(CallbackTable.NameOf(GuestCallback.ContextCreate), out var create);
                Span<ulong> slots = [GuestInstance.FirstStreamContextId, GuestInstance.RootContextId];
                if (trial.Call(create, slots, _plugin.CpuLimits.Callback) == TrapCode.None) return new CloneGeneration(_plugin, Snapshot.Take(trial), _extensions, hasStreamContext: true);
                _plugin.NeedsHostForContexts = true;
                return null;
            }
            finally
            {
                pool.Return(trial);
            }
        }
    }

    /// <summary>Retires the generation: it leases no more, and clones that are out are freed when they come back.</summary>
    public void Dispose()
    {
        _pool.Dispose();
        lock (_snapshotGate)
        {
            _isDisposed = true;
            _snapshot.Dispose();
        }
    }
}
