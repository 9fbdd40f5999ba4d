// Traps come back as codes, on any thread, with the collector running and managed null checks in between.

using System.Runtime.CompilerServices;
using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Runtime;

namespace Bimetal.Wasm.Engine;

internal static class TrapChecks
{
    private const int NullChecksPerTrap = 2;
    private const int TrapsPerOverflow = 50;
    private const uint BeyondMemory = 1 << 20;

    /// <summary>Every thread traps in every way while another one collects garbage all the time.</summary>
    public static string ManyThreads(SelfTestGuests guests, int threadCount, int trapCount)
    {
        int collectionsBefore = GC.CollectionCount(0);
        WithCollector(() => Threads.RunAll(threadCount, () => TrapManyTimes(guests, trapCount)));
        return $"{threadCount} threads, {threadCount * trapCount} traps, {threadCount * trapCount * NullChecksPerTrap} null checks, "
            + $"{GC.CollectionCount(0) - collectionsBefore} collections";
    }

    /// <summary>What a thread needs for guests (its alternate signal stack) goes when it ends.</summary>
    public static string ThreadsComeAndGo(SelfTestGuests guests)
    {
        const int ThreadCount = 200;
        using var instance = guests.NewInstance();
        Visit(20);
        int before = MappingCount();
        Visit(ThreadCount);
        int added = MappingCount() - before;
        SelfTestException.Require(added < ThreadCount / 4, $"{ThreadCount} threads left {added} mappings behind");
        return $"{ThreadCount} threads, {added} mappings more than before";

        void Visit(int count)
        {
            for (int index = 0; index < count; index++) Threads.Run(0, () => SelfTestGuests.RequireTrap(instance, TrapCode.MemoryOutOfBounds, "load", BeyondMemory));
        }

        static int MappingCount() => File.ReadLines("/proc/self/maps").Count();
    }

    /// <summary>Recursion ends at the same depth on every thread whose stack is large enough, and host code always has room.</summary>
    public static string StackOverflow(SelfTestGuests guests)
    {
        var depths = new List<uint>();
        foreach (int stackBytes in (int[])[0, 4 << 20, 64 << 20])
        {
            Threads.Run(stackBytes, () =>
            {
                using var instance = guests.NewInstance();
                for (int round = 0; round < 3; round++)
                {
                    SelfTestGuests.RequireTrap(instance, TrapCode.StackOverflow, "recurse");
                    depths.Add(SelfTestGuests.Call(instance, "take_depth"));
                }
            });
        }

        SelfTestException.Require(depths.Min() > 1000, $"recursion ended after {depths.Min()} frames");
        SelfTestException.Require(depths.Max() - depths.Min() <= depths.Max() / 10, $"recursion ended between {depths.Min()} and {depths.Max()} frames");
        return $"{depths.Min()} to {depths.Max()} frames on threads of 3 stack sizes";
    }

    /// <summary>A host function enters guests that trap, and the outer guest goes on to its own end.</summary>
    public static string NestedEntries(SelfTestGuests guests)
    {
        const int Depth = 20;
        using var leaf = guests.NewInstance();
        Action next = () => SelfTestGuests.RequireTrap(leaf, TrapCode.MemoryOutOfBounds, "load", BeyondMemory);
        var levels = new List<Instance>();
        for (int level = 0; level < Depth; level++)
        {
            var instance = guests.NewInstance();
            var inner = next;
            instance.HostState = inner;
            next = () =>
            {
                SelfTestGuests.RequireTrap(instance, TrapCode.MemoryOutOfBounds, "invoke", BeyondMemory);
                SelfTestException.Require(SelfTestGuests.Call(instance, "invoke", 0) == 0, "the outer guest lost its result");
            };
            // Each level would double the calls below it.
            if (level > 5) next = () => SelfTestGuests.RequireTrap(instance, TrapCode.MemoryOutOfBounds, "invoke", BeyondMemory);
            levels.Add(instance);
        }

        next();
        foreach (var instance in levels)
        {
            SelfTestException.Require(instance.HostException is null, $"a host function failed: {instance.HostException?.Message}");
            instance.Dispose();
        }

        return $"{Depth} deep";
    }

    private static void TrapManyTimes(SelfTestGuests guests, int trapCount)
    {
        using var instance = guests.NewInstance();
        for (int count = 0; count < trapCount; count++)
        {
            switch (count % 4)
            {
                case 0: SelfTestGuests.RequireTrap(instance, TrapCode.MemoryOutOfBounds, "load", BeyondMemory + (uint)count); break;
                case 1: SelfTestGuests.RequireTrap(instance, TrapCode.MemoryOutOfBounds, "fill", BeyondMemory - 8, 4096, 1); break;
                case 2: SelfTestGuests.RequireTrap(instance, TrapCode.IntegerDivideByZero, "divide", 1, 0); break;
                default: SelfTestGuests.RequireTrap(instance, TrapCode.Unreachable, "unreachable"); break;
            }

            if (count % TrapsPerOverflow == 0) SelfTestGuests.RequireTrap(instance, TrapCode.StackOverflow, "recurse");
            for (int check = 0; check < NullChecksPerTrap; check++) SelfTestException.Require(NullCheckThrows(), "a managed null check did not throw");
            SelfTestException.Require(SelfTestGuests.Call(instance, "add", (uint)count) == count + 1, "a call after a trap went wrong");
        }
    }

    /// <summary>Runs work while another thread makes garbage and collects it all the time.</summary>
    public static void WithCollector(Action work)
    {
        using var stop = new CancellationTokenSource();
        var collector = new Thread(() => CollectUntil(stop.Token));
        collector.Start();
        try
        {
            work();
        }
        finally
        {
            stop.Cancel();
            collector.Join();
        }
    }

    /// <summary>Whether a load through null is still the runtime's NullReferenceException.</summary>
    public static bool NullCheckThrows()
    {
        try
        {
            return LengthOf(null) < 0;
        }
        catch (NullReferenceException)
        {
            return true;
        }
    }

    // A load through null: the fault is the .NET runtime's own, and has to reach it.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int LengthOf(byte[]? array) => array!.Length;

    private static void CollectUntil(CancellationToken stop)
    {
        object[] garbage = new object[256];
        for (int round = 0; !stop.IsCancellationRequested; round++)
        {
            for (int index = 0; index < garbage.Length; index++) garbage[index] = new byte[index];
            GC.Collect(round % 3);
            Thread.Sleep(1);    // the guests need some of the time as well
        }
    }
}
