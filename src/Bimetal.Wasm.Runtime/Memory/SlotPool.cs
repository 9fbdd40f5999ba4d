// Address space for linear memories. A slot is 8 GiB + 64 KiB without access: everything that a 32-bit index, a 32-bit offset and a
// 16-byte access can reach, so that guests need no bounds checks. Released slots are kept for the next memory, up to a limit.

namespace Bimetal.Wasm.Runtime;

internal static unsafe class SlotPool
{
    private const int MaximumIdleSlots = 64;

    private static readonly Lock Gate = new();
    private static readonly Stack<nint> Idle = new();

    public static byte* Take()
    {
        TrapSupport.EnsureReady();
        lock (Gate)
        {
            if (Idle.TryPop(out nint slot)) return (byte*)slot;
        }

        void* address;
        int error = Shim.SlotReserve(&address);
        if (error == 0) return (byte*)address;
        throw new InstanceLimitException(
            $"8 GiB of address space for a linear memory cannot be reserved: {ErrorText.Of(error)}. {AddressSpace.Describe()}: raise that limit, run fewer instances, "
            + "or compile with `--bounds explicit`, whose code needs no such reservation.");
    }

    /// <summary>Takes a slot back whose first <paramref name="usedBytes"/> bytes may have contents or mappings.</summary>
    // SAFETY: the memory that owned the slot is gone, so nothing reads or writes it any more.
    public static void Return(byte* slot, ulong usedBytes)
    {
        if (Shim.SlotClear(slot, usedBytes) == 0)
        {
            lock (Gate)
            {
                if (Idle.Count < MaximumIdleSlots)
                {
                    Idle.Push((nint)slot);
                    return;
                }
            }
        }

        Shim.SlotRelease(slot);
    }
}
