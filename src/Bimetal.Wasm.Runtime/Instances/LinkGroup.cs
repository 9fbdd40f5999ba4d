// Lifetime of what is linked. A table may hold functions of any instance that imports it, so the native memory of linked instances,
// memories, tables and globals lives until all of them have been disposed. The group is also what the shim works on: stack limit
// and interruption reach the contexts of all its instances, and one thread at a time is in any of them.

using System.Runtime.InteropServices;
using Bimetal.Wasm.Abi;

namespace Bimetal.Wasm.Runtime;

/// <summary>A set of linked objects. A finalizer frees groups that nobody disposed: their members are unreachable together.</summary>
internal sealed unsafe class LinkGroup
{
    // Serialises all changes of groups. Guests never wait for it.
    private static readonly Lock Gate = new();

    private readonly List<GuestObject> _members;
    private readonly List<nint> _contexts = [];
    private readonly List<nint> _retired = [];    // lists and records that a running entry may still name
    private int _liveCount = 1;

    /// <summary>Makes a group of one; <paramref name="context"/> is null for what is no instance.</summary>
    // SAFETY: the record is freed by FreeNative only, which runs once.
    public LinkGroup(GuestObject member, byte* context)
    {
        _members = [member];
        if (context != null) _contexts.Add((nint)context);
        Record = (LinkGroupRecord*)NativeMemory.AllocZeroed((nuint)sizeof(LinkGroupRecord));
        Record->List = NewList();
    }

    ~LinkGroup() => FreeNative();

    /// <summary>Null after the group was freed.</summary>
    public LinkGroupRecord* Record { get; private set; }

    public bool IsRunning => Record != null && Record->Owner != null;

    public bool IsShared => _members.Count > 1;

    /// <summary>Makes one group of those of two objects.</summary>
    public static void Merge(GuestObject first, GuestObject second)
    {
        lock (Gate)
        {
            LinkGroup one = first.Owner.Group, other = second.Owner.Group;
            if (ReferenceEquals(one, other)) return;
            // A running guest's entry names its group's record, so that one stays; of two others it does not matter.
            if (one.IsRunning || !other.IsRunning) one.Absorb(other);
            else other.Absorb(one);
        }
    }

    /// <summary>Counts a member as disposed; the last one frees all.</summary>
    public static void Release(GuestObject member)
    {
        LinkGroup group;
        lock (Gate)
        {
            group = member.Group;
            if (--group._liveCount > 0) return;
        }

        group.FreeNative();
        GC.SuppressFinalize(group);
    }

    // SAFETY: both groups are reachable and the gate is held. The absorbed record and the old list stay allocated until this group
    // is freed, because an entry on some stack may name them.
    private void Absorb(LinkGroup other)
    {
        if (IsRunning && other.IsRunning && Record->Owner != other.Record->Owner)
            throw new InvalidOperationException("Two instances cannot be linked while different threads are in them.");
        _members.AddRange(other._members);
        _contexts.AddRange(other._contexts);
        _retired.AddRange(other._retired);
        _retired.Add((nint)other.Record->List);
        _retired.Add((nint)other.Record);
        _retired.Add((nint)Record->List);
        other.Record->List = Record->List = NewList();
        other.Record->IsLinked = Record->IsLinked = _contexts.Count > 1 ? 1U : 0;
        if (other.Record->IsAbandoned != 0) Record->IsAbandoned = 1;
        if (IsRunning) ShareStackLimit();
        _liveCount += other._liveCount;
        foreach (var member in other._members) member.Group = this;
        GC.SuppressFinalize(other);
    }

    // A guest that is linked while another one runs can be called by it before anybody enters it: it gets the limit of this entry.
    // SAFETY: all contexts of the group are allocated, and the first is one that was entered.
    private void ShareStackLimit()
    {
        ulong limit = *(ulong*)(_contexts[0] + ContextHeader.StackLimit);
        foreach (nint context in _contexts) *(ulong*)(context + ContextHeader.StackLimit) = limit;
    }

    // SAFETY: the list has room for its count and the addresses behind it.
    private ContextList* NewList()
    {
        var list = (ContextList*)NativeMemory.Alloc((nuint)(sizeof(ContextList) + (sizeof(nint) * _contexts.Count)));
        list->Count = (ulong)_contexts.Count;
        CollectionsMarshal.AsSpan(_contexts).CopyTo(new Span<nint>(list + 1, _contexts.Count));
        return list;
    }

    // SAFETY: every member was disposed, or none can be reached any more; so no thread is in a guest of the group.
    private void FreeNative()
    {
        foreach (var member in _members) member.FreeNative();
        foreach (nint retired in _retired) NativeMemory.Free((void*)retired);
        NativeMemory.Free(Record->List);
        NativeMemory.Free(Record);
        Record = null;
    }
}
