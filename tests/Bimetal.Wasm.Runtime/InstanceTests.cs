// One instance: calls, traps, exports, limits, segments, bulk operations.

using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Modules;
using Bimetal.Wasm.Runtime;

namespace Bimetal.Wasm.Runtime.Tests;

public sealed class InstanceTests
{
    private const string Basics = """
        (module
          (memory (export "memory") 1 3)
          (table (export "table") 4 funcref)
          (global (export "counter") (mut i32) (i32.const 7))
          (global (export "fixed") i64 (i64.const -2))
          (type $unary (func (param i32) (result i32)))
          (func $inc (export "inc") (type $unary) (i32.add (local.get 0) (i32.const 1)))
          (func $other (result i64) (i64.const 1))
          (elem (i32.const 0) $inc $other)
          (data (i32.const 16) "hello")
          (func (export "swap") (param i32 i64) (result i64 i32) (local.get 1) (local.get 0))
          (func (export "load") (param i32) (result i32) (i32.load (local.get 0)))
          (func (export "store") (param i32 i32) (i32.store (local.get 0) (local.get 1)))
          (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
          (func (export "size") (result i32) (memory.size))
          (func (export "divide") (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1)))
          (func (export "truncate") (param f64) (result i32) (i32.trunc_f64_s (local.get 0)))
          (func (export "unreachable") (unreachable))
          (func (export "indirect") (param i32 i32) (result i32) (call_indirect (type $unary) (local.get 1) (local.get 0)))
          (func $deep (export "deep") (param i32) (result i32) (i32.add (i32.const 1) (call $deep (local.get 0))))
          (func (export "vector") (param i32 v128) (result v128 i32) (local.get 1) (local.get 0))
          (func (export "bump") (global.set 0 (i32.add (global.get 0) (i32.const 1))))
        )
        """;

    [Fact]
    public void Call_PassesArgumentsAndResults()
    {
        using var guest = new Guest(Basics);
        Assert.Equal(42u, guest.Call("inc", 41));
        var (trap, results) = Guest.Run(guest.Instance, CallLimits.None, "swap", 5, 0xFFFF_FFFF_FFFF_FFFE);
        Assert.Equal(TrapCode.None, trap);
        Assert.Equal([0xFFFF_FFFF_FFFF_FFFE, 5], results);
        Assert.Equal([2, 3, 1], Guest.Run(guest.Instance, CallLimits.None, "vector", 1, 2, 3).Results);
    }

    [Fact]
    public void Traps_ComeBackAsCodes_AndTheInstanceGoesOn()
    {
        using var guest = new Guest(Basics);
        Assert.Equal(TrapCode.MemoryOutOfBounds, guest.Run("load", 65_533));
        Assert.Equal(TrapCode.MemoryOutOfBounds, guest.Run("store", 0xFFFF_FFFF, 1));
        Assert.Equal(TrapCode.IntegerDivideByZero, guest.Run("divide", 1, 0));
        Assert.Equal(TrapCode.IntegerOverflow, guest.Run("divide", 0x8000_0000, 0xFFFF_FFFF));
        Assert.Equal(TrapCode.InvalidConversionToInteger, guest.Run("truncate", BitConverter.DoubleToUInt64Bits(double.NaN)));
        Assert.Equal(TrapCode.Unreachable, guest.Run("unreachable"));
        Assert.Equal(TrapCode.IndirectCallTypeMismatch, guest.Run("indirect", 1, 0));
        Assert.Equal(TrapCode.UninitializedElement, guest.Run("indirect", 2, 0));
        Assert.Equal(TrapCode.UndefinedElement, guest.Run("indirect", 4, 0));
        Assert.Equal(TrapCode.StackOverflow, guest.Run("deep", 0));
        Assert.Equal(3u, guest.Call("indirect", 0, 2));
        Assert.Equal(0u, guest.Call("load", 65_532));
    }

    [Fact]
    public void Memory_GrowsToItsMaximum_AndKeepsItsBytes()
    {
        using var guest = new Guest(Basics);
        Assert.True(guest.Instance.TryGetMemory("memory", out var memory));
        Assert.Same(memory, guest.Instance.Memory);
        Assert.True(memory.TrySlice(16, 5, out var hello));
        Assert.Equal("hello"u8, hello);
        Assert.Equal(1u, guest.Call("grow", 1));
        Assert.Equal(TrapCode.None, guest.Run("store", 131_068, 0x01020304));
        Assert.Equal(0xFFFF_FFFF, guest.Call("grow", 2));
        Assert.Equal(2u, guest.Call("size"));
        Assert.Equal(131_072ul, memory.LengthBytes);
        Assert.True(memory.TrySlice(131_071, 1, out var last));
        Assert.Equal(1, last[0]);
    }

