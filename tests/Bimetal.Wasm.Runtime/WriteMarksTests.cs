// Code that marks its writes: a reset that goes by the marks leaves nothing behind, whatever wrote and wherever.

using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Compiler;

namespace Bimetal.Wasm.Runtime.Tests;

public sealed class WriteMarksTests : IDisposable
{
    private const uint PageBytes = 65_536;
    private const uint MemoryBytes = 4 * PageBytes;

    private const string Text = """
        (module
          (memory (export "memory") 4 65536)
          (data (i32.const 5000) "first")
          (data (i32.const 200000) "second")
          (data $spare "0123456789abcdefghijklmnopqrstuvwxyz")
          (func (export "i32.store8") (param i32) (i32.store8 (local.get 0) (i32.const 0x81)))
          (func (export "i32.store16") (param i32) (i32.store16 (local.get 0) (i32.const 0x8181)))
          (func (export "i32.store") (param i32) (i32.store (local.get 0) (i32.const 0x81818181)))
          (func (export "i64.store8") (param i32) (i64.store8 (local.get 0) (i64.const 0x81)))
          (func (export "i64.store16") (param i32) (i64.store16 (local.get 0) (i64.const 0x8181)))
          (func (export "i64.store32") (param i32) (i64.store32 (local.get 0) (i64.const 0x81818181)))
          (func (export "i64.store") (param i32) (i64.store (local.get 0) (i64.const 0x8181818181818181)))
          (func (export "f32.store") (param i32) (f32.store (local.get 0) (f32.const -1.5)))
          (func (export "f64.store") (param i32) (f64.store (local.get 0) (f64.const -1.5)))
          (func (export "v128.store") (param i32) (v128.store (local.get 0) (v128.const i64x2 -1 -1)))
          (func (export "v128.store8_lane") (param i32) (v128.store8_lane 3 (local.get 0) (v128.const i64x2 -1 -1)))
          (func (export "v128.store64_lane") (param i32) (v128.store64_lane 1 (local.get 0) (v128.const i64x2 -1 -1)))
          (func (export "constant") (i64.store offset=1020 (i32.const 0x10000) (i64.const -1)) (i32.store8 (i32.const 262143) (i32.const 1)))
          (func (export "fields") (param i32)
            (i64.store offset=512 (local.get 0) (i64.const -1))
            (i64.store offset=600 (local.get 0) (i64.const -1))
            (i64.store offset=384 (local.get 0) (i64.const -1))
            (i64.store offset=640 (local.get 0) (i64.const -1))
            (i64.store offset=1700 (local.get 0) (i64.const -1))
            (i32.store8 (local.get 0) (i32.const 1)))
          (func (export "pair") (param i32)
            (i64.store offset=128 (local.get 0) (i64.const -1))
            (i64.store offset=8 (local.get 0) (i64.const -1)))
          (func (export "sums") (param i32)
            (local $next i32)
            (i32.store8 (i32.add (local.get 0) (i32.const 500)) (i32.const 1))
            (i64.store offset=40 (i32.sub (i32.add (i32.const 700) (local.get 0)) (i32.const 120)) (i64.const -1))
            (i64.store (local.tee $next (i32.add (local.get 0) (i32.const 380))) (i64.const -1))
            (i64.store offset=300 (i32.add (local.get $next) (i32.const -320)) (i64.const -1))
            (i64.store (i32.add (local.get $next) (i32.const 1300)) (i64.const -1))
            (i32.store8 (i32.sub (local.get $next) (i32.const -1428)) (i32.const 1)))
          (func (export "branches") (param i32)
            (if (i32.and (local.get 0) (i32.const 1))
              (then (i32.store8 offset=3000 (local.get 0) (i32.const 7)))
              (else (i32.store8 offset=6000 (local.get 0) (i32.const 7))))
            (i32.store8 offset=3001 (local.get 0) (i32.const 7)))
          (func (export "up") (param $to i32) (param $count i32)
            (loop $next
              (i32.store (local.get $to) (local.get $count))
              (local.set $to (i32.add (local.get $to) (i32.const 4)))
              (br_if $next (local.tee $count (i32.sub (local.get $count) (i32.const 1))))))
          (func (export "down") (param $to i32) (param $count i32)
            (loop $next
              (i32.store8 offset=3 (local.get $to) (i32.const 0xEE))
              (i32.store8 (local.get $to) (i32.const 0xEE))
              (local.set $to (i32.sub (local.get $to) (i32.const 9)))
              (br_if $next (local.tee $count (i32.sub (local.get $count) (i32.const 1))))))
          (func (export "scaled") (param $to i32) (param $count i32)
            (local $i i32)
            (loop $next
              (i64.store (i32.add (local.get $to) (i32.shl (local.get $i) (i32.const 6))) (i64.const -1))
              (i64.store (i32.const 70000) (i64.const -1))
              (local.set $i (i32.add (local.get $i) (i32.const 1)))
              (br_if $next (i32.lt_u (local.get $i) (local.get $count)))))
          (func (export "chase") (param $to i32) (param $count i32)
            (loop $next
              (i32.store8 (local.get $to) (i32.const 0xDD))
              (local.set $to (i32.rem_u (i32.mul (i32.add (local.get $to) (i32.const 77)) (i32.const 48271)) (i32.const 262144)))
              (br_if $next (local.tee $count (i32.sub (local.get $count) (i32.const 1))))))
          (func (export "memory.fill") (param i32 i32) (memory.fill (local.get 0) (i32.const 0x55) (local.get 1)))
          (func (export "memory.copy") (param i32 i32) (memory.copy (local.get 0) (i32.const 5000) (local.get 1)))
          (func (export "memory.init") (param i32 i32) (memory.init $spare (local.get 0) (i32.const 0) (local.get 1)))
          (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
          (func (export "far") (param i32) (i64.store offset=4294967295 (local.get 0) (i64.const -1)))
          (func (export "halfway") (param i32) (i64.store (local.get 0) (i64.const -1)) (unreachable)))
        """;

