// A linear memory, owned by an instance or made by the host; importers share it.

using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Runtime;

/// <summary>A linear memory. Its base address never moves; it only grows (or returns to its snapshot).</summary>
public sealed unsafe class GuestMemory : GuestObject
{
    public const uint PageBytes = 65_536;

    /// <summary>Pages that a 32-bit memory can have.</summary>
    public const uint MaximumPages = 65_536;

    // What a freed memory shows to a host that still holds it: no bytes, and no room to grow.
    private static readonly MemoryRecord* NoRecord = (MemoryRecord*)NativeMemory.AllocZeroed((nuint)sizeof(MemoryRecord));

    private readonly SizeLimits _declared;
    private readonly uint _pageLimit;
    private readonly MemoryAllowance? _allowance;
    private readonly Reservation _space;
    private readonly bool _hasSlot;    // of _space, which is another object

    // SAFETY: the record and its space are freed by FreeNative only, when nothing is linked with this memory any more.
    private GuestMemory(SizeLimits declared, uint pageLimit, Instance? owner, uint leastPages)
    {
        _declared = declared;
        _allowance = owner?.Options.MemoryAllowance;
        _pageLimit = Math.Min(Math.Min(declared.Maximum ?? MaximumPages, pageLimit), MaximumPages);
        if (declared.Minimum > _pageLimit)
            throw new InstanceLimitException($"The module asks for {declared.Minimum} pages of memory (64 KiB each), the limit is {_pageLimit}. Raise limits.memory.");
        _space = owner is null || owner.LoadedModule.Code.NeedsSlots ? Reservation.OfSlot() : Reservation.OfRegion(_pageLimit, leastPages);
        _hasSlot = _space.IsSlot;
        _pageLimit = Math.Min(_pageLimit, _space.PageCount);
        Record = (MemoryRecord*)NativeMemory.AllocZeroed((nuint)sizeof(MemoryRecord));
        Record->Base = _space.Base;
        if (owner is not null) Owner = owner;
    }

    /// <summary>The memory's type, with its current size as the minimum, as importers see it.</summary>
    public MemoryType Type => new(_declared with { Minimum = PageCount });

    /// <summary>Current length in bytes, a multiple of 65,536.</summary>
    public ulong LengthBytes => Record->LengthBytes;

    public uint PageCount => (uint)(LengthBytes / PageBytes);

    /// <summary>Whether growth was refused since the memory was made or reset: what an allocator that then traps most likely stumbled over.</summary>
    public bool HasRefusedGrowth { get; private set; }

    internal MemoryRecord* Record { get; private set; }

    /// <summary>Whether code that compares no index with the length may use this memory, and code that marks what it writes.</summary>
    internal bool HasSlot => _hasSlot;

    /// <summary>A memory of the host's own, for imports.</summary>
    /// <exception cref="InstanceLimitException">No address space, or a minimum beyond the limit.</exception>
    public static GuestMemory Create(MemoryType type, uint? maximumPages = null)
    {
        var memory = Create(type, maximumPages ?? MaximumPages, owner: null);
        memory.Group = new LinkGroup(memory, context: null);
        return memory;
    }

    /// <summary>
    /// The bytes <paramref name="offset"/> .. <paramref name="offset"/> + <paramref name="length"/>, or false when any of them is outside.
    /// They count as written at the next reset.
    /// </summary>
    /// <remarks>
    /// The span is valid until the memory is disposed, its instance goes back to its pool, or the collector finds neither of them in
    /// use. Lengths from 2 GiB on are refused. The span is for code of the process: a system call must not be given it to write to (WriteMarks.cs).
    /// </remarks>
    // SAFETY: bytes below LengthBytes are readable, and writable once they are marked.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TrySlice(uint offset, uint length, out Span<byte> span)
    {
        var record = Record;
        if ((ulong)offset + length > record->LengthBytes || length > int.MaxValue)
        {
            span = default;
            return false;
        }

        span = new Span<byte>(record->Base + offset, (int)length);
        if (length != 0 && _hasSlot) Mark(record->Base, offset, length);
        return true;
    }

    /// <summary>As <see cref="TrySlice"/>, for reading alone.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryRead(uint offset, uint length, out ReadOnlySpan<byte> span)
    {
        var record = Record;
        if ((ulong)offset + length > record->LengthBytes || length > int.MaxValue)
        {
            span = default;
            return false;
        }

        span = new ReadOnlySpan<byte>(record->Base + offset, (int)length);
        return true;
    }

    /// <summary>Whether that many bytes from there on are inside.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool IsInside(uint offset, uint length) => (ulong)offset + length <= Record->LengthBytes;

    /// <summary>Writes a number, little-endian; false when any byte of it would be outside.</summary>
    // SAFETY: as for TrySlice. One mark stands for what up to 16 bytes from there on are (WriteMarks.cs).
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryWrite(uint offset, uint value)
    {
        var record = Record;
        if ((ulong)offset + sizeof(uint) > record->LengthBytes) return false;
        BinaryPrimitives.WriteUInt32LittleEndian(new Span<byte>(record->Base + offset, sizeof(uint)), value);
        if (_hasSlot) (record->Base - WriteMarks.SizeBytes)[offset >> WriteMarks.GranuleShift] = 1;
        return true;
    }

