// What instances, memories, tables and globals have in common: native memory that lives as long as the group they are linked into.

namespace Bimetal.Wasm.Runtime;

/// <summary>An instance, or a memory, table or global that instances can share.</summary>
public abstract class GuestObject : IDisposable
{
    private int _isDisposed;

    private protected GuestObject() => Owner = this;

    /// <summary>The instance that this is a part of, or itself.</summary>
    internal GuestObject Owner { get; private protected set; }

    /// <summary>Meaningful for owners only; changes when instances are linked.</summary>
    internal unsafe LinkGroup Group
    {
        get;
        set
        {
            field = value;
            GroupRecord = value.Record;
        }
    } = null!;

    /// <summary>The record of <see cref="Group"/>, at hand: every call needs it. Gone when the object is disposed.</summary>
    // SAFETY: a group's record is freed when all of its members have been disposed, and nobody uses it without having asked for that.
    internal unsafe LinkGroupRecord* GroupRecord { get; private set; }

    internal bool IsDisposed => Volatile.Read(ref Owner._isDisposed) != 0;

    /// <summary>Whether the native memory behind this object is gone: not before all that is linked with it was disposed.</summary>
    internal unsafe bool IsFreed => Owner.Group is { Record: null };

    /// <summary>
    /// Ends the use of this object. What belongs to an instance ends with the instance; native memory is freed once everything that
    /// is linked with it has been disposed.
    /// </summary>
    public void Dispose()
    {
        if (!ReferenceEquals(Owner, this)) return;
        if (IsDisposed) return;
        if (Group is { IsRunning: true } && this is Instance) throw new InvalidOperationException("An instance cannot be disposed while a guest runs in it.");
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0) return;
        if (Group is not null) LinkGroup.Release(this);
    }

    /// <summary>Gives the native memory back; called once, when no member of the group is in use.</summary>
    internal abstract void FreeNative();
}
