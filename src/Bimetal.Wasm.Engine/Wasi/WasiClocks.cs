// clock_* and random_get.

namespace Bimetal.Wasm.Engine.Wasi;

internal static class WasiClocks
{
    private const uint Realtime = 0;
    private const uint Monotonic = 1;
    private const uint ThreadCpuTime = 3;
    private const ulong NanosecondsPerSecond = 1_000_000_000;
    private const ulong NanosecondsPerTick = 100;

    // A host call cannot be interrupted, so what one may cost is bounded. The C library asks for at most 256 bytes at once.
    private const uint MaximumRandomBytes = 64 << 10;

    /// <summary>[clock, precision (ignored), address of the time in nanoseconds].</summary>
    internal static WasiErrno TimeGet(in WasiCall call) => call.Argument(0) switch
    {
        Realtime => Store(in call, addressArgument: 2, (ulong)(call.State.Clock.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks * NanosecondsPerTick),
        Monotonic => Store(in call, addressArgument: 2, MonotonicNanoseconds(call.State.Clock)),
        <= ThreadCpuTime => WasiErrno.NotSupported,
        _ => WasiErrno.InvalidArgument,
    };

    /// <summary>[clock, address of the resolution in nanoseconds].</summary>
    internal static WasiErrno ResolutionGet(in WasiCall call) => call.Argument(0) switch
    {
        Realtime => Store(in call, addressArgument: 1, NanosecondsPerTick),
        Monotonic => Store(in call, addressArgument: 1, Math.Max(1, NanosecondsPerSecond / (ulong)call.State.Clock.TimestampFrequency)),
        <= ThreadCpuTime => WasiErrno.NotSupported,
        _ => WasiErrno.InvalidArgument,
    };

    /// <summary>[address, length].</summary>
    internal static WasiErrno RandomGet(in WasiCall call)
    {
        uint length = call.Argument(1);
        if (length > MaximumRandomBytes) return WasiErrno.InvalidArgument;
        if (!call.TrySlice(call.Argument(0), length, out var bytes)) return WasiErrno.Fault;
        call.State.FillRandom(bytes);
        return WasiErrno.Success;
    }

    private static WasiErrno Store(in WasiCall call, int addressArgument, ulong nanoseconds) =>
        call.TryWrite(call.Argument(addressArgument), nanoseconds) ? WasiErrno.Success : WasiErrno.Fault;

    private static ulong MonotonicNanoseconds(TimeProvider clock) =>
        (ulong)((UInt128)clock.GetTimestamp() * NanosecondsPerSecond / (ulong)clock.TimestampFrequency);
}
