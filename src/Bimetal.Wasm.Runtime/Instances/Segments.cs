// Data and element segments: what memory.init, table.init and instantiation do with them. Bounds are checked before any write.

using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Runtime;

internal static unsafe class Segments
{
    /// <summary>Active segments in the order of WebAssembly 2.0: all of the elements, then the data; each is dropped afterwards.</summary>
    public static TrapCode CopyActive(Instance instance)
    {
        var module = instance.LoadedModule.Module;
        for (int index = 0; index < module.Elements.Length; index++)
        {
            var segment = module.Elements[index];
            if (segment.Mode == SegmentMode.Active)
            {
                uint offset = (uint)ConstantEvaluator.Evaluate(instance, segment.Offset);
                var trap = InitializeTable(instance, (uint)index, segment.TableIndex, offset, 0, (uint)segment.Items.Length);
                if (trap != TrapCode.None) return trap;
            }

            if (segment.Mode != SegmentMode.Passive) instance.DropElements(index);
        }

        for (int index = 0; index < module.DataSegments.Length; index++)
        {
            var segment = module.DataSegments[index];
            if (segment.Mode != SegmentMode.Active) continue;
            uint offset = (uint)ConstantEvaluator.Evaluate(instance, segment.Offset);
            var trap = InitializeMemory(instance, (uint)index, segment.MemoryIndex, offset, 0, (uint)segment.DataLength);
            if (trap != TrapCode.None) return trap;
            instance.DropData(index);
        }

        return TrapCode.None;
    }

    public static TrapCode InitializeMemory(Instance instance, uint segmentIndex, uint memoryIndex, uint destination, uint source, uint length)
    {
        var module = instance.LoadedModule.Module;
        var segment = module.DataSegments[(int)segmentIndex];
        uint available = instance.DroppedData[segmentIndex] ? 0 : (uint)segment.DataLength;
        if (source > available || available - source < length) return TrapCode.MemoryOutOfBounds;
        if (!instance.Memories[memoryIndex].TrySlice(destination, length, out var target)) return TrapCode.MemoryOutOfBounds;
        if (length != 0) module.Slice(segment.DataOffset + (int)source, (int)length).CopyTo(target);
        return TrapCode.None;
    }

    public static TrapCode InitializeTable(Instance instance, uint segmentIndex, uint tableIndex, uint destination, uint source, uint length)
    {
        var segment = instance.LoadedModule.Module.Elements[(int)segmentIndex];
        var table = instance.Tables[tableIndex];
        uint available = instance.DroppedElements[segmentIndex] ? 0 : (uint)segment.Items.Length;
        if (source > available || available - source < length) return TrapCode.TableOutOfBounds;
        if (destination > table.Length || table.Length - destination < length) return TrapCode.TableOutOfBounds;
        for (uint index = 0; index < length; index++)
        {
            var item = segment.Items[(int)(source + index)];
            ulong reference = item.Expression is { } expression
                ? (ulong)ConstantEvaluator.Evaluate(instance, expression)
                : ConstantEvaluator.ReferenceTo(instance, item.FunctionIndex);
            table.Elements[(int)(destination + index)] = table.RecordOf(reference);
        }

        return TrapCode.None;
    }

    public static TrapCode FillTable(GuestTable table, uint index, ulong reference, uint length)
    {
        if (index > table.Length || table.Length - index < length) return TrapCode.TableOutOfBounds;
        table.Elements.Slice((int)index, (int)length).Fill(table.RecordOf(reference));
        return TrapCode.None;
    }

    /// <summary>Ranges may overlap, also when both tables are the same.</summary>
    public static TrapCode CopyTable(GuestTable target, GuestTable source, uint destination, uint start, uint length)
    {
        if (start > source.Length || source.Length - start < length) return TrapCode.TableOutOfBounds;
        if (destination > target.Length || target.Length - destination < length) return TrapCode.TableOutOfBounds;
        source.Elements.Slice((int)start, (int)length).CopyTo(target.Elements[(int)destination..]);
        return TrapCode.None;
    }
}