    private readonly Guest _guest = new(Text, compile: new CompileOptions { MarkWrites = true });
    private readonly Snapshot _snapshot;
    private readonly InstancePool _pool;
    private readonly byte[] _fresh;

    public WriteMarksTests()
    {
        Assert.True(_guest.Instance.Memory!.TryRead(0, MemoryBytes, out var bytes));
        _fresh = bytes.ToArray();
        _snapshot = Snapshot.Take(_guest.Instance);
        _pool = new InstancePool(_snapshot, 1);
    }

    public void Dispose()
    {
        _pool.Dispose();
        _snapshot.Dispose();
        _guest.Dispose();
    }

    [Theory]
    [InlineData("i32.store8", 1)]
    [InlineData("i32.store16", 2)]
    [InlineData("i32.store", 4)]
    [InlineData("i64.store8", 1)]
    [InlineData("i64.store16", 2)]
    [InlineData("i64.store32", 4)]
    [InlineData("i64.store", 8)]
    [InlineData("f32.store", 4)]
    [InlineData("f64.store", 8)]
    [InlineData("v128.store", 16)]
    [InlineData("v128.store8_lane", 1)]
    [InlineData("v128.store64_lane", 8)]
    public void Return_AfterAStore_LeavesNothing_WhereverItWas(string store, uint sizeBytes)
    {
        foreach (uint around in (uint[])[0, 1024, 4096, 5000, PageBytes, 2 * PageBytes, 200_000, MemoryBytes - 1024, MemoryBytes])
        {
            for (uint address = around - Math.Min(around, 17); address < around + 18 && address <= MemoryBytes - sizeBytes; address++) RequireFreshAfter(store, address);
        }
    }

    [Theory]
    [InlineData("fields")]
    [InlineData("branches")]
    [InlineData("sums")]
    public void Return_AfterSeveralStores_LeavesNothing(string function)
    {
        for (uint address = 0; address < 2200; address += 31) RequireFreshAfter(function, address);
        RequireFreshAfter("constant");
    }

    [Theory]
    [InlineData("up", 1_000u, 1u, 2u, 255u, 256u, 257u, 4_000u)]
    [InlineData("down", 150_000u, 1u, 2u, 113u, 114u, 1_000u, 16_000u)]
    [InlineData("scaled", 80_001u, 1u, 2u, 15u, 16u, 17u, 2_500u)]
    [InlineData("chase", 3u, 1u, 2u, 100u, 5_000u)]
    [InlineData("memory.fill", 900u, 0u, 1u, 123u, 124u, 125u, 1_148u, 1_149u, 200_000u)]
    [InlineData("memory.copy", 1_000u, 0u, 1u, 24u, 25u, 30_000u)]
    [InlineData("memory.init", 1_000u, 0u, 1u, 24u, 25u, 36u)]
    public void Return_AfterALoop_LeavesNothing(string function, uint start, params uint[] counts)
    {
        foreach (uint count in counts)
        {
            for (uint shift = 0; shift < 30; shift += 7) RequireFreshAfter(function, start + shift, count);
        }
    }

    [Fact]
    public void BulkOperation_OfNothing_AtTheEnd_DoesNotTrap()
    {
        foreach (string function in (string[])["memory.fill", "memory.copy", "memory.init"]) RequireFreshAfter(function, MemoryBytes, 0);
    }

