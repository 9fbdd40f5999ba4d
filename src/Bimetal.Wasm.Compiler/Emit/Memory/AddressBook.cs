// Addresses in linear memory. A security rule: the i32 index is widened BEFORE the GEP, the constant offset is added in 64 bits, no
// "inbounds", no overflow flags. The reservation (or the explicit check) covers every such sum.

using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Compiler.Emit.Numeric;

namespace Bimetal.Wasm.Compiler.Emit.Memory;

/// <summary>How much an <see cref="AddressBook"/> knew at some place.</summary>
internal readonly record struct AddressesKnown(int Entries, int MarkedRanges);

/// <summary>
/// Makes addresses; remembers the indices that it widened, and up to where they were checked, because structure accesses share one.
/// What was found before a block holds until its end and behind it, whatever way leads there.
/// </summary>
internal sealed class AddressBook(FunctionBuilder function)
{
    /// <summary>Name of the address where the memory begins.</summary>
    public const string Base = "%mb";

    // So many entries are looked through.
    private const int Reach = 32;

    private readonly List<Entry> _entries = [];
    private readonly List<MarkedRange> _marked = [];

    /// <summary>What is known so far.</summary>
    public AddressesKnown Known => new(_entries.Count, _marked.Count);

    /// <summary>Forgets what was learnt since, because code begins that is reached without what made it known.</summary>
    public void Forget(AddressesKnown known)
    {
        _entries.RemoveRange(known.Entries, _entries.Count - known.Entries);
        _marked.RemoveRange(known.MarkedRanges, _marked.Count - known.MarkedRanges);
    }

    /// <summary>Whether an access lies within the memory's minimum size. A memory never shrinks.</summary>
    public bool IsAlwaysInside(Value index, uint offset, int sizeBytes)
    {
        long minimumBytes = (long)function.Module.Module.Memories[0].Limits.Minimum << 16;
        return index.TryGetInteger(out long constant) && (uint)constant + (long)offset + sizeBytes <= minimumBytes;
    }

    /// <summary>The address of <paramref name="index"/> + <paramref name="offset"/>; traps first if bounds are checked explicitly.</summary>
    /// <param name="index">An i32.</param>
    /// <param name="offset">Constant offset of the instruction.</param>
    /// <param name="sizeBytes">Bytes that are accessed.</param>
    /// <param name="start">Where the memory begins: <see cref="Base"/>, or the same under another name.</param>
    public Value Of(Value index, uint offset, int sizeBytes, Value start)
    {
        if (function.Options.Bounds == BoundsMode.Explicit && !IsAlwaysInside(index, offset, sizeBytes)) return Checked(index, offset, sizeBytes);
        if (index.TryGetInteger(out long constant)) return function.DefinePointer($"getelementptr i8, ptr {start}, i64 {(long)(uint)constant + offset}");
        var address = AddressOf(index, start);
        return offset == 0 ? address : function.DefinePointer($"getelementptr i8, ptr {address}, i64 {offset}");
    }

    /// <summary>Whether an access before, with the same index and at least as far behind it, has trapped if this one would.</summary>
    public bool IsCovered(Value index, long end) => Find(index) is >= 0 and int known && _entries[known].CheckedEnd >= end;

    /// <summary>Notes an access that LLVM keeps: it traps unless all below <paramref name="index"/> + <paramref name="end"/> is inside.</summary>
    public void Cover(Value index, long end)
    {
        int known = Find(index);
        if (known >= 0 && _entries[known].CheckedEnd < end) Remember(_entries[known] with { CheckedEnd = end });
    }

    /// <summary>Marks the granule at <see cref="Of"/> the same arguments as written, if none of the marks before says as much.</summary>
    public void Mark(Value index, uint offset)
    {
        if (index.TryGetInteger(out long constant))
        {
            WriteMark($"{((uint)constant + (long)offset) >> WriteMarks.GranuleShift}");
            return;
        }

        // Sums of one value and constants lie side by side, whatever that value is (WriteMarks.LongestMemoryBytes).
        var (root, delta) = function.Sums.Of(index);
        long place = delta + offset;
        var range = FindMarked(root);
        if (range.Covers(place)) return;
        var wide = Widened(index);
        var sum = offset == 0 ? wide : function.Define(ValueType.I64, $"add i64 {wide}, {offset}");
        var granule = function.Define(ValueType.I64, $"lshr i64 {sum}, {WriteMarks.GranuleShift}");
        WriteMark($"{granule}");
        if (root.IsVariable) _marked.Add(range.With(place));
    }

