// Addresses in linear memory. A security rule: the i32 index is widened BEFORE the GEP, the constant offset is added in 64 bits, no
// "inbounds", no overflow flags. The reservation (or the explicit check) covers every such sum.

using Bimetal.Wasm.Abi;

namespace Bimetal.Wasm.Compiler.Emit.Memory;

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

    /// <summary>Entries so far.</summary>
    public int KnownCount => _entries.Count;

    /// <summary>Forgets all but the first entries, because code begins that is reached without what made the others.</summary>
    public void Forget(int knownCount) => _entries.RemoveRange(knownCount, _entries.Count - knownCount);

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
        if (function.Options.Bounds == BoundsMode.Explicit && !IsAlwaysInside(index, offset, sizeBytes)) Check(index, offset + (long)sizeBytes);
        if (index.TryGetInteger(out long constant)) return function.DefinePointer($"getelementptr i8, ptr {start}, i64 {(long)(uint)constant + offset}");
        var address = AddressOf(index, start);
        return offset == 0 ? address : function.DefinePointer($"getelementptr i8, ptr {address}, i64 {offset}");
    }

    private Value AddressOf(Value index, Value start)
    {
        int known = Find(index);
        bool isAnotherName = start.IsVariable;
        if (!isAnotherName && known >= 0 && _entries[known].Address is { } before) return before;
        var wide = Widened(index);
        var address = function.DefinePointer($"getelementptr i8, ptr {start}, i64 {wide}");
        if (!isAnotherName) Remember(new Entry(index, wide, address, known < 0 ? 0 : _entries[known].CheckedEnd));
        return address;
    }

    private Value Widened(Value index)
    {
        int known = Find(index);
        return known >= 0 ? _entries[known].Wide : function.Define(ValueType.I64, $"zext i32 {index} to i64");
    }

    // No sum here can wrap: index and offset are below 2^32, a length is at most 2^32.
    private void Check(Value index, long end)
    {
        int known = Find(index);
        if (known >= 0 && _entries[known].CheckedEnd >= end) return;
        var wide = Widened(index);
        var sum = function.Define(ValueType.I64, $"add i64 {wide}, {end}");
        var length = MemorySize.LengthBytes(function);
        var isInside = function.DefineBit($"icmp ule i64 {sum}, {length}");
        function.TrapUnless(isInside, TrapCode.MemoryOutOfBounds);
        Remember(new Entry(index, wide, known < 0 ? null : _entries[known].Address, end));
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

    private sealed record Entry(Value Index, Value Wide, Value? Address, long CheckedEnd);
}
