// The header functions of the host table.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Bimetal.Plugins.Streams;

namespace Bimetal.Plugins.Native;

internal static unsafe partial class NativeHost
{
    // SAFETY: as said in NativeHost.cs.
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int HeaderGet(ulong handle, uint map, byte* name, nuint nameLength, NativeSlice* value)
    {
        var stream = StreamSlot.Find(handle);
        if (stream is null) return NotFound;
        try
        {
            if (value is null || !TryReadable(stream, map, out var fields) || !TryRead(name, nameLength, out var nameBytes)) return BadArgument;
            return fields.TryGet(nameBytes, out var found) ? Lend(stream, found.Span, value) : NotFound;
        }
        catch (Exception exception)
        {
            return Caught(stream.Plugin, exception);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int HeaderSet(ulong handle, uint map, byte* name, nuint nameLength, byte* value, nuint valueLength)
    {
        var stream = StreamSlot.Find(handle);
        if (stream is null) return NotFound;
        try
        {
            if (map > 3 || !TryRead(name, nameLength, out var nameBytes) || !TryRead(value, valueLength, out var valueBytes)) return BadArgument;
            return (int)stream.View.ReplaceHeader((HeaderMapKind)map, nameBytes, valueBytes);
        }
        catch (Exception exception)
        {
            return Caught(stream.Plugin, exception);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int HeaderAdd(ulong handle, uint map, byte* name, nuint nameLength, byte* value, nuint valueLength)
    {
        var stream = StreamSlot.Find(handle);
        if (stream is null) return NotFound;
        try
        {
            if (map > 3 || !TryRead(name, nameLength, out var nameBytes) || !TryRead(value, valueLength, out var valueBytes)) return BadArgument;
            return (int)stream.View.AddHeader((HeaderMapKind)map, nameBytes, valueBytes);
        }
        catch (Exception exception)
        {
            return Caught(stream.Plugin, exception);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int HeaderRemove(ulong handle, uint map, byte* name, nuint nameLength)
    {
        var stream = StreamSlot.Find(handle);
        if (stream is null) return NotFound;
        try
        {
            if (map > 3 || !TryRead(name, nameLength, out var nameBytes)) return BadArgument;
            return (int)stream.View.RemoveHeader((HeaderMapKind)map, nameBytes);
        }
        catch (Exception exception)
        {
            return Caught(stream.Plugin, exception);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int HeaderCount(ulong handle, uint map, nuint* count)
    {
        var stream = StreamSlot.Find(handle);
        if (stream is null) return NotFound;
        try
        {
            if (count is null || !TryReadable(stream, map, out var fields)) return BadArgument;
            *count = (nuint)fields.Count;
            return Ok;
        }
        catch (Exception exception)
        {
            return Caught(stream.Plugin, exception);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int HeaderAt(ulong handle, uint map, nuint index, NativeField* field)
    {
        var stream = StreamSlot.Find(handle);
        if (stream is null) return NotFound;
        try
        {
            if (field is null || !TryReadable(stream, map, out var fields)) return BadArgument;
            if (index >= (nuint)fields.Count) return NotFound;
            var (name, value) = fields[(int)index];
            NativeField lent = default;
            int status = Lend(stream, name.Span, &lent.Name);
            if (status == Ok) status = Lend(stream, value.Span, &lent.Value);
            if (status == Ok) *field = lent;
            return status;
        }
        catch (Exception exception)
        {
            return Caught(stream.Plugin, exception);
        }
    }

    private static bool TryReadable(NativePluginStream stream, uint map, out HeaderMap fields)
    {
        var readable = map > 3 ? null : stream.View.ReadableMap((HeaderMapKind)map);
        fields = readable!;
        return readable is not null;
    }
}
