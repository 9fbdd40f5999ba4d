// What one request writes, the next cannot see; what one instance reaches for, its neighbours do not notice.

using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Runtime;

namespace Bimetal.Wasm.Engine;

internal static class MemoryChecks
{
    private const uint PageBytes = 65_536;
    private const uint InitialPages = 16;
    private const uint GrownPages = 8;
    private const uint ImageAddress = 70_000;
    private static ReadOnlySpan<byte> Image => "image"u8;

    /// <summary>The greatest index with the greatest offset, beside live instances.</summary>
    public static string SlotEdge(SelfTestGuests guests)
    {
        const int InstanceCount = 8;
        var instances = Enumerable.Range(0, InstanceCount).Select(_ => guests.NewEdges()).ToList();
        foreach (var instance in instances)
        {
            instance.Memory!.TrySlice(0, (uint)instance.Memory.LengthBytes, out var bytes);
            bytes.Fill(0x5A);
        }

        foreach (var instance in instances)
        {
            foreach (uint index in (uint[])[0, 1, PageBytes, 0x7FFF_FFFF, 0xFFFF_FFF0, uint.MaxValue])
            {
                foreach (string export in (string[])["vector_load", "vector_store", "load", "store"])
                    SelfTestGuests.RequireTrap(instance, TrapCode.MemoryOutOfBounds, export, index);
            }

            SelfTestGuests.RequireTrap(instance, TrapCode.MemoryOutOfBounds, "last_load", PageBytes - 15);
            SelfTestGuests.RequireTrap(instance, TrapCode.MemoryOutOfBounds, "last_store", PageBytes - 15);
            SelfTestException.Require(SelfTestGuests.Call(instance, "last_load", PageBytes - 16) == 0x5A5A_5A5A, "the last 16 bytes of a memory cannot be read");
        }

        foreach (var instance in instances)
        {
            SelfTestException.Require(!Bytes(instance).ContainsAnyExcept((byte)0x5A), "an access at the edge reached a memory");
            instance.Dispose();
        }

        return $"{InstanceCount} memories side by side";
    }

    /// <summary>Every page written, memory and table grown, a segment dropped: nothing of it is left in the next rental.</summary>
    public static string Reset(SelfTestGuests guests) =>
        $"{Reset(guests, marksWrites: false)} written pages found ({TrapSupport.RestoreMethod}), {Reset(guests, marksWrites: true)} by their marks";

    private static long Reset(SelfTestGuests guests, bool marksWrites)
    {
        using var pool = guests.NewPool(1, marksWrites);
        long pages = 0;
        for (int round = 0; round < 4; round++)
        {
            var instance = pool.TryRent() ?? throw new SelfTestException("the pool has no instance");
            RequireFresh(instance, growsAlso: true);
            SelfTestGuests.Call(instance, "fill", 0, (InitialPages + GrownPages) * PageBytes, 0xA5);
            SelfTestGuests.Call(instance, "disturb");
            pages += pool.Return(instance);
        }

        var last = pool.TryRent()!;
        RequireFresh(last, growsAlso: false);
        pool.Return(last);
        return pages;
    }

    /// <summary>Also after a trap in the middle of a write, and after a deadline.</summary>
    public static string ResetAfterTraps(SelfTestGuests guests)
    {
        ResetAfterTraps(guests, marksWrites: false);
        ResetAfterTraps(guests, marksWrites: true);
        return "a fault, a deadline, with marks and without";
    }

    private static void ResetAfterTraps(SelfTestGuests guests, bool marksWrites)
    {
        using var pool = guests.NewPool(1, marksWrites);
        for (int round = 0; round < 3; round++)
        {
            var instance = pool.TryRent()!;
            RequireFresh(instance, growsAlso: false);
            SelfTestGuests.RequireTrap(instance, TrapCode.MemoryOutOfBounds, "load", InitialPages * PageBytes);
            SelfTestGuests.Call(instance, "disturb");
            SelfTestGuests.Call(instance, "dirty", 20);
            var trap = SelfTestGuests.Run(instance, new CallLimits(TimeSpan.FromMilliseconds(1)), "forever_filling");
            SelfTestException.Require(trap == TrapCode.DeadlineExceeded, $"an endless fill ended with '{trap.Message()}'");
            pool.Return(instance);
        }

        var last = pool.TryRent()!;
        RequireFresh(last, growsAlso: false);
        pool.Return(last);
    }

    private static void RequireFresh(Instance instance, bool growsAlso)
    {
        var memory = Bytes(instance);
        SelfTestException.Require(memory.Length == InitialPages * PageBytes, "a memory kept its length");
        SelfTestException.Require(memory.Slice((int)ImageAddress, Image.Length).SequenceEqual(Image), "the image was not restored");
        SelfTestException.Require(!memory[..(int)ImageAddress].ContainsAnyExcept((byte)0), "bytes of an earlier request are left");
        SelfTestException.Require(!memory[((int)ImageAddress + Image.Length)..].ContainsAnyExcept((byte)0), "bytes of an earlier request are left");
        SelfTestException.Require(SelfTestGuests.Call(instance, "counter") == 0, "a global kept its value");
        SelfTestException.Require(SelfTestGuests.Call(instance, "table_size") == 4, "a table kept its length");
        SelfTestException.Require(SelfTestGuests.Call(instance, "indirect", 0, 5) == 6, "a table element was not restored");
        SelfTestGuests.RequireTrap(instance, TrapCode.UninitializedElement, "indirect", 1, 0);
        SelfTestGuests.Call(instance, "use_spare");
        SelfTestException.Require(SelfTestGuests.Call(instance, "indirect", 2, 1) == 2, "a dropped segment stayed dropped");
        if (!growsAlso) return;
        SelfTestException.Require(SelfTestGuests.Call(instance, "grow", GrownPages) == InitialPages, "memory.grow");
        SelfTestException.Require(!Bytes(instance)[(int)(InitialPages * PageBytes)..].ContainsAnyExcept((byte)0), "grown pages have bytes of an earlier request");
    }

    private static ReadOnlySpan<byte> Bytes(Instance instance)
    {
        var memory = instance.Memory!;
        SelfTestException.Require(memory.TryRead(0, (uint)memory.LengthBytes, out var bytes), "the memory cannot be read");
        return bytes;
    }
}
