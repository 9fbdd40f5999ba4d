// Sheets of a clone's memory: closed until somebody writes there, and marks are looked for in open ones alone.

using System.Globalization;
using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Compiler;

namespace Bimetal.Wasm.Runtime.Tests;

public sealed class SheetTests : IDisposable
{
    private const uint SheetBytes = 1 << WriteMarks.SheetShift;
    private const uint MemoryBytes = 64 * 65_536;

    // "behind" and "before" mark a place where nothing changes, so that the store is left out, and then write near it, which has no mark of its own.
    private const string Text = """
        (module
          (memory (export "memory") 64)
          (data (i32.const 5000) "first")
          (func (export "store") (param i32) (i64.store (local.get 0) (i64.const -1)))
          (func (export "behind") (param i32)
            (i32.store offset=16 (local.get 0) (i32.load offset=16 (local.get 0)))
            (i64.store offset=48 (local.get 0) (i64.const -1)))
          (func (export "before") (param i32)
            (i32.store offset=48 (local.get 0) (i32.load offset=48 (local.get 0)))
            (i64.store offset=16 (local.get 0) (i64.const -1)))
          (func (export "fill") (param i32 i32) (memory.fill (local.get 0) (i32.const 0x55) (local.get 1))))
        """;

    private readonly Guest _guest = new(Text, compile: new CompileOptions { MarkWrites = true });
    private readonly Snapshot _snapshot;
    private readonly byte[] _fresh;

    public SheetTests()
    {
        Assert.True(_guest.Instance.Memory!.TryRead(0, MemoryBytes, out var bytes));
        _fresh = bytes.ToArray();
        _snapshot = Snapshot.Take(_guest.Instance);
    }

    public void Dispose()
    {
        _snapshot.Dispose();
        _guest.Dispose();
    }

    [Theory]
    [InlineData("store")]
    [InlineData("behind")]
    [InlineData("before")]
    public void Return_AfterStoresAtTheEdgeOfASheet_LeavesNothing(string function)
    {
        for (uint address = SheetBytes - 80; address < SheetBytes + 24; address++)
        {
            using var pool = new InstancePool(_snapshot, 1);
            for (int round = 0; round < 2; round++) RequireFreshAfter(pool, instance => Guest.Call(instance, function, address));
            foreach (uint elsewhere in (uint[])[address + SheetBytes, address - 40]) RequireFreshAfter(pool, instance => Guest.Call(instance, function, elsewhere));
        }
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(SheetBytes - 1, 2)]
    [InlineData(SheetBytes - 1, (3 * SheetBytes) + 1)]
    [InlineData(MemoryBytes - 1, 1)]
    [InlineData(0, MemoryBytes)]
    public void Write_ToClosedSheets_OpensThem_WhoeverWrites(uint offset, uint length)
    {
        using var pool = new InstancePool(_snapshot, 1);
        RequireFreshAfter(pool, instance =>
        {
            Assert.True(instance.Memory!.TrySlice(offset, length, out var bytes));
            bytes.Fill(0xAB);
        });
        using var other = new InstancePool(_snapshot, 1);
        RequireFreshAfter(other, instance => Guest.Call(instance, "fill", offset, length));
    }

    [Fact]
    public void Image_ThatIsWrittenHereAndThere_DoesNotFallApartIntoMappings()
    {
        using var pool = new InstancePool(_snapshot, 1);
        int before = MappingsOf(pool), most = 0;
        for (uint sheet = 0; sheet < MemoryBytes / SheetBytes; sheet += 2)
        {
            RequireFreshAfter(pool, instance => Guest.Call(instance, "store", sheet * SheetBytes));
            most = Math.Max(most, MappingsOf(pool));
        }

        Assert.Equal(1, before);
        Assert.InRange(most, 9, 17);
        Assert.InRange(MappingsOf(pool), 1, most);
    }

    [Fact]
    public void SlotsThatAreUsedAgain_BeginOpen()
    {
        using (var pool = new InstancePool(_snapshot, 1)) RequireFreshAfter(pool, instance => Guest.Call(instance, "store", 100_000));
        using var plain = new Guest(Text);
        Guest.Call(plain.Instance, "fill", 0, MemoryBytes);
        Assert.True(plain.Instance.Memory!.TrySlice(0, MemoryBytes, out var bytes));
        Assert.False(bytes.ContainsAnyExcept((byte)0x55));
    }

    private static Instance Rent(InstancePool pool) => pool.TryRent() ?? throw new InvalidOperationException("the pool has no instance");

    private void RequireFreshAfter(InstancePool pool, Action<Instance> write)
    {
        var instance = Rent(pool);
        write(instance);
        pool.Return(instance);
        Assert.True(instance.GranulesSinceScan > 0, "the reset has not gone by the marks");
        instance = Rent(pool);
        Assert.True(instance.Memory!.TryRead(0, MemoryBytes, out var bytes));
        int difference = bytes.CommonPrefixLength(_fresh);
        Assert.True(difference == MemoryBytes, $"the byte at {difference} is left of another rental");
        pool.Return(instance);
    }

    // SAFETY: only the address of the span is used.
    private static unsafe int MappingsOf(InstancePool pool)
    {
        var instance = Rent(pool);
        Assert.True(instance.Memory!.TryRead(0, MemoryBytes, out var bytes));
        ulong start;
        fixed (byte* first = bytes) start = (ulong)first;
        pool.Return(instance);
        return File.ReadLines("/proc/self/maps").Count(line =>
        {
            var ends = line.Split(' ')[0].Split('-').Select(end => ulong.Parse(end, NumberStyles.HexNumber, CultureInfo.InvariantCulture)).ToArray();
            return ends[0] < start + MemoryBytes && ends[1] > start;
        });
    }
}
