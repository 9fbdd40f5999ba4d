// poll_oneoff. Nothing is waited for: a host call cannot be interrupted, and a guest must not hold a thread by sleeping. Every clock is due at once, and
// every open descriptor is ready; a program that sleeps looks at the clock again, as after any early wake. Go's scheduler needs that.
//
//   subscription, 48 bytes: 0 user data, 8 kind, 16 clock or descriptor, …      event, 32 bytes: 0 user data, 8 error, 10 kind, …

using System.Buffers.Binary;

namespace Bimetal.Wasm.Engine.Wasi;

internal static class WasiPoll
{
    private const int SubscriptionBytes = 48;
    private const int EventBytes = 32;
    private const uint MaximumSubscriptions = 1024;

    private const uint MonotonicClock = 1;
    private const uint StandardError = 2;

    /// <summary>[address of subscriptions, address of events, how many subscriptions, address of how many events there are].</summary>
    internal static WasiErrno OneOff(in WasiCall call)
    {
        uint count = call.Argument(2);
        if (count is 0 or > MaximumSubscriptions) return WasiErrno.InvalidArgument;
        if (!call.TryRead(call.Argument(0), count * SubscriptionBytes, out var subscriptions) || !call.TrySlice(call.Argument(1), count * EventBytes, out var events))
            return WasiErrno.Fault;
        for (int index = 0; index < (int)count; index++) Answer(subscriptions[(index * SubscriptionBytes)..], events.Slice(index * EventBytes, EventBytes));
        return call.TryWrite(call.Argument(3), count) ? WasiErrno.Success : WasiErrno.Fault;
    }

    private static void Answer(ReadOnlySpan<byte> subscription, Span<byte> answer)
    {
        ulong userData = BinaryPrimitives.ReadUInt64LittleEndian(subscription);
        byte kind = subscription[8];
        uint about = BinaryPrimitives.ReadUInt32LittleEndian(subscription[16..]);
        var error = kind switch
        {
            0 => about <= MonotonicClock ? WasiErrno.Success : WasiErrno.NotSupported,
            1 or 2 => about <= StandardError ? WasiErrno.Success : WasiErrno.BadDescriptor,
            _ => WasiErrno.InvalidArgument,
        };
        answer.Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(answer, userData);
        BinaryPrimitives.WriteUInt16LittleEndian(answer[8..], (ushort)error);
        answer[10] = kind;
    }
}
