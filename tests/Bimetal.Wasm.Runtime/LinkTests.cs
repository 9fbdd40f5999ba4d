// Imports: what fits, what two instances share, and how long it lives.

using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Modules;
using Bimetal.Wasm.Runtime;

namespace Bimetal.Wasm.Runtime.Tests;

public sealed class LinkTests
{
    private const string Exporter = """
        (module
          (memory (export "memory") 1 5)
          (table (export "table") 4 8 funcref)
          (global (export "mutable") (mut i64) (i64.const 10))
          (global (export "constant") i32 (i32.const 20))
          (func (export "peek") (param i32) (result i32) (i32.load (local.get 0)))
          (func (export "through") (param i32) (result i32) (call_indirect (result i32) (local.get 0)))
          (func (export "read") (result i64) (global.get 0)))
        """;

    private const string Importer = """
        (module
          (import "a" "peek" (func $peek (param i32) (result i32)))
          (import "a" "memory" (memory 1))
          (import "a" "table" (table 4 funcref))
          (import "a" "mutable" (global $m (mut i64)))
          (import "a" "constant" (global $c i32))
          (memory_export)
          (global (export "own") (mut i32) (i32.const 33))
          (global (export "copied") i32 (global.get $c))
          (func $mine (export "mine") (result i32) (global.get 2))
          (elem (i32.const 2) $mine)
          (data (i32.const 100) "\2a")
          (export "again" (func $peek))
          (func (export "poke") (param i32 i32) (i32.store (local.get 0) (local.get 1)))
          (func (export "both") (param i32) (result i32) (call $peek (local.get 0)))
          (func (export "grow") (result i32) (memory.grow (i32.const 1)))
          (func (export "set") (param i64) (global.set $m (local.get 0))))
        """;

    private static string ImporterText => Importer.Replace("(memory_export)", "", StringComparison.Ordinal);