    /// <summary>Adds pages; false (and no change) beyond the maximum or the limit, or when the system has no memory left.</summary>
    public bool TryGrow(uint deltaPages, out uint oldPages)
    {
        oldPages = PageCount;
        if (Owner is Instance instance) instance.HasOtherChanges = true;
        ulong from = LengthBytes, to = from + ((ulong)deltaPages * PageBytes);
        if (deltaPages <= _pageLimit - oldPages && Record != NoRecord && _allowance?.TryTake(to - from) != false)
        {
            if (_space.Commit(from, to) == 0)
            {
                Record->LengthBytes = to;
                return true;
            }

            _allowance?.GiveBack(to - from);
        }

        HasRefusedGrowth = true;
        return false;
    }

    /// <summary>A memory that belongs to an instance, which frees it.</summary>
    internal static GuestMemory Create(MemoryType type, uint pageLimit, Instance? owner)
    {
        var memory = new GuestMemory(type.Limits, pageLimit, owner, type.Limits.Minimum);
        if (memory.TryGrow(type.Limits.Minimum, out _)) return memory;
        memory.FreeNative();
        ulong wantedBytes = type.Limits.Minimum * (ulong)PageBytes;
        if (memory._allowance is { } allowance && (ulong)Math.Max(0, allowance.LimitBytes - allowance.UsedBytes) < wantedBytes) throw OverAllowance(wantedBytes, allowance);
        throw new InstanceLimitException($"{type.Limits.Minimum} pages of memory cannot be had from the system.");
    }

    /// <summary>A clone's memory: it shows an image, as private copies of the pages that are written.</summary>
    internal static GuestMemory Create(MemoryType type, uint pageLimit, Instance owner, MemoryImage image)
    {
        var memory = new GuestMemory(type.Limits with { Minimum = 0 }, pageLimit, owner, (uint)(image.LengthBytes / PageBytes));
        if (memory._allowance is { } allowance && !allowance.TryTake(image.LengthBytes))
        {
            memory.FreeNative();
            throw OverAllowance(image.LengthBytes, allowance);
        }

        int error = memory._space.MapImage(image.File, image.LengthBytes, isClosed: owner.LoadedModule.Code.MarksWrites);
        memory.Record->LengthBytes = image.LengthBytes;
        if (error == 0) return memory;
        memory.FreeNative();
        throw new InstanceLimitException($"A snapshot cannot be mapped: {ErrorText.Of(error)}. Check vm.max_map_count.");
    }

    /// <summary>Gives a clone's memory the contents and the length of its image back, by the marks of who wrote (WriteMarks.cs).</summary>
    /// <param name="image">The image that this memory was made from.</param>
    /// <param name="granuleCount">Granules that were marked.</param>
    /// <returns>False when the system refused: then the memory must not be used again.</returns>
    // SAFETY: no guest runs in the memory, none was stopped early since the last restoration, its code marks what it writes, and the
    // host holds no span of it.
    internal bool TryRestoreMarked(MemoryImage image, out ulong granuleCount)
    {
        granuleCount = Shim.SlotRestoreMarked(Record->Base, image.View, image.LengthBytes, LengthBytes);
        return TryShrink(image);
    }

    /// <summary>Gives a clone's memory the contents and the length of its image back, whatever wrote to it.</summary>
    /// <param name="image">The image that this memory was made from.</param>
    /// <param name="maximumWarmPages">With more written pages than this, their memory is given up instead of overwritten.</param>
    /// <param name="pageCount">Pages (of the system) that were written at any time since they were last given up.</param>
    /// <returns>False when the system refused: then the memory must not be used again.</returns>
    // SAFETY: no guest runs in the memory and the host holds no span of it.
    internal bool TryRestore(MemoryImage image, uint maximumWarmPages, out ulong pageCount)
    {
        pageCount = 0;
        if (_space.ClearMarks(LengthBytes) != 0 || !TryShrink(image)) return false;
        ulong written;
        int error = Shim.SlotRestore(Record->Base, image.View, image.LengthBytes, maximumWarmPages, &written);
        pageCount = written;
        return error == 0;
    }

    private static InstanceLimitException OverAllowance(ulong bytes, MemoryAllowance allowance) =>
        new($"{bytes} bytes for another instance would pass plugin_memory: the memories of all plugins have {allowance.UsedBytes} of {allowance.LimitBytes} bytes.");

    internal override void FreeNative()
    {
        _space.Return(LengthBytes);
        _allowance?.GiveBack(LengthBytes);
        NativeMemory.Free(Record);
        Record = NoRecord;
    }

    private bool TryShrink(MemoryImage image)
    {
        if (LengthBytes > image.LengthBytes)
        {
            if (Shim.SlotDecommit(Record->Base, image.LengthBytes, LengthBytes) != 0) return false;
            _allowance?.GiveBack(LengthBytes - image.LengthBytes);
        }

        Record->LengthBytes = image.LengthBytes;
        HasRefusedGrowth = false;
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Mark(byte* start, uint offset, uint length)
    {
        // SAFETY: the bytes are inside of the memory, whose marks can be written.
        byte* marks = start - WriteMarks.SizeBytes;
        uint first = offset >> WriteMarks.GranuleShift, last = (uint)((offset + (ulong)length - 1) >> WriteMarks.GranuleShift);
        marks[first] = 1;
        marks[last] = 1;
        if (last - first > 1) new Span<byte>(marks + first, (int)(last - first)).Fill(1);
    }
}
