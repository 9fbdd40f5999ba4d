// Stream handles. A handle is a slot's number with the slot's generation, so a handle of a stream that has ended finds nothing:
//
//   63                32 31                 0
//   +-------------------+-------------------+
//   |    generation     |   slot index + 1  |
//   +-------------------+-------------------+

using System.Collections.Concurrent;
using System.Runtime.InteropServices;

namespace Bimetal.Plugins.Native;

/// <summary>
/// What a native stream owns outside of the managed heap: its state, its arena, and what is pinned for it. Slots are used again by later streams of
/// the plugin; nothing of them outlives a callback but the state, which is cleared.
/// </summary>
internal sealed unsafe class StreamSlot
{
    private const nuint StateAlignment = 16;

    private static readonly ConcurrentQueue<uint> s_freeIndexes = new();
    private static readonly Lock s_growing = new();
    private static StreamSlot?[] s_slots = new StreamSlot?[256];
    private static uint s_nextIndex;

    private readonly uint _index;
    private readonly uint _stateBytes;
    private NativePluginStream? _stream;
    private CallArena? _arena;
    private LentBody? _body;
    private uint _generation;

    public StreamSlot(uint stateBytes)
    {
        _stateBytes = stateBytes;
        State = stateBytes == 0 ? null : NativeMemory.AlignedAlloc(stateBytes, StateAlignment);
        lock (s_growing)
        {
            // Indexes come back in the generation that they ended with, or an old handle would find a new stream.
            _index = s_freeIndexes.TryDequeue(out uint free) ? free : s_nextIndex++;
            if (_index >= s_slots.Length) Array.Resize(ref s_slots, 2 * s_slots.Length);
            _generation = s_slots[_index]?._generation ?? 0;
            s_slots[_index] = this;
        }
    }

    /// <summary>The plugin's state of the stream; null when it wants none.</summary>
    public void* State { get; }

    /// <summary>Made when the first callback reads something.</summary>
    public CallArena Arena => _arena ??= new CallArena();

    /// <summary>Made when the first callback has a body.</summary>
    public LentBody Body => _body ??= new LentBody();

    /// <summary>The stream of a handle, or null, for a host function that the stream's plugin calls.</summary>
    public static NativePluginStream? Find(ulong handle)
    {
        var slots = Volatile.Read(ref s_slots);
        uint index = (uint)handle - 1;
        if (index >= (uint)slots.Length) return null;
        var slot = slots[index];
        if (slot is null || slot._generation != (uint)(handle >> 32)) return null;
        var stream = slot._stream;
        if (stream is not null) stream.HostCalls++;
        return stream;
    }

    /// <summary>Takes the slot for a stream; returns its handle.</summary>
    // SAFETY: State has _stateBytes bytes.
    public ulong Open(NativePluginStream stream)
    {
        if (_stateBytes != 0) NativeMemory.Clear(State, _stateBytes);
        _stream = stream;
        return ((ulong)_generation << 32) | (_index + 1);
    }

    /// <summary>Takes back what host functions have lent.</summary>
    public void ReturnLent()
    {
        _arena?.Reset();
        _body?.Return();
    }

    /// <summary>Ends the stream: its handle finds nothing from here on.</summary>
    public void Close()
    {
        Volatile.Write(ref _generation, _generation + 1);
        _stream = null;
        ReturnLent();
    }

    /// <summary>Gives the memory back; only after <see cref="Close"/>, and never used again.</summary>
    // SAFETY: both pointers are owned by this slot, which is in no pool any more.
    public void Free()
    {
        _arena?.Free();
        if (State is not null) NativeMemory.AlignedFree(State);
        s_freeIndexes.Enqueue(_index);
    }
}