    private void WriteMark(string granule)
    {
        var first = function.DefinePointer($"getelementptr i8, ptr {Base}, i64 {granule}");
        var mark = function.DefinePointer($"getelementptr i8, ptr {first}, i64 {-WriteMarks.SizeBytes}");
        function.Line($"store i8 1, ptr {mark}, align 1, {Metadata.WriteMarks}{function.Place}");
    }

    private Value AddressOf(Value index, Value start)
    {
        int known = Find(index);
        bool isAnotherName = start.IsVariable;
        if (!isAnotherName && known >= 0 && _entries[known].Address is { } before) return before;
        var wide = Widened(index);
        var address = function.DefinePointer($"getelementptr i8, ptr {start}, i64 {wide}");
        if (!isAnotherName) Remember(known < 0 ? new Entry(index, wide, address, 0) : _entries[known] with { Address = address });
        return address;
    }

    private Value Widened(Value index)
    {
        int known = Find(index);
        return known >= 0 ? _entries[known].Wide : function.Define(ValueType.I64, $"zext i32 {index} to i64");
    }

    private Value Checked(Value index, uint offset, int sizeBytes)
    {
        long end = offset + (long)sizeBytes;
        int known = Find(index);
        var address = known >= 0 && _entries[known] is { Address: { } before } entry && entry.CheckedEnd >= end ? before : Check(index, end);
        return offset == 0 ? address : function.DefinePointer($"getelementptr i8, ptr {address}, i64 {offset}");
    }

    // No sum here can wrap: index and offset are below 2^32, a length is at most 2^32. Behind a mispredicted comparison the address is null and an
    // offset, where nothing is: what lies behind a memory without guard pages is the host's.
    private Value Check(Value index, long end)
    {
        int known = Find(index);
        var wide = Widened(index);
        var sum = function.Define(ValueType.I64, $"add i64 {wide}, {end}");
        var length = MemorySize.LengthBytes(function);
        var isInside = function.DefineBit($"icmp ule i64 {sum}, {length}");
        function.TrapUnless(isInside, TrapCode.MemoryOutOfBounds);
        var address = function.DefinePointer($"getelementptr i8, ptr {Base}, i64 {wide}");
        if (function.Options.MaskIndices) address = OpaqueAssembly.PointerWhenInside(function, address, sum, length);
        Remember(known < 0 ? new Entry(index, wide, address, end) : _entries[known] with { Address = address, CheckedEnd = end });
        return address;
    }

    private void Remember(Entry entry)
    {
        if (entry.Index.IsVariable) _entries.Add(entry);
    }

    // The latest entry of an index knows the most.
    private int Find(Value index)
    {
        for (int i = _entries.Count - 1; i >= Math.Max(0, _entries.Count - Reach); i--)
        {
            if (_entries[i].Index.IsSame(index)) return i;
        }

        return -1;
    }

    private MarkedRange FindMarked(Value root)
    {
        for (int i = _marked.Count - 1; i >= Math.Max(0, _marked.Count - Reach); i--)
        {
            if (_marked[i].Root.IsSame(root)) return _marked[i];
        }

        return new MarkedRange(root, long.MaxValue, long.MinValue);
    }

    private sealed record Entry(Value Index, Value Wide, Value? Address, long CheckedEnd);

    // Both ends were marked, and what lies between is no longer than a granule: so it lies in those two.
    private readonly record struct MarkedRange(Value Root, long First, long Last)
    {
        public bool Covers(long place) => First <= Last && place >= First && place <= Last + WriteMarks.ReachBytes;

        public MarkedRange With(long place)
        {
            long first = Math.Min(First, place), last = Math.Max(Last, place);
            return last - first <= WriteMarks.GranuleBytes ? new MarkedRange(Root, first, last) : new MarkedRange(Root, place, place);
        }
    }
}