    [Theory]
    [InlineData(0u, 65_536u, true)]
    [InlineData(65_536u, 0u, true)]
    [InlineData(65_536u, 1u, false)]
    [InlineData(65_537u, 0u, false)]
    [InlineData(1u, 65_536u, false)]
    [InlineData(0xFFFF_FFFFu, 0xFFFF_FFFFu, false)]
    [InlineData(0u, 0xFFFF_FFFFu, false)]
    public void TrySlice_AcceptsOnlyWhatIsInside(uint offset, uint length, bool inside)
    {
        using var memory = GuestMemory.Create(new MemoryType(new SizeLimits(1, null)));
        Assert.Equal(inside, memory.TrySlice(offset, length, out var span));
        Assert.Equal(inside ? (int)length : 0, span.Length);
    }

    [Fact]
    public void Exports_AreFoundByNameAndKind()
    {
        using var guest = new Guest(Basics);
        Assert.True(guest.Instance.TryGetGlobal("counter", out var counter));
        Assert.Equal(7u, (uint)counter.Value);
        Assert.Equal(TrapCode.None, guest.Run("bump"));
        Assert.Equal(8u, (uint)counter.Value);
        Assert.True(guest.Instance.TryGetGlobal("fixed", out var constant));
        Assert.Equal(ulong.MaxValue - 1, (ulong)constant.Value);
        Assert.True(guest.Instance.TryGetTable("table", out var table));
        Assert.True(table.TryGet(0, out ulong first) && first != 0);
        Assert.True(table.TryGet(3, out ulong last) && last == 0);
        Assert.False(table.TryGet(4, out _));
        Assert.True(table.TrySet(3, first));
        Assert.Equal(10u, guest.Call("indirect", 3, 9));
        Assert.False(guest.Instance.TryGetFunction("memory", out _));
        Assert.False(guest.Instance.TryGetMemory("inc", out _));
        Assert.False(guest.Instance.TryGetFunction("absent", out _));
    }

    [Fact]
    public void Limits_BoundMemory()
    {
        using var guest = new Guest(Basics, options: new InstanceOptions { MaximumMemoryPages = 2 });
        Assert.Equal(1u, guest.Call("grow", 1));
        Assert.Equal(0xFFFF_FFFF, guest.Call("grow", 1));
        var error = Assert.Throws<InstanceLimitException>(() => new Guest("(module (memory 3))", options: new InstanceOptions { MaximumMemoryPages = 2 }));
        Assert.Contains("3 pages", error.Message, StringComparison.Ordinal);
        Assert.Throws<InstanceLimitException>(() => new Guest("(module (table 11 funcref))", options: new InstanceOptions { MaximumTableElements = 10 }));
    }

    // A module of 60 KB can declare 10,000 tables of a million elements each.
    [Fact]
    public void Tables_ShareTheLimitOfTheirInstance()
    {
        const string text = """
            (module (table $a 6 funcref) (table $b 3 funcref)
              (func (export "grow_a") (param i32) (result i32) (table.grow $a (ref.null func) (local.get 0)))
              (func (export "grow_b") (param i32) (result i32) (table.grow $b (ref.null func) (local.get 0))))
            """;
        Assert.Throws<InstanceLimitException>(() => new Guest(text, options: new InstanceOptions { MaximumTableElements = 8 }));
        using var guest = new Guest(text, options: new InstanceOptions { MaximumTableElements = 10 });
        Assert.Equal(0xFFFF_FFFF, guest.Call("grow_a", 2));
        Assert.Equal(6u, guest.Call("grow_a", 1));
        Assert.Equal(0xFFFF_FFFF, guest.Call("grow_b", 1));
        Assert.Equal(3u, guest.Call("grow_b", 0));
    }

    [Fact]
    public void Call_RefusesMisuse()
    {
        using var guest = new Guest(Basics);
        using var other = new Guest(Basics);
        Assert.True(guest.Instance.TryGetFunction("swap", out var swap));
        Assert.Throws<ArgumentException>(() => guest.Instance.Call(swap, new ulong[1], CallLimits.None));
        Assert.Throws<ArgumentException>(() => other.Instance.Call(swap, new ulong[2], CallLimits.None));
        Assert.Throws<ArgumentException>(() => guest.Instance.Call(default, new ulong[2], CallLimits.None));
        guest.Instance.Dispose();
        Assert.Throws<ObjectDisposedException>(() => guest.Instance.Call(swap, new ulong[2], CallLimits.None));
        Assert.False(guest.Instance.Memory!.TrySlice(0, 1, out _));
    }

