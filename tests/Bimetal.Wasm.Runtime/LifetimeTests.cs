// Mappings, files and memory of the process stay flat however many instances, clones, images and threads come and go.

using System.Runtime.CompilerServices;
using Bimetal.Wasm.Runtime;

namespace Bimetal.Wasm.Runtime.Tests;

/// <summary>Nothing is left behind: neither mappings nor memory nor files.</summary>
[Collection("Counts mappings")]
public sealed class LifetimeTests
{
    private const string Text = "(module (memory 4) (table 10 funcref) (func $f (export \"touch\") (i32.store (i32.const 100000) (i32.const 1))) (elem (i32.const 0) $f))";

    [Fact]
    public void Instances_ComeAndGo_WithoutTrace()
    {
        using var guest = new Guest(Text);
        Create(guest, 300);
        var before = Footprint.Take();
        Create(guest, 3000);
        Footprint.Take().RequireNoMoreThan(before);
    }

    [Fact]
    public void Clones_ComeAndGo_WithoutTrace()
    {
        using var guest = new Guest(Text);
        Clone(guest, 100);
        var before = Footprint.Take();
        Clone(guest, 1000);
        Footprint.Take().RequireNoMoreThan(before);
    }

    [Fact]
    public void Code_ComesAndGoes_WithoutTrace()
    {
        for (int round = 0; round < 20; round++) new Guest(Text).Dispose();
        var before = Footprint.Take();
        for (int round = 0; round < 300; round++) new Guest(Text).Dispose();
        Footprint.Take().RequireNoMoreThan(before);
    }

    [Fact]
    public void Threads_ComeAndGo_WithoutTrace()
    {
        using var guest = new Guest(Text);
        Visit(guest, 50);
        var before = Footprint.Take();
        Visit(guest, 500);
        Footprint.Take().RequireNoMoreThan(before);
    }

    [Fact]
    public void Instances_ThatNobodyDisposed_AreFreedByTheCollector()
    {
        Forget(100);
        var before = Footprint.Take();
        Forget(600);
        Footprint.Take().RequireNoMoreThan(before);
    }

    private static void Create(Guest guest, int count)
    {
        for (int round = 0; round < count; round++)
        {
            using var instance = Instance.Create(guest.Loaded, new ImportSet(), InstanceOptions.Default);
            instance.Initialize(CallLimits.None);
            Guest.Run(instance, CallLimits.None, "touch");
        }
    }

    private static void Clone(Guest guest, int count)
    {
        for (int round = 0; round < count; round++)
        {
            using var snapshot = Snapshot.Take(guest.Instance);
            using var pool = new InstancePool(snapshot, 2);
            var instance = pool.TryRent()!;
            Guest.Run(instance, CallLimits.None, "touch");
            pool.Return(instance);
            instance = pool.TryRent()!;
            Guest.Run(instance, CallLimits.None, "touch");
            pool.Return(instance);
        }
    }

    private static void Visit(Guest guest, int count)
    {
        for (int round = 0; round < count; round++)
        {
            var thread = new Thread(() => guest.Run("touch"));
            thread.Start();
            thread.Join();
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Forget(int count)
    {
        for (int round = 0; round < count; round++)
        {
            var guest = new Guest(Text);
            guest.Run("touch");
            if (round % 50 == 0) Footprint.Collect();
        }
    }

    private sealed record Footprint(int Mappings, int Files, long ResidentKiB)
    {
        public static Footprint Take()
        {
            Collect();
            long resident = File.ReadLines("/proc/self/status").Where(line => line.StartsWith("VmRSS:", StringComparison.Ordinal))
                .Select(line => long.Parse(line[6..^2].Trim(), System.Globalization.CultureInfo.InvariantCulture)).Single();
            return new Footprint(File.ReadLines("/proc/self/maps").Count(), Directory.GetFiles("/proc/self/fd").Length, resident);
        }

        public static void Collect()
        {
            for (int round = 0; round < 3; round++)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }
        }

        // The runtime keeps up to 64 reservations for the next memories, and the collector some memory for itself.
        public void RequireNoMoreThan(Footprint before)
        {
            Assert.InRange(Mappings, 0, before.Mappings + 140);
            Assert.InRange(Files, 0, before.Files + 20);
            Assert.InRange(ResidentKiB, 0, before.ResidentKiB + (24 << 10));
        }
    }
}

/// <summary>These tests run alone: they count mappings and memory of the process.</summary>
[CollectionDefinition("Counts mappings", DisableParallelization = true)]
public sealed class CountsMappings;
