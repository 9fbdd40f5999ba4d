// Snapshots, clones and pools: the same state, nothing shared, nothing left over.

using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Runtime;

namespace Bimetal.Wasm.Runtime.Tests;

public sealed class SnapshotTests : IDisposable
{
    // No instruction changes the table: only the host can.
    private const string Text = """
        (module
          (import "env" "add" (func $add (param i32 i32) (result i32)))
          (memory (export "memory") 2 60)
          (table (export "table") 3 funcref)
          (global $count (export "count") (mut i32) (i32.const 1))
          (global $wide (mut v128) (v128.const i64x2 5 6))
          (global $function (export "function") (mut funcref) (ref.func $next))
          (global $handle (export "handle") (mut externref) (ref.null extern))
          (elem (i32.const 0) $next $add)
          (data (i32.const 5000) "first")
          (func $next (export "next") (result i32) (global.set $count (i32.add (global.get $count) (i32.const 1))) (global.get $count))
          (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))
          (func (export "store") (param i32 i32) (i32.store8 (local.get 0) (local.get 1)))
          (func (export "fill") (param i32 i32 i32) (memory.fill (local.get 0) (local.get 1) (local.get 2)))
          (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
          (func (export "wide") (result v128) (global.get $wide))
          (func (export "through") (param i32) (result i32) (call_indirect (result i32) (local.get 0)))
          (func (export "added") (result i32) (call_indirect (param i32 i32) (result i32) (i32.const 30) (i32.const 4) (i32.const 1)))
          (func (export "set_handle") (param externref) (global.set $handle (local.get 0)))
          (func (export "get_handle") (result externref) (global.get $handle))
          (func (export "forever") (loop $again (br $again))))
        """;

    private readonly Guest _guest = new(Text, new ImportSet().Define("env", "add", HostFunctions.Add));

    public void Dispose() => _guest.Dispose();

    // The file behind it is closed, and its number may be another file's by now.
    [Fact]
    public void Image_WithoutHolders_HasNoNewOnes()
    {
        using var memory = GuestMemory.Create(new Modules.MemoryType(new Modules.SizeLimits(1, null)));
        var image = MemoryImage.Of(memory, mapped: null);
        image.AddReference().Release();
        image.Release();
        Assert.Throws<ObjectDisposedException>(() => image.AddReference());
    }

    [Fact]
    public void Clone_HasTheStateOfItsSource_AndItsOwnFunctions()
    {
        Assert.Equal(2u, _guest.Call("next"));
        _guest.Run("store", 9000, 77);
        _guest.Run("grow", 1);
        _guest.Run("set_handle", 1234);
        using var pool = NewPool(2);
        var first = pool.TryRent()!;
        var second = pool.TryRent()!;
        Assert.Equal(3 * 65_536ul, first.Memory!.LengthBytes);
        Assert.Equal(77u, Guest.Call(first, "load", 9000));
        Assert.Equal('f', (char)Guest.Call(first, "load", 5000));
        Assert.Equal(1234u, Guest.Call(first, "get_handle"));
        Assert.Equal([5, 6], Guest.Run(first, CallLimits.None, "wide").Results);
        Assert.Equal(34u, Guest.Call(first, "added"));

        // A function in the table counts in the clone's own global, not in the source's or the other clone's.
        Assert.Equal(3u, Guest.Call(first, "through", 0));
        Assert.Equal(4u, Guest.Call(first, "through", 0));
        Assert.Equal(3u, Guest.Call(second, "through", 0));
        Assert.Equal(3u, _guest.Call("next"));

        // A reference in a global is one of the clone as well.
        Assert.True(second.TryGetGlobal("function", out var function));
        Assert.True(second.TryGetTable("table", out var table));
        Assert.True(table.TrySet(2, (ulong)function.Value));
        Assert.Equal(4u, Guest.Call(second, "through", 2));
        Assert.Equal(5u, Guest.Call(first, "next"));
        pool.Return(first);
        pool.Return(second);
    }

    [Fact]
    public void Clones_DoNotSeeEachOther()
    {
        using var pool = NewPool(2);
        var first = pool.TryRent()!;
        var second = pool.TryRent()!;
        Guest.Run(first, CallLimits.None, "fill", 0, 0xEE, 131_072);
        Assert.Equal(0u, Guest.Call(second, "load", 0));
        Assert.Equal('f', (char)Guest.Call(second, "load", 5000));
        Assert.Equal(0u, _guest.Call("load", 0));
    }

    [Theory]
    [InlineData(RestoreMethod.Scan)]
    [InlineData(RestoreMethod.Pagemap)]
    [InlineData(RestoreMethod.Drop)]
    public void Return_RestoresEverything_HoweverPagesAreFound(RestoreMethod method)
    {
        _ = TrapSupport.RestoreMethod;
        if (Shim.ForceRestoreMethod((int)method) != 0) Assert.Skip($"{method} is not available on this kernel");
        try
        {
            using var pool = NewPool(1);
            for (uint round = 0; round < 3; round++)
            {
                var instance = pool.TryRent()!;
                Assert.True(instance.Memory!.TrySlice(0, 131_072, out var bytes));
                Assert.Equal(131_072ul, instance.Memory.LengthBytes);
                Assert.Equal("first"u8, bytes.Slice(5000, 5));
                Assert.False(bytes[..5000].ContainsAnyExcept((byte)0));
                Assert.False(bytes[5005..].ContainsAnyExcept((byte)0));
                Assert.Equal(2u, Guest.Call(instance, "next"));
                Assert.Equal(2u, Guest.Call(instance, "grow", 18));
                Assert.True(instance.Memory.TrySlice(131_072, 18 * 65_536, out var grown));
                Assert.False(grown.ContainsAnyExcept((byte)0));
                grown.Fill(0x77);
                bytes[(int)(round * 4096)..].Fill(0x55);
                Assert.True(instance.TryGetTable("table", out var table) && table.TrySet(0, 0));
                Assert.Equal(TrapCode.UninitializedElement, Guest.Run(instance, CallLimits.None, "through", 0).Trap);
                Assert.Equal(method == RestoreMethod.Drop ? 0 : 32, pool.Return(instance));
            }

            var last = pool.TryRent()!;
            Assert.Equal(2u, Guest.Call(last, "through", 0));
        }
        finally
        {
            _ = Shim.ForceRestoreMethod((int)RestoreMethod.Scan);
        }
    }

