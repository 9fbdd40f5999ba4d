// The runtime's own operations that guest code calls through its context (Abi/ContextLayout.cs, enum Builtin). Like every host
// function they run as managed code called from a guest: no exception may leave them.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Bimetal.Wasm.Abi;

namespace Bimetal.Wasm.Runtime;

internal static unsafe class Builtins
{
    private const uint Failed = uint.MaxValue;

    /// <summary>Every operation and the address of its function.</summary>
    public static (Builtin Operation, nint Entry)[] All { get; } =
    [
        (Builtin.MemoryGrow, Address(&MemoryGrow)),
        (Builtin.MemoryInit, Address(&MemoryInit)),
        (Builtin.DataDrop, Address(&DataDrop)),
        (Builtin.TableGrow, Address(&TableGrow)),
        (Builtin.TableFill, Address(&TableFill)),
        (Builtin.TableCopy, Address(&TableCopy)),
        (Builtin.TableInit, Address(&TableInit)),
        (Builtin.ElementDrop, Address(&ElementDrop)),
    ];

    private static nint Address(delegate* unmanaged[Cdecl]<nint, ulong*, int> function) => (nint)function;

    // SAFETY (all members): the context is that of a running instance; the buffer has the slots that enum Builtin names, written by
    // compiled code; indices of memories, tables and segments are constants that the validator has checked.
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int MemoryGrow(nint context, ulong* buffer)
    {
        try
        {
            var memory = Instance.FromContext(context).Memories[buffer[0]];
            buffer[0] = memory.TryGrow((uint)buffer[1], out uint oldPages) ? oldPages : Failed;
            return (int)TrapCode.None;
        }
        catch (Exception exception)
        {
            return Fail(context, exception);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int MemoryInit(nint context, ulong* buffer)
    {
        try
        {
            return (int)Segments.InitializeMemory(
                Instance.FromContext(context), (uint)buffer[0], (uint)buffer[1], (uint)buffer[2], (uint)buffer[3], (uint)buffer[4]);
        }
        catch (Exception exception)
        {
            return Fail(context, exception);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int DataDrop(nint context, ulong* buffer)
    {
        try
        {
            Instance.FromContext(context).DropData((int)buffer[0]);
            return (int)TrapCode.None;
        }
        catch (Exception exception)
        {
            return Fail(context, exception);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int TableGrow(nint context, ulong* buffer)
    {
        try
        {
            var table = Instance.FromContext(context).Tables[buffer[0]];
            buffer[0] = table.TryGrow((uint)buffer[2], buffer[1], out uint oldLength) ? oldLength : Failed;
            return (int)TrapCode.None;
        }
        catch (Exception exception)
        {
            return Fail(context, exception);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int TableFill(nint context, ulong* buffer)
    {
        try
        {
            return (int)Segments.FillTable(Instance.FromContext(context).Tables[buffer[0]], (uint)buffer[1], buffer[2], (uint)buffer[3]);
        }
        catch (Exception exception)
        {
            return Fail(context, exception);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int TableCopy(nint context, ulong* buffer)
    {
        try
        {
            var tables = Instance.FromContext(context).Tables;
            return (int)Segments.CopyTable(tables[buffer[0]], tables[buffer[1]], (uint)buffer[2], (uint)buffer[3], (uint)buffer[4]);
        }
        catch (Exception exception)
        {
            return Fail(context, exception);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int TableInit(nint context, ulong* buffer)
    {
        try
        {
            return (int)Segments.InitializeTable(
                Instance.FromContext(context), (uint)buffer[0], (uint)buffer[1], (uint)buffer[2], (uint)buffer[3], (uint)buffer[4]);
        }
        catch (Exception exception)
        {
            return Fail(context, exception);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int ElementDrop(nint context, ulong* buffer)
    {
        try
        {
            Instance.FromContext(context).DropElements((int)buffer[0]);
            return (int)TrapCode.None;
        }
        catch (Exception exception)
        {
            return Fail(context, exception);
        }
    }

    private static int Fail(nint context, Exception exception)
    {
        Instance.FromContext(context).HostException = exception;
        return (int)TrapCode.HostError;
    }
}
