// One call of a host function by a guest: its arguments, checked against the guest's memory before anything is read or written, and the
// ways to hand a result back. Run is the one place through which every host function goes, so that no exception can leave it.

using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Bimetal.Plugins.Streams;
using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Runtime;

namespace Bimetal.Plugins.ProxyWasm;

/// <summary>Arguments and results of one host call. Argument numbers count from 0.</summary>
internal unsafe ref struct HostCall
{
    // SAFETY: points at the argument buffer of the guest's import thunk, which lives until the host function returns and has a slot for
    // each argument of the function's type and at least one for its result.
    private readonly ulong* _slots;
    private TrapCode _trap;

    private HostCall(GuestInstance guest, ulong* slots)
    {
        Guest = guest;
        _slots = slots;
    }

    public GuestInstance Guest { get; }

    /// <summary>The stream whose context is in effect; null in the root context.</summary>
    public StreamView? View => Guest.EffectiveStream?.View;

    /// <summary>Runs the body of a host function and stores its status as the result.</summary>
    /// <returns>A <see cref="TrapCode"/>: not None when the guest must stop.</returns>
    public static int Run(nint context, ulong* slots, delegate*<ref HostCall, HostStatus> body)
    {
        // SAFETY: called only by import thunks of compiled code, which pass their own context and a buffer as described above.
        var instance = Instance.FromContext(context);
        if (instance.HostState is not GuestInstance guest) return Failed(instance, new InvalidOperationException("the instance has no host"));
        var call = new HostCall(guest, slots);
        guest.HostCalls++;
        try
        {
            slots[0] = (uint)body(ref call);
        }
        catch (Exception exception)
        {
            return Failed(instance, exception);
        }

        return (int)call._trap;
    }

    /// <summary><see cref="Run"/> for a function without a result, whose buffer may have no slot at all.</summary>
    public static int RunVoid(nint context, delegate*<ref HostCall, HostStatus> body)
    {
        // SAFETY: the buffer is one slot of this frame; bodies of functions without arguments read none.
        ulong slot = 0;
        return Run(context, &slot, body);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly uint Argument(int index) => (uint)_slots[index];

    public readonly ulong LongArgument(int index) => _slots[index];

    /// <summary>The bytes that a pointer and the length after it describe; false when they leave the memory.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly bool TryBytes(int pointerIndex, out ReadOnlySpan<byte> bytes) => Guest.Memory.TryRead(Argument(pointerIndex), Argument(pointerIndex + 1), out bytes);

    /// <summary>The place that a pointer argument describes, for a result of that size.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly bool TryTarget(int pointerIndex, uint lengthBytes, out Span<byte> target) =>
        Guest.Memory.TrySlice(Argument(pointerIndex), lengthBytes, out target);

    public readonly HostStatus ReturnUInt32(uint value, int pointerIndex) =>
        Guest.Memory.TryWrite(Argument(pointerIndex), value) ? HostStatus.Ok : HostStatus.InvalidMemoryAccess;

    public readonly HostStatus ReturnUInt64(ulong value, int pointerIndex)
    {
        if (!TryTarget(pointerIndex, sizeof(ulong), out var target)) return HostStatus.InvalidMemoryAccess;
        BinaryPrimitives.WriteUInt64LittleEndian(target, value);
        return HostStatus.Ok;
    }

    /// <summary>Copies bytes into memory that the guest allocates, and stores pointer and length where the arguments say.</summary>
    public HostStatus ReturnBytes(scoped ReadOnlySpan<byte> bytes, int pointerIndex, int lengthIndex)
    {
        var status = TryReserve((uint)bytes.Length, pointerIndex, lengthIndex, out var target);
        if (status == HostStatus.Ok) bytes.CopyTo(target);
        return status;
    }

    /// <summary>
    /// Has the guest allocate memory for a result, stores pointer and length where the arguments say, and gives the place to fill.
    /// An empty result is a null pointer.
    /// </summary>
    public HostStatus TryReserve(uint lengthBytes, int pointerIndex, int lengthIndex, out Span<byte> target)
    {
        target = default;

        // Both places are checked before the guest allocates, so that nothing leaks when one is wrong. Memory never shrinks while the guest runs.
        var memory = Guest.Memory;
        uint pointerTarget = Argument(pointerIndex), lengthTarget = Argument(lengthIndex);
        if (!memory.IsInside(pointerTarget, sizeof(uint)) || !memory.IsInside(lengthTarget, sizeof(uint))) return HostStatus.InvalidMemoryAccess;
        uint pointer = 0;
        if (lengthBytes > 0)
        {
            pointer = Guest.TakeFromArena(memory, lengthBytes);
            if (pointer == 0 && !TryAllocate(lengthBytes, out pointer)) return HostStatus.InternalFailure;
            if (!memory.TrySlice(pointer, lengthBytes, out target)) return WildAllocation(pointer, lengthBytes);
        }

        memory.TryWrite(pointerTarget, pointer);
        memory.TryWrite(lengthTarget, lengthBytes);
        return HostStatus.Ok;
    }

    private bool TryAllocate(uint lengthBytes, out uint pointer)
    {
        _trap = Guest.Allocate(lengthBytes, out pointer);
        return _trap == TrapCode.None && pointer != 0;
    }

    // An allocator that answers with memory it does not have is broken: its plugin must not go on.
    private HostStatus WildAllocation(uint pointer, uint lengthBytes) =>
        Trap($"the plugin's allocator returned 0x{pointer:x} for {lengthBytes} bytes, which is outside of its memory");

    private static int Failed(Instance instance, Exception exception)
    {
        instance.HostException = exception;
        return (int)TrapCode.HostError;
    }

    /// <summary>Ends the guest with a message; the status is never seen.</summary>
    public HostStatus Trap(string message)
    {
        Guest.Instance.HostException = new GuestContractException(message);
        _trap = TrapCode.HostError;
        return HostStatus.InternalFailure;
    }
}

/// <summary>A plugin broke the ABI in a way that it cannot be told about; the message is for its failure's detail.</summary>
internal sealed class GuestContractException(string message) : Exception(message);
