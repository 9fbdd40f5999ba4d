// A table of references, owned by an instance or made by the host; importers share it.

using System.Runtime.InteropServices;
using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Runtime;

/// <summary>A table. References are 64-bit values: 0 is null, a funcref is the address of a function record, an externref is the host's handle.</summary>
public sealed unsafe class GuestTable : GuestObject
{
    /// <summary>Elements of a table of the host's own at most.</summary>
    public const uint MaximumElements = 1_000_000;

    // What a freed table shows to a host that still holds it: no elements, and no room to grow.
    private static readonly TableRecord* NoRecord = (TableRecord*)NativeMemory.AllocZeroed((nuint)sizeof(TableRecord));

    private readonly uint _limit;
    private readonly TableType _declared;
    private uint _capacity;

    // SAFETY: the record and the elements are freed by FreeNative only, when nothing is linked with this table any more.
    private GuestTable(TableType declared, uint limit)
    {
        _declared = declared;
        _limit = Math.Min(declared.Limits.Maximum ?? uint.MaxValue, limit);
        if (declared.Limits.Minimum > _limit)
            throw new InstanceLimitException($"The module asks for a table of {declared.Limits.Minimum} elements, the limit is {_limit}.");
        Record = (TableRecord*)NativeMemory.AllocZeroed((nuint)sizeof(TableRecord));
        _capacity = Record->Length = declared.Limits.Minimum;
        Record->Elements = (FunctionRecord*)NativeMemory.AllocZeroed(_capacity, (nuint)sizeof(FunctionRecord));
    }

    /// <summary>The table's type, with its current size as the minimum, as importers see it.</summary>
    public TableType Type => _declared with { Limits = _declared.Limits with { Minimum = Length } };

    public uint Length => Record->Length;

    internal TableRecord* Record { get; private set; }

    /// <summary>Whether a function of this type changed the table since it was made or restored; guest code changes it without notice.</summary>
    internal bool IsChangedByHost { get; private set; }

    internal Span<FunctionRecord> Elements => new(Record->Elements, (int)Record->Length);

    /// <summary>A table of the host's own, for imports.</summary>
    /// <exception cref="InstanceLimitException">The minimum is beyond the limit.</exception>
    public static GuestTable Create(TableType type)
    {
        var table = new GuestTable(type, MaximumElements);
        table.Group = new LinkGroup(table, context: null);
        return table;
    }

    public bool TryGet(uint index, out ulong reference)
    {
        bool inside = index < Record->Length;
        reference = inside ? Record->Elements[index].Self : 0;
        return inside;
    }

    /// <summary>Sets an element; false when the index is outside.</summary>
    /// <param name="index">Index of the element.</param>
    /// <param name="reference">Null, a reference that came from a guest of the same group, or a host handle for externref.</param>
    public bool TrySet(uint index, ulong reference)
    {
        if (index >= Record->Length) return false;
        Record->Elements[index] = RecordOf(reference);
        NoteChange();
        return true;
    }

    /// <summary>Adds elements; false (and no change) beyond the maximum or the limit.</summary>
    // SAFETY: guest code reads the address of the elements anew after every call, so they may move here.
    public bool TryGrow(uint delta, ulong reference, out uint oldLength)
    {
        oldLength = Record->Length;
        if (delta > _limit - oldLength || delta > RoomInOwner() || Record == NoRecord) return false;
        uint length = oldLength + delta;
        if (length > _capacity && !TryReserve(Math.Max(length, (uint)Math.Min(_capacity * 2UL, _limit)))) return false;
        Record->Length = length;
        NoteChange();
        Elements.Slice((int)oldLength, (int)delta).Fill(RecordOf(reference));
        return true;
    }

    internal static GuestTable Create(TableType type, uint limit, Instance owner) => new(type, limit) { Owner = owner };

    /// <summary>What an element holds for a reference.</summary>
    // SAFETY: a funcref is 0 or the address of a record in a context of this table's group, which lives as long as the table.
    internal FunctionRecord RecordOf(ulong reference)
    {
        if (_declared.ElementType == ValueType.ExternRef) return new FunctionRecord { Self = reference };
        return reference == 0 ? default : *(FunctionRecord*)reference;
    }

    /// <summary>Makes a clone's table as long as that of its snapshot again; the caller fills it.</summary>
    internal Span<FunctionRecord> Restore(int length)
    {
        Record->Length = (uint)length;    // never above the capacity, because tables only grow
        IsChangedByHost = false;
        return Elements;
    }

    internal override void FreeNative()
    {
        NativeMemory.Free(Record->Elements);
        NativeMemory.Free(Record);
        Record = NoRecord;
    }

    private void NoteChange()
    {
        IsChangedByHost = true;
        if (Owner is Instance instance) instance.HasOtherChanges = true;
    }

    // The limit of an instance is on all of its tables together.
    private long RoomInOwner()
    {
        if (Owner is not Instance instance) return uint.MaxValue;
        long room = instance.Options.MaximumTableElements;
        foreach (var table in instance.Tables)
        {
            if (ReferenceEquals(table?.Owner, instance)) room -= table.Length;
        }

        return room;
    }

    private bool TryReserve(uint capacity)
    {
        try
        {
            Record->Elements = (FunctionRecord*)NativeMemory.Realloc(Record->Elements, capacity * (nuint)sizeof(FunctionRecord));
            _capacity = capacity;
            return true;
        }
        catch (OutOfMemoryException)
        {
            return false;
        }
    }
}