    [Theory]
    [InlineData("i32.store8", MemoryBytes)]
    [InlineData("i64.store", MemoryBytes - 7)]
    [InlineData("v128.store", uint.MaxValue)]
    [InlineData("far", uint.MaxValue)]
    [InlineData("far", 0)]
    public void Store_OutOfBounds_Traps_AndLeavesNothing(string store, uint address)
    {
        var instance = Rent();
        Guest.Call(instance, "i64.store", 12_345);
        Assert.Equal(TrapCode.MemoryOutOfBounds, Guest.Run(instance, CallLimits.None, store, address).Trap);
        _pool.Return(instance);
        RequireFresh();
    }

    [Theory]
    [InlineData("halfway", 9_000u, 0u, TrapCode.Unreachable)]
    [InlineData("up", 9_000u, 0u, TrapCode.MemoryOutOfBounds)]
    [InlineData("memory.fill", 9_000u, MemoryBytes, TrapCode.MemoryOutOfBounds)]
    public void Return_AfterATrap_LeavesNothing(string function, uint first, uint second, TrapCode expected)
    {
        var instance = Rent();
        Guest.Call(instance, "chase", 1, 500);
        ulong[] arguments = function == "halfway" ? [first] : [first, second];
        Assert.Equal(expected, Guest.Run(instance, CallLimits.None, function, arguments).Trap);
        Assert.True(instance.WasStopped);
        _pool.Return(instance);
        RequireFresh();
    }

    [Fact]
    public void Return_ShrinksAMemory_WhoseGrownPagesComeBackEmpty()
    {
        for (int round = 0; round < 3; round++)
        {
            var instance = Rent();
            Assert.Equal(4u, Guest.Call(instance, "grow", 100));
            Assert.True(instance.Memory!.TryRead(MemoryBytes, 100 * PageBytes, out var grown));
            Assert.False(grown.ContainsAnyExcept((byte)0));
            Guest.Call(instance, "memory.fill", 1_000, 100 * PageBytes);
            Guest.Call(instance, "i64.store", MemoryBytes + (99 * PageBytes));
            _pool.Return(instance);
            RequireFresh();
        }
    }

    [Theory]
    [InlineData("pair")]
    [InlineData("fields")]
    [InlineData("sums")]
    public void Return_AfterStoresAroundTheEndOfTheSnapshot_LeavesNothing(string function)
    {
        for (uint address = MemoryBytes - 1_900; address < MemoryBytes + 200; address += 8)
        {
            var instance = Rent();
            Assert.Equal(4u, Guest.Call(instance, "grow", 1));
            Guest.Call(instance, function, address);
            _pool.Return(instance);
            RequireFresh();
        }
    }

    [Fact]
    public void Return_AfterTheHostWrote_LeavesNothing()
    {
        foreach (var (offset, length) in (ReadOnlySpan<(uint, uint)>)[(0, 1), (1023, 2), (5000, 5), (4000, 100_000), (MemoryBytes - 1, 1), (7, 0)])
        {
            var instance = Rent();
            Assert.True(instance.Memory!.TrySlice(offset, length, out var bytes));
            bytes.Fill(0xAB);
            _pool.Return(instance);
            RequireFresh();
        }
    }

    [Fact]
    public void Return_GoesByTheMarks_ButLooksForAllWrittenPagesNowAndThen()
    {
        int marked = 0, looked = 0;
        const int rounds = 600;
        for (int round = 0; round < rounds; round++)
        {
            var instance = Rent();
            Guest.Call(instance, "memory.fill", (uint)(round * 185), 100_000);
            _pool.Return(instance);
            if (instance.GranulesSinceScan > 0) marked++;
            else looked++;
        }

        RequireFresh();
        Assert.InRange(looked, 2, 10);
        Assert.Equal(rounds, marked + looked);
    }

    private Instance Rent() => _pool.TryRent() ?? throw new InvalidOperationException("the pool has no instance");

    private void RequireFreshAfter(string function, params ReadOnlySpan<ulong> arguments)
    {
        var instance = Rent();
        Guest.Call(instance, "i32.store8", 77);
        Assert.Equal(TrapCode.None, Guest.Run(instance, CallLimits.None, function, arguments).Trap);
        _pool.Return(instance);
        RequireFresh();
    }

    // Without a mark of its own: a look must not count as a write.
    private void RequireFresh()
    {
        var instance = Rent();
        Assert.Equal((ulong)MemoryBytes, instance.Memory!.LengthBytes);
        Assert.True(instance.Memory.TryRead(0, MemoryBytes, out var bytes));
        int difference = bytes.CommonPrefixLength(_fresh);
        Assert.True(difference == MemoryBytes, $"the byte at {difference} is left of another rental");
        _pool.Return(instance);
    }
}
