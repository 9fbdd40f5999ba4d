// Clones of one snapshot: rented fresh, reset when they come back.

namespace Bimetal.Wasm.Runtime;

/// <summary>A pool of clones. Thread-safe.</summary>
public sealed class InstancePool : IDisposable
{
    public InstancePool(Snapshot snapshot, int maximumInstances) => throw new NotSupportedException();

    /// <summary>A fresh instance, or null when all <c>maximumInstances</c> are rented.</summary>
    public Instance? TryRent() => throw new NotSupportedException();

    /// <summary>Resets an instance and takes it back, also after a trap. Call it after the answer was sent.</summary>
    public void Return(Instance instance) => throw new NotSupportedException();

    public void Dispose() => throw new NotSupportedException();
}