    [Theory]
    [InlineData("(import \"env\" \"absent\" (func))", "unknown import")]
    [InlineData("(import \"env\" \"add\" (func))", "incompatible import type")]
    [InlineData("(import \"env\" \"add\" (memory 1))", "incompatible import type")]
    [InlineData("(import \"a\" \"memory\" (memory 2))", "incompatible import type")]
    [InlineData("(import \"a\" \"memory\" (memory 1 4))", "incompatible import type")]
    [InlineData("(import \"a\" \"table\" (table 5 funcref))", "incompatible import type")]
    [InlineData("(import \"a\" \"table\" (table 1 externref))", "incompatible import type")]
    [InlineData("(import \"a\" \"mutable\" (global i64))", "incompatible import type")]
    [InlineData("(import \"a\" \"constant\" (global i64))", "incompatible import type")]
    [InlineData("(import \"a\" \"peek\" (func (param i64) (result i32)))", "incompatible import type")]
    public void Create_NamesTheImportThatDoesNotFit(string import, string wording)
    {
        using var exporter = new Guest(Exporter);
        var imports = new ImportSet().Define("env", "add", HostFunctions.Add).DefineAll("a", exporter.Instance);
        var error = Assert.Throws<LinkException>(() => new Guest($"(module {import})", imports));
        Assert.StartsWith(wording, error.Message, StringComparison.Ordinal);
        Assert.Contains(import.Split('"')[3], error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void HostFunctions_AreCalledWithArguments()
    {
        using var guest = new Guest("""
            (module (import "env" "add" (func $add (param i32 i32) (result i32)))
              (func (export "add3") (param i32 i32 i32) (result i32) (call $add (local.get 0) (call $add (local.get 1) (local.get 2))))
              (export "add" (func $add)))
            """, new ImportSet().Define("env", "add", HostFunctions.Add));
        Assert.Equal(6u, guest.Call("add3", 1, 2, 3));
        Assert.Equal(5u, guest.Call("add", 2, 3));
        // The host's function, exported by one guest and imported by the next.
        using var second = new Guest(
            "(module (import \"m\" \"add\" (func $f (param i32 i32) (result i32))) (func (export \"go\") (result i32) (call $f (i32.const 4) (i32.const 5))))",
            new ImportSet().Define("m", "add", guest.Instance, "add"));
        Assert.Equal(9u, second.Call("go"));
    }

    [Fact]
    public void HostErrors_EndTheGuest_AndAreKept()
    {
        using var guest = new Guest(
            "(module (import \"env\" \"invoke\" (func $f)) (func (export \"go\") (call $f) unreachable))",
            new ImportSet().Define("env", "invoke", HostFunctions.Invoke));
        guest.Instance.HostState = new Func<TrapCode>(() => throw new TimeoutException("late"));
        Assert.Equal(TrapCode.HostError, guest.Run("go"));
        Assert.IsType<TimeoutException>(guest.Instance.HostException);
        guest.Instance.HostState = new Func<TrapCode>(() => TrapCode.Exit);
        Assert.Equal(TrapCode.Exit, guest.Run("go"));
        Assert.Null(guest.Instance.HostException);
    }

    [Fact]
    public void LinkedInstances_ShareMemoryTableAndGlobals()
    {
        using var exporter = new Guest(Exporter);
        using var importer = new Guest(ImporterText, new ImportSet().DefineAll("a", exporter.Instance));
        Assert.Equal(TrapCode.None, importer.Started);
        Assert.Equal(42u, exporter.Call("peek", 100));
        Assert.Equal(TrapCode.None, importer.Run("poke", 8, 1234));
        Assert.Equal(1234u, exporter.Call("peek", 8));
        Assert.Equal(1234u, importer.Call("both", 8));
        Assert.Equal(1234u, importer.Call("again", 8));
        // The importer's function, called by the exporter through the shared table, runs on its own instance's globals.
        Assert.Equal(33u, exporter.Call("through", 2));
        Assert.Equal(TrapCode.None, importer.Run("set", 77));
        Assert.Equal(77u, exporter.Call("read"));
        Assert.True(importer.Instance.TryGetGlobal("copied", out var copied));
        Assert.Equal(20u, (uint)copied.Value);
        Assert.Equal(1u, importer.Call("grow"));
        Assert.Equal(0u, exporter.Call("peek", 131_068));
        Assert.Equal(TrapCode.MemoryOutOfBounds, importer.Run("both", 131_072));
        Assert.Equal(2u, exporter.Instance.Memory!.PageCount);
    }

    [Fact]
    public void Group_LivesUntilTheLastMemberIsDisposed()
    {
        using var exporter = new Guest(Exporter);
        var importer = new Guest(ImporterText, new ImportSet().DefineAll("a", exporter.Instance));
        importer.Dispose();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        // Its function still stands in the table: code and context are there, as are the bytes of its data segment.
        Assert.Equal(33u, exporter.Call("through", 2));
        Assert.Equal(42u, exporter.Call("peek", 100));

        var second = new Guest(ImporterText, new ImportSet().DefineAll("a", exporter.Instance));
        exporter.Dispose();
        Assert.Equal(42u, second.Call("both", 100));
        second.Dispose();
    }

    [Fact]
    public void FailedInstantiation_LeavesWhatItWroteToSharedTables()
    {
        using var exporter = new Guest(Exporter);
        using (var failing = new Guest("""
            (module (import "a" "table" (table 4 funcref)) (memory 1)
              (func $f (result i32) (i32.load8_u (i32.const 0))) (elem (i32.const 1) $f)
              (data (i32.const 0) "\07") (data (i32.const 65536) "x"))
            """, new ImportSet().DefineAll("a", exporter.Instance)))
        {
            Assert.Equal(TrapCode.MemoryOutOfBounds, failing.Started);
        }

        Assert.Equal(7u, exporter.Call("through", 1));
    }

    [Fact]
    public void HostMadeObjects_AreSharedByInstances()
    {
        using var memory = GuestMemory.Create(new MemoryType(new SizeLimits(1, 2)));
        using var table = GuestTable.Create(new TableType(ValueType.FuncRef, new SizeLimits(2, null)));
        using var global = GuestGlobal.Create(new GlobalType(ValueType.F64, false), BitConverter.DoubleToUInt64Bits(6.5));
        var imports = new ImportSet().Define("h", "m", memory).Define("h", "t", table).Define("h", "g", global);
        using var writer = new Guest("""
            (module (import "h" "m" (memory 1)) (import "h" "t" (table 2 funcref)) (import "h" "g" (global f64))
              (func $v (result f64) (global.get 0)) (elem (i32.const 1) $v) (data (i32.const 0) "\11"))
            """, imports);
        using var reader = new Guest("""
            (module (import "h" "m" (memory 1)) (import "h" "t" (table 2 funcref))
              (func (export "load") (result i32) (i32.load8_u (i32.const 0)))
              (func (export "call") (result f64) (call_indirect (result f64) (i32.const 1))))
            """, imports);
        Assert.Equal(0x11u, reader.Call("load"));
        Assert.Equal(6.5, BitConverter.UInt64BitsToDouble(reader.Call("call")));
        Assert.True(memory.TrySlice(0, 1, out var first) && first[0] == 0x11);
    }

    [Fact]
    public void NestedEntries_EachHaveTheirLandingPad()
    {
        using var inner = new Guest("(module (func (export \"trap\") unreachable) (func (export \"deep\") (call 1)))");
        using var outer = new Guest("""
            (module (import "env" "invoke" (func $f)) (memory 1)
              (func (export "go") (param i32) (result i32) (call $f) (i32.load (local.get 0)))
              (func (export "id") (param i32) (result i32) (local.get 0)))
            """, new ImportSet().Define("env", "invoke", HostFunctions.Invoke));
        var seen = new List<TrapCode>();
        outer.Instance.HostState = new Func<TrapCode>(() =>
        {
            seen.Add(inner.Run("trap"));
            seen.Add(inner.Run("deep"));
            Assert.Equal(3u, outer.Call("id", 3));
            return TrapCode.None;
        });
        Assert.Equal(0u, outer.Call("go", 0));
        Assert.Equal(TrapCode.MemoryOutOfBounds, outer.Run("go", 65_536));
        Assert.Equal([TrapCode.Unreachable, TrapCode.StackOverflow, TrapCode.Unreachable, TrapCode.StackOverflow], seen);
    }

    [Fact]
    public void Instance_LinkedWhileAnotherRuns_HasItsStackLimit()
    {
        using var outer = new Guest("""
            (module (import "env" "invoke" (func $invoke)) (table (export "table") 2 funcref)
              (type $deep (func (param i32) (result i32)))
              (func (export "go") (param i32) (result i32) (call $invoke) (call_indirect (type $deep) (local.get 0) (i32.const 1))))
            """, new ImportSet().Define("env", "invoke", HostFunctions.Invoke));
        Guest? inner = null;
        outer.Instance.HostState = new Func<TrapCode>(() =>
        {
            inner ??= new Guest("""
                (module (import "outer" "table" (table 2 funcref)) (elem (i32.const 1) $deep)
                  (func $deep (param i32) (result i32)
                    (if (result i32) (local.get 0) (then (i32.add (i32.const 1) (call $deep (i32.sub (local.get 0) (i32.const 1))))) (else (i32.const 0)))))
                """, new ImportSet().DefineAll("outer", outer.Instance));
            return TrapCode.None;
        });
        Assert.Equal(1000u, outer.Call("go", 1000));
        Assert.Equal(TrapCode.StackOverflow, outer.Run("go", 100_000_000));
        inner!.Dispose();
    }

    [Fact]
    public void Instance_RefusesASecondThread()
    {
        using var guest = new Guest(
            "(module (import \"env\" \"invoke\" (func $f)) (func (export \"go\") (call $f)) (func (export \"nothing\")))",
            new ImportSet().Define("env", "invoke", HostFunctions.Invoke));
        guest.Instance.HostState = new Func<TrapCode>(() =>
        {
            Exception? refused = null;
            var thread = new Thread(() => refused = Record.Exception(() => guest.Run("nothing")));
            thread.Start();
            thread.Join();
            Assert.IsType<InvalidOperationException>(refused);
            Assert.Throws<InvalidOperationException>(guest.Instance.Dispose);
            return TrapCode.None;
        });
        Assert.Equal(TrapCode.None, guest.Run("go"));
        Assert.Equal(TrapCode.None, guest.Run("nothing"));
    }
}