    [Fact]
    public void Return_OfMoreThanWarmPages_GivesTheirMemoryBack()
    {
        Assert.Equal(2u, _guest.Call("grow", 38));
        Assert.Equal(TrapCode.None, _guest.Run("store", 1_200_000, 5));
        using var pool = NewPool(1);
        var instance = pool.TryRent()!;
        Guest.Run(instance, CallLimits.None, "fill", 0, 1, 40 * 65_536);
        Assert.True(pool.Return(instance) > InstancePool.MaximumWarmPages);
        Assert.Same(instance, pool.TryRent());
        Assert.Equal(0u, Guest.Call(instance, "load", 0));
        Assert.Equal(5u, Guest.Call(instance, "load", 1_200_000));
        Assert.Equal(0, pool.Return(instance));
    }

    [Fact]
    public void Return_AfterADeadline_MakesTheInstanceUsableAgain()
    {
        using var pool = NewPool(1);
        var instance = pool.TryRent()!;
        Assert.Equal(TrapCode.DeadlineExceeded, Guest.Run(instance, new CallLimits(TimeSpan.FromMilliseconds(2)), "forever").Trap);
        Assert.Throws<InvalidOperationException>(() => Guest.Run(instance, CallLimits.None, "next"));
        pool.Return(instance);
        Assert.Equal(2u, Guest.Call(pool.TryRent()!, "next"));
    }

    [Fact]
    public void Pool_KeepsToItsMaximum_AndRefusesWhatItHasNotRented()
    {
        using var pool = NewPool(2);
        using var other = NewPool(1);
        pool.Prepare(5);
        Assert.Equal(2, pool.Count);
        var first = pool.TryRent()!;
        Assert.NotNull(pool.TryRent());
        Assert.Null(pool.TryRent());
        Assert.Throws<ArgumentException>(() => other.Return(first));
        Assert.Throws<ArgumentException>(() => pool.Return(_guest.Instance));
        pool.Return(first);
        Assert.Throws<ArgumentException>(() => pool.Return(first));
        Assert.Same(first, pool.TryRent());
        Assert.Equal(2, pool.RentedCount);
        pool.Return(first);
        Assert.Equal(1, pool.RentedCount);
    }

    [Fact]
    public void Pool_OutlivesItsSnapshotAndIsDisposedUnderItsRentals()
    {
        var pool = NewPool(2);    // its snapshot is gone
        var instance = pool.TryRent()!;
        pool.Dispose();
        Assert.Equal(2u, Guest.Call(instance, "next"));
        Assert.Null(pool.TryRent());
        pool.Return(instance);
        Assert.Throws<ObjectDisposedException>(() => Guest.Run(instance, CallLimits.None, "next"));
        Assert.Equal(0, pool.Count);
    }

    [Fact]
    public void Snapshot_OfAClone_IsTheCloneAsItIs()
    {
        using var pool = NewPool(1);
        var service = pool.TryRent()!;
        Guest.Run(service, CallLimits.None, "store", 70_000, 42);
        Assert.Equal(2u, Guest.Call(service, "grow", 1));
        Guest.Run(service, CallLimits.None, "store", 140_000, 43);
        using var snapshot = Snapshot.Take(service);
        using var second = new InstancePool(snapshot, 1);
        var clone = second.TryRent()!;
        Assert.Equal(42u, Guest.Call(clone, "load", 70_000));
        Assert.Equal(43u, Guest.Call(clone, "load", 140_000));
        Assert.Equal('f', (char)Guest.Call(clone, "load", 5000));
        Assert.Equal(2u, Guest.Call(clone, "through", 0));
    }

    [Fact]
    public void Snapshot_RefusesLinkedInstances()
    {
        using var importer = new Guest(
            "(module (import \"m\" \"memory\" (memory 1)) (func (export \"go\")))", new ImportSet().DefineAll("m", _guest.Instance));
        Assert.Throws<InvalidOperationException>(() => Snapshot.Take(importer.Instance));
        Assert.Throws<InvalidOperationException>(() => Snapshot.Take(_guest.Instance));
    }

    [Fact]
    public void Pool_ServesManyThreads()
    {
        using var pool = NewPool(4);
        Parallel.For(0, 400, new ParallelOptions { MaxDegreeOfParallelism = 4 }, index =>
        {
            var instance = pool.TryRent();
            Assert.NotNull(instance);
            Assert.Equal(2u, Guest.Call(instance, "next"));
            Assert.Equal(0u, Guest.Call(instance, "load", (uint)index));
            Guest.Run(instance, CallLimits.None, "fill", 0, 9, 131_072);
            pool.Return(instance);
        });
        Assert.InRange(pool.Count, 1, 4);
        Assert.Equal(0, pool.RentedCount);
    }

    private InstancePool NewPool(int maximumInstances)
    {
        using var snapshot = Snapshot.Take(_guest.Instance);
        return new InstancePool(snapshot, maximumInstances);
    }
}