    [Fact]
    public void Initialize_RunsSegmentsInOrder_ThenTheStartFunction()
    {
        using var started = new Guest("""
            (module (memory 1) (global $g (export "g") (mut i32) (i32.const 0)) (data (i32.const 0) "\05")
              (func $start (global.set $g (i32.load8_u (i32.const 0)))) (start $start))
            """);
        Assert.Equal(TrapCode.None, started.Started);
        Assert.True(started.Instance.TryGetGlobal("g", out var global));
        Assert.Equal(5u, (uint)global.Value);

        // Elements come before data, and what was written before a trap stays.
        using var halted = new Guest("""
            (module (memory (export "m") 1) (table (export "t") 1 funcref) (func $f)
              (data (i32.const 0) "\09") (data (i32.const 65536) "\01") (elem (i32.const 0) $f))
            """);
        Assert.Equal(TrapCode.MemoryOutOfBounds, halted.Started);
        Assert.True(halted.Instance.Memory!.TrySlice(0, 1, out var first) && first[0] == 9);
        Assert.True(halted.Instance.TryGetTable("t", out var table) && table.TryGet(0, out ulong reference) && reference != 0);
        using var outside = new Guest("(module (table 1 funcref) (func $f) (elem (i32.const 1) $f))");
        Assert.Equal(TrapCode.TableOutOfBounds, outside.Started);
        using var unreachable = new Guest("(module (func $f unreachable) (start $f))");
        Assert.Equal(TrapCode.Unreachable, unreachable.Started);
    }

    [Fact]
    public void BulkOperations_CheckBoundsBeforeTheyWrite()
    {
        using var guest = new Guest("""
            (module (memory 1) (table $t 4 10 funcref) (table $x 2 externref)
              (func $f) (func $g)
              (elem $e func $f $g $f) (data $d "abcdef")
              (func (export "init") (param i32 i32 i32) (memory.init $d (local.get 0) (local.get 1) (local.get 2)))
              (func (export "drop") (data.drop $d))
              (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))
              (func (export "table.init") (param i32 i32 i32) (table.init $t $e (local.get 0) (local.get 1) (local.get 2)))
              (func (export "elem.drop") (elem.drop $e))
              (func (export "table.copy") (param i32 i32 i32) (table.copy $t $t (local.get 0) (local.get 1) (local.get 2)))
              (func (export "table.fill") (param i32 i32) (table.fill $t (local.get 0) (ref.null func) (local.get 1)))
              (func (export "table.grow") (param i32) (result i32) (table.grow $t (ref.func $f) (local.get 0)))
              (func (export "table.size") (result i32) (table.size $t))
              (func (export "is_null") (param i32) (result i32) (ref.is_null (table.get $t (local.get 0))))
              (func (export "extern.set") (param i32 externref) (table.set $x (local.get 0) (local.get 1)))
              (func (export "extern.get") (param i32) (result externref) (table.get $x (local.get 0)))
              (func (export "extern.grow") (param externref i32) (result i32) (table.grow $x (local.get 0) (local.get 1))))
            """);
        Assert.Equal(TrapCode.None, guest.Run("init", 10, 1, 3));
        Assert.Equal('b', (char)guest.Call("load", 10));
        Assert.Equal(TrapCode.MemoryOutOfBounds, guest.Run("init", 20, 4, 3));
        Assert.Equal(0u, guest.Call("load", 20));
        Assert.Equal(TrapCode.MemoryOutOfBounds, guest.Run("init", 65_534, 0, 3));
        Assert.Equal(TrapCode.None, guest.Run("drop"));
        Assert.Equal(TrapCode.None, guest.Run("init", 65_536, 0, 0));
        Assert.Equal(TrapCode.MemoryOutOfBounds, guest.Run("init", 0, 0, 1));

        Assert.Equal(TrapCode.TableOutOfBounds, guest.Run("table.init", 2, 0, 3));
        Assert.Equal(1u, guest.Call("is_null", 2));
        Assert.Equal(TrapCode.None, guest.Run("table.init", 0, 0, 2));
        Assert.Equal(TrapCode.None, guest.Run("table.copy", 1, 0, 3));
        Assert.Equal(0u, guest.Call("is_null", 2));
        Assert.Equal(TrapCode.TableOutOfBounds, guest.Run("table.copy", 2, 0, 3));
        Assert.Equal(TrapCode.None, guest.Run("table.fill", 0, 1));
        Assert.Equal(1u, guest.Call("is_null", 0));
        Assert.Equal(TrapCode.TableOutOfBounds, guest.Run("table.fill", 3, 2));
        Assert.Equal(4u, guest.Call("table.grow", 5));
        Assert.Equal(0u, guest.Call("is_null", 8));
        Assert.Equal(0xFFFF_FFFF, guest.Call("table.grow", 2));
        Assert.Equal(9u, guest.Call("table.size"));
        Assert.Equal(TrapCode.None, guest.Run("elem.drop"));
        Assert.Equal(TrapCode.TableOutOfBounds, guest.Run("table.init", 0, 0, 1));

        Assert.Equal(TrapCode.None, guest.Run("extern.set", 1, 77));
        Assert.Equal(77u, guest.Call("extern.get", 1));
        Assert.Equal(2u, guest.Call("extern.grow", 99, 1));
        Assert.Equal(99u, guest.Call("extern.get", 2));
        Assert.Equal(TrapCode.TableOutOfBounds, guest.Run("extern.get", 3));
    }
}
