// Traps, deadlines and stack overflows by the hundred thousand on many threads, with the collector running and managed null checks in
// between: memory must stay flat, and nothing that is the host's may be taken for a guest's. The short form is a check of the self-test.

using System.Globalization;
using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Runtime;

namespace Bimetal.Wasm.Engine;

/// <summary>The storm: <c>bimetal doctor --storm COUNT</c>.</summary>
public static class Storm
{
    private const int ThreadCount = 8;
    private const int RoundLength = 100;
    private const int OverflowsPerRound = 4;
    private const int DeadlinesPerRound = 2;
    private const uint BeyondMemory = 1 << 20;

    // Half of what a leak of a hundred bytes for each of 300,000 traps would be.
    private const long ToleratedGrowthBytes = 16L << 20;

    private static readonly CallLimits Short = new(TimeSpan.FromMilliseconds(1));

    // Keeps the compiler from leaving the load out.
    private static volatile byte s_lastByte;

    /// <summary>Runs it and prints what it saw.</summary>
    /// <param name="output">Gets one line.</param>
    /// <param name="count">Guests that are stopped, in all.</param>
    /// <returns>Whether everything was as it should be.</returns>
    public static bool Run(TextWriter output, int count)
    {
        using var guests = new SelfTestGuests();
        try
        {
            output.WriteLine($"ok    storm: {Check(guests, count, checksMemory: true)}");
            return true;
        }
        catch (SelfTestException exception)
        {
            output.WriteLine($"FAIL  storm: {exception.Message}");
            return false;
        }
    }

    /// <summary>
    /// A host function reads far behind its guest's memory, at an address that a guest would trap for. The fault is the host's, so the process
    /// ends by it as it would without guests; returns only if it does not.
    /// </summary>
    public static unsafe void FaultInHost()
    {
        using var guests = new SelfTestGuests();
        using var instance = guests.NewInstance();
        instance.HostState = () =>
        {
            instance.Memory!.TrySlice(0, 1, out var first);
            // SAFETY: none; the fault is the purpose. The slot reserves 8 GiB, of which this is committed by nobody.
            fixed (byte* address = first) s_lastByte = address[5L << 30];
        };
        SelfTestGuests.Run(instance, "invoke", 0);
    }

    internal static string Check(SelfTestGuests guests, int count, bool checksMemory)
    {
        int rounds = Math.Max(1, count / RoundLength / ThreadCount);
        using var pool = guests.NewPool(ThreadCount);
        TrapChecks.WithCollector(() => Threads.RunAll(ThreadCount, () => RunRounds(guests, pool, Math.Max(1, rounds / 20))));
        long before = ResidentBytes();
        int collections = GC.CollectionCount(0);
        TrapChecks.WithCollector(() => Threads.RunAll(ThreadCount, () => RunRounds(guests, pool, rounds)));
        long after = ResidentBytes();
        if (checksMemory) SelfTestException.Require(after - before < ToleratedGrowthBytes, $"resident memory grew from {before >> 10} to {after >> 10} KiB");
        int total = rounds * ThreadCount;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{total * RoundLength} stopped guests on {ThreadCount} threads, {total * OverflowsPerRound} stack overflows and {total * DeadlinesPerRound} deadlines among them, "
            + $"{total * RoundLength} null checks, {GC.CollectionCount(0) - collections} collections, resident {before >> 10} to {after >> 10} KiB");
    }

    private static void RunRounds(SelfTestGuests guests, InstancePool pool, int rounds)
    {
        using var instance = guests.NewInstance();
        for (int round = 0; round < rounds; round++)
        {
            for (int index = 0; index < RoundLength; index++)
            {
                Stop(instance, pool, index);
                SelfTestException.Require(TrapChecks.NullCheckThrows(), "a managed null check did not throw");
            }

            SelfTestException.Require(SelfTestGuests.Call(instance, "add", (uint)round) == round + 1, "a call after traps went wrong");
        }
    }

    private static void Stop(Instance instance, InstancePool pool, int index)
    {
        if (index < OverflowsPerRound)
        {
            SelfTestGuests.RequireTrap(instance, TrapCode.StackOverflow, "recurse");
        }
        else if (index < OverflowsPerRound + DeadlinesPerRound)
        {
            var clone = pool.TryRent() ?? throw new SelfTestException("the pool has no instance");
            var trap = SelfTestGuests.Run(clone, Short, index % 2 == 0 ? "forever_writing" : "forever_calling");
            SelfTestException.Require(trap == TrapCode.DeadlineExceeded, $"an endless guest ended with '{trap.Message()}'");
            pool.Return(clone);
        }
        else
        {
            switch (index % 4)
            {
                case 0: SelfTestGuests.RequireTrap(instance, TrapCode.IntegerDivideByZero, "divide", 1, 0); break;
                case 1: SelfTestGuests.RequireTrap(instance, TrapCode.Unreachable, "unreachable"); break;
                case 2: SelfTestGuests.RequireTrap(instance, TrapCode.MemoryOutOfBounds, "fill", BeyondMemory - 8, 4096, 1); break;
                default: SelfTestGuests.RequireTrap(instance, TrapCode.MemoryOutOfBounds, "load", BeyondMemory + (uint)index); break;
            }
        }
    }

    private static long ResidentBytes()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        return Environment.WorkingSet;
    }
}
