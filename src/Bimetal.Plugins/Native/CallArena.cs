// Native memory for the bytes that one callback borrows. Header values are copied here: for the few dozen bytes that they have, a copy costs
// less than pinning a managed array. Bodies are not copied (NativePluginStream pins them).

using System.Runtime.InteropServices;

namespace Bimetal.Plugins.Native;

/// <summary>Grows by blocks and is emptied after every callback. Belongs to one stream at a time.</summary>
internal sealed unsafe class CallArena
{
    /// <summary>Most bytes that one callback may borrow: a plugin that reads the same header for ever is stopped here.</summary>
    public const int MaximumBytes = 4 << 20;

    private const int FirstBlockBytes = 4096;

    private readonly byte* _first = (byte*)NativeMemory.Alloc(FirstBlockBytes);
    private readonly List<nint> _more = [];
    private int _firstUsed;
    private int _moreBytes;

    /// <summary>Copies bytes in; false when the callback has borrowed too much.</summary>
    // SAFETY: the block is owned by the arena and outlives the callback; the length was compared with the room that is left.
    public bool TryLend(ReadOnlySpan<byte> bytes, NativeSlice* lent)
    {
        byte* target;
        if (bytes.Length <= FirstBlockBytes - _firstUsed)
        {
            target = _first + _firstUsed;
            _firstUsed += bytes.Length;
        }
        else
        {
            if (bytes.Length > MaximumBytes - _moreBytes) return false;
            target = (byte*)NativeMemory.Alloc((nuint)bytes.Length);
            _more.Add((nint)target);
            _moreBytes += bytes.Length;
        }

        bytes.CopyTo(new Span<byte>(target, bytes.Length));
        lent->Data = target;
        lent->Length = (nuint)bytes.Length;
        return true;
    }

    /// <summary>Takes everything back.</summary>
    public void Reset()
    {
        _firstUsed = 0;
        if (_moreBytes != 0) FreeMore();
    }

    // SAFETY: called once, when no plugin code of the stream runs any more.
    public void Free()
    {
        FreeMore();
        NativeMemory.Free(_first);
    }

    // SAFETY: each block came from NativeMemory.Alloc and is dropped from the list with its memory.
    private void FreeMore()
    {
        foreach (nint block in _more) NativeMemory.Free((void*)block);
        _more.Clear();
        _moreBytes = 0;
    }
}
