// The frozen state of an instance, from which fresh instances are cloned.

using System.Runtime.InteropServices;
using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Runtime;

/// <summary>
/// A snapshot: memory image, globals, tables, sizes and dropped segments of an instance whose imports are all host functions.
/// Immutable; pools made from it keep what they need when it is disposed.
/// </summary>
public sealed unsafe class Snapshot : IDisposable
{
    private readonly byte[] _context;
    private readonly ulong _contextAddress;    // where the source's context was: references into it are moved to a clone's
    private readonly FunctionRecord[][] _tables;
    private readonly uint[] _referenceGlobals;
    private readonly bool _writesTables;
    private readonly bool[] _droppedData;
    private readonly bool[] _droppedElements;
    private readonly InstanceOptions _options;
    private int _isDisposed;

    private Snapshot(Instance source, MemoryImage? image)
    {
        LoadedModule = source.LoadedModule;
        Image = image;
        _options = source.Options;
        _writesTables = LoadedModule.WritesTables;
        _context = source.Context.Bytes.ToArray();
        _contextAddress = (ulong)source.Context.Address;
        _tables = [.. source.Tables.Select(table => table.Elements.ToArray())];
        _droppedData = [.. source.DroppedData];
        _droppedElements = [.. source.DroppedElements];
        _referenceGlobals = [.. Enumerable.Range(0, LoadedModule.Module.GlobalTypes.Length).Select(index => (uint)index)
            .Where(index => LoadedModule.Module.GlobalTypes[(int)index].ValueType == ValueType.FuncRef)];
    }

    public LoadedModule LoadedModule { get; }

    /// <summary>Length of the memory image in bytes; 0 without a memory.</summary>
    public ulong MemoryBytes => Image?.LengthBytes ?? 0;

    internal MemoryImage? Image { get; }

    /// <summary>Freezes the state of an instance; the instance goes on unchanged.</summary>
    /// <exception cref="InvalidOperationException">The instance shares memory, tables, globals or functions with another one, or is running.</exception>
    public static Snapshot Take(Instance instance)
    {
        ObjectDisposedException.ThrowIf(instance.IsDisposed, instance);
        if (instance.Group.IsRunning) throw new InvalidOperationException("A snapshot cannot be taken while a guest runs in the instance.");
        if (instance.Group.IsShared) throw new InvalidOperationException("Only an instance that is linked with nothing but host functions can be a snapshot.");
        if (instance.Group.Record->IsAbandoned != 0) throw new InvalidOperationException("The instance was stopped in the middle of its work.");
        return new Snapshot(instance, instance.Memory is { } memory ? MemoryImage.Of(memory, instance.Image) : null);
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 0) Image?.Release();
    }

    /// <summary>A new instance in the state of the snapshot.</summary>
    internal Instance Clone(InstancePool pool, MemoryImage? image)
    {
        var clone = new Instance(LoadedModule, _options) { Pool = pool, Image = image?.AddReference() };
        try
        {
            _context.CopyTo(clone.Context.Bytes);
            *clone.Context.HostData = clone.SelfHandle;
            foreach (ref var record in clone.Context.Functions) record = Move(record, clone);
            for (int index = 0; index < _tables.Length; index++)
            {
                var type = LoadedModule.Module.Tables[index];
                var table = GuestTable.Create(type with { Limits = type.Limits with { Minimum = (uint)_tables[index].Length } }, _options.MaximumTableElements, clone);
                InstanceBuilder.SetTable(clone, index, table);
                RestoreTable(clone, index);
            }

            if (image is not null) clone.Memories[0] = GuestMemory.Create(LoadedModule.Module.Memories[0], _options.MaximumMemoryPages, clone, image);
            InstanceBuilder.WriteMemory(clone);
            RestoreState(clone);
            clone.HasOtherChanges = false;
            if (image is not null && LoadedModule.Code.MarksWrites && !_writesTables && image.LengthBytes <= WriteMarks.LongestMemoryBytes) clone.CloneRecord = RecordOf(clone, image);
            return clone;
        }
        catch
        {
            clone.Dispose();
            throw;
        }
    }

    /// <summary>Gives a clone everything of the snapshot back, except for the contents of its memory.</summary>
    // SAFETY: no guest runs in the clone.
    internal void Reset(Instance clone)
    {
        RestoreState(clone);
        for (int index = 0; index < _tables.Length; index++)
        {
            if (_writesTables || clone.Tables[index].IsChangedByHost) RestoreTable(clone, index);
        }

        clone.HostException = null;
        clone.LastTrap = null;
        clone.WasStopped = clone.HasOtherChanges = false;
        clone.Group.Record->IsAbandoned = 0;
    }

    // SAFETY: memory, view and globals live as long as the clone, which frees the record.
    private static CloneRecord* RecordOf(Instance clone, MemoryImage image)
    {
        var globals = MemoryMarshal.Cast<byte, ulong>(clone.Context.GlobalBytes);
        var record = (CloneRecord*)NativeMemory.Alloc((nuint)(sizeof(CloneRecord) + (globals.Length * sizeof(ulong))));
        *record = new CloneRecord
        {
            Memory = clone.Memory!.Record->Base,
            View = image.View,
            LengthBytes = image.LengthBytes,
            Globals = (ulong*)clone.Context.Global(0),
            GlobalsWordCount = (ulong)globals.Length,
        };
        globals.CopyTo(new Span<ulong>(record + 1, globals.Length));
        return record;
    }

    private void RestoreState(Instance clone)
    {
        var globals = clone.Context.GlobalBytes;
        _context.AsSpan(ContextHeader.Size, globals.Length).CopyTo(globals);
        foreach (uint index in _referenceGlobals)
        {
            var reference = (ulong*)clone.Context.Global(index);
            *reference = Move(*reference, clone);
        }

        if (_droppedData.Length > 0) _droppedData.CopyTo(clone.DroppedData.AsSpan());
        if (_droppedElements.Length > 0) _droppedElements.CopyTo(clone.DroppedElements.AsSpan());
    }

    private void RestoreTable(Instance clone, int index)
    {
        var elements = clone.Tables[index].Restore(_tables[index].Length);
        for (int element = 0; element < elements.Length; element++) elements[element] = Move(_tables[index][element], clone);
    }

    // Null elements and host handles (externref) have no context; everything else is moved.
    private FunctionRecord Move(in FunctionRecord record, Instance clone) => record.Context == 0 ? record : record with
    {
        Context = (nint)Move((ulong)record.Context, clone),
        Self = Move(record.Self, clone),
    };

    private ulong Move(ulong address, Instance clone) => address - _contextAddress < (ulong)_context.Length
        ? (ulong)clone.Context.Address + (address - _contextAddress)
        : address;
}
