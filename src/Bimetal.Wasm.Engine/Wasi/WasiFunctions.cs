// The host functions themselves: one entry per kind of answer, each `int f(context, u64* buffer)`. Nothing may escape from them, so all
// go through Run.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Runtime;

namespace Bimetal.Wasm.Engine.Wasi;

internal static unsafe class WasiFunctions
{
    private const int MaximumArguments = 9;

    internal static nint ArgsGet => Entry(&OnArgsGet);

    internal static nint ArgsSizesGet => Entry(&OnArgsSizesGet);

    internal static nint EnvironGet => Entry(&OnEnvironGet);

    internal static nint EnvironSizesGet => Entry(&OnEnvironSizesGet);

    internal static nint ClockResGet => Entry(&OnClockResGet);

    internal static nint ClockTimeGet => Entry(&OnClockTimeGet);

    internal static nint RandomGet => Entry(&OnRandomGet);

    internal static nint FdWrite => Entry(&OnFdWrite);

    internal static nint FdRead => Entry(&OnFdRead);

    internal static nint FdClose => Entry(&OnFdClose);

    internal static nint FdSeek => Entry(&OnFdSeek);

    internal static nint FdStatus => Entry(&OnFdStatus);

    internal static nint FdFileStatus => Entry(&OnFdFileStatus);

    internal static nint FdPreopened => Entry(&OnFdPreopened);

    internal static nint FdFileOperation => Entry(&OnFdFileOperation);

    internal static nint NotOffered => Entry(&OnNotOffered);

    internal static nint PollOneOff => Entry(&OnPollOneOff);

    internal static nint Yield => Entry(&OnYield);

    internal static nint ProcExit => Entry(&OnProcExit);

    private static nint Entry(delegate* unmanaged[Cdecl]<nint, ulong*, int> function) => (nint)function;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int OnArgsGet(nint context, ulong* buffer) => Run(context, buffer, 2, static (in call) => WasiStrings.Get(in call, call.State.Arguments));

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int OnArgsSizesGet(nint context, ulong* buffer) => Run(context, buffer, 2, static (in call) => WasiStrings.Sizes(in call, call.State.Arguments));

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int OnEnvironGet(nint context, ulong* buffer) => Run(context, buffer, 2, static (in call) => WasiStrings.Get(in call, call.State.Environment));

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int OnEnvironSizesGet(nint context, ulong* buffer) => Run(context, buffer, 2, static (in call) => WasiStrings.Sizes(in call, call.State.Environment));

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int OnClockResGet(nint context, ulong* buffer) => Run(context, buffer, 2, WasiClocks.ResolutionGet);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int OnClockTimeGet(nint context, ulong* buffer) => Run(context, buffer, 3, WasiClocks.TimeGet);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int OnRandomGet(nint context, ulong* buffer) => Run(context, buffer, 2, WasiClocks.RandomGet);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int OnFdWrite(nint context, ulong* buffer) => Run(context, buffer, 4, WasiDescriptors.Write);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int OnFdRead(nint context, ulong* buffer) => Run(context, buffer, 4, WasiDescriptors.Read);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int OnFdClose(nint context, ulong* buffer) => Run(context, buffer, 1, WasiDescriptors.Close);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int OnFdSeek(nint context, ulong* buffer) => Run(context, buffer, 1, WasiDescriptors.Seek);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int OnFdStatus(nint context, ulong* buffer) => Run(context, buffer, 2, WasiDescriptors.Status);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int OnFdFileStatus(nint context, ulong* buffer) => Run(context, buffer, 2, WasiDescriptors.FileStatus);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int OnFdPreopened(nint context, ulong* buffer) => Run(context, buffer, 1, WasiDescriptors.PreopenedFolder);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int OnFdFileOperation(nint context, ulong* buffer) => Run(context, buffer, 1, WasiDescriptors.FileOperation);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int OnNotOffered(nint context, ulong* buffer) => Run(context, buffer, 1, static (in _) => WasiErrno.NoSuchFunction);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int OnPollOneOff(nint context, ulong* buffer) => Run(context, buffer, 4, WasiPoll.OneOff);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int OnYield(nint context, ulong* buffer) => Run(context, buffer, 1, static (in _) => WasiErrno.Success);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int OnProcExit(nint context, ulong* buffer)
    {
        int result = Run(context, buffer, 1, static (in call) =>
        {
            call.State.ExitCode = (int)call.Argument(0);
            return WasiErrno.Success;
        });
        return result == (int)TrapCode.None ? (int)TrapCode.Exit : result;
    }

    // SAFETY: the thunk's buffer has a slot for every argument and at least one for the result; it outlives the call, which copies first.
    private static int Run(nint context, ulong* buffer, int argumentCount, Operation operation)
    {
        Instance? instance = null;
        try
        {
            instance = Instance.FromContext(context);
            Span<ulong> arguments = stackalloc ulong[MaximumArguments];
            new ReadOnlySpan<ulong>(buffer, argumentCount).CopyTo(arguments);
            var host = instance.HostState as IWasiHost ?? throw new InvalidOperationException("the instance has no WASI state");
            buffer[0] = (ushort)operation(new WasiCall(host.Wasi, instance.Memory, arguments[..argumentCount]));
            return (int)TrapCode.None;
        }
        catch (Exception exception)
        {
            instance?.HostException = exception;
            return (int)TrapCode.HostError;
        }
    }

    private delegate WasiErrno Operation(in WasiCall call);
}
