// Memories of code that compares indices with the length itself: as much address space as they may grow to, no guard pages and no marks.

using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Compiler;
using Bimetal.Wasm.Engine;

namespace Bimetal.Wasm.Runtime.Tests;

public sealed class RegionTests
{
    private const string Text = """
        (module
          (memory (export "memory") 1 4)
          (func (export "load") (param i32) (result i32) (i32.load offset=8 (local.get 0)))
          (func (export "pair") (param i32) (result i64) (i64.add (i64.load offset=4294967280 (local.get 0)) (i64.load (local.get 0))))
          (func (export "store") (param i32 i32) (i32.store (local.get 0) (local.get 1)))
          (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
          (func (export "fill") (param i32 i32) (memory.fill (local.get 0) (i32.const 1) (local.get 1))))
        """;

    private static readonly CompileOptions Explicit = new() { Bounds = BoundsMode.Explicit };

    [Theory]
    [InlineData("load", 65_524, TrapCode.None)]
    [InlineData("load", 65_525, TrapCode.MemoryOutOfBounds)]
    [InlineData("load", uint.MaxValue, TrapCode.MemoryOutOfBounds)]
    [InlineData("pair", 0, TrapCode.MemoryOutOfBounds)]
    [InlineData("pair", uint.MaxValue, TrapCode.MemoryOutOfBounds)]
    public void Access_PastEnd_Traps(string export, uint index, TrapCode expected)
    {
        using var guest = new Guest(Text, compile: Explicit);
        Assert.False(guest.Loaded.Code.NeedsSlots);
        Assert.Equal(expected, guest.Run(export, index));
    }

    [Fact]
    public void Grow_StopsAtTheMaximum_AndWhatCameCanBeWritten()
    {
        using var guest = new Guest(Text, compile: Explicit);
        Assert.Equal(1ul, guest.Call("grow", 3));
        Assert.Equal(uint.MaxValue, (uint)guest.Call("grow", 1));
        Assert.Equal(TrapCode.None, guest.Run("fill", 0, 4 * 65_536));
        Assert.Equal(TrapCode.MemoryOutOfBounds, guest.Run("fill", 1, 4 * 65_536));
    }

    [Fact]
    public void Clone_IsResetToItsSnapshot_AlsoWhatTheHostWrote()
    {
        using var guest = new Guest(Text, compile: Explicit);
        Assert.Equal(TrapCode.None, guest.Run("store", 100, 7));
        using var snapshot = Snapshot.Take(guest.Instance);
        using var pool = new InstancePool(snapshot, 1);
        for (int round = 0; round < 3; round++)
        {
            var clone = pool.TryRent()!;
            Assert.Equal(7ul, Guest.Call(clone, "load", 92));
            Assert.Equal(0ul, Guest.Call(clone, "load", 40_000));
            Assert.Equal(1ul, Guest.Call(clone, "grow", 2));
            Assert.Equal(TrapCode.None, Guest.Run(clone, CallLimits.None, "fill", 50, 150_000).Trap);
            Assert.True(clone.Memory!.TrySlice(40_008, 4, out var bytes));
            bytes.Fill(9);
            pool.Return(clone);
        }
    }

    [Fact]
    public void Memory_WithoutGuardPages_IsRefusedByCodeThatReliesOnThem()
    {
        using var exporter = new Guest(Text, compile: Explicit);
        var imports = new ImportSet().DefineAll("a", exporter.Instance);
        const string importer = """(module (import "a" "memory" (memory 1)) (func (export "load") (param i32) (result i32) (i32.load (local.get 0))))""";
        Assert.Contains("explicit bounds checks", Assert.Throws<LinkException>(() => new Guest(importer, imports)).Message, StringComparison.Ordinal);
        Assert.Throws<LinkException>(() => new Guest(importer, imports, compile: Explicit with { MarkWrites = true }));
        using var same = new Guest(importer, imports, compile: Explicit);
        Assert.Equal(TrapCode.MemoryOutOfBounds, same.Run("load", 65_533));
    }

    [Fact]
    public void CodeThatMarksWrites_HasGuardPages_WhateverItsBounds()
    {
        using var guest = new Guest(Text, compile: Explicit with { MarkWrites = true });
        Assert.True(guest.Loaded.Code.NeedsSlots);
        Assert.Equal(TrapCode.None, guest.Run("store", 65_532, 1));
        Assert.Equal(TrapCode.MemoryOutOfBounds, guest.Run("store", uint.MaxValue, 1));
    }

    [Fact]
    public void Engine_WithoutRoom_ChecksBounds_AndTellsOnce()
    {
        // More than any processor's address bits hold.
        var engine = new WasmEngine(new EngineOptions { Compile = new CompileOptions { MarkWrites = true }, GuardedMemories = 1 << 20 });
        Assert.Equal((BoundsMode.Explicit, false), (engine.CompileOptions.Bounds, engine.CompileOptions.MarkWrites));
        Assert.Contains("cannot be reserved", engine.TakeNotice(), StringComparison.Ordinal);
        Assert.Null(engine.TakeNotice());
        var roomy = new WasmEngine(new EngineOptions { Compile = new CompileOptions { MarkWrites = true }, GuardedMemories = 64 });
        Assert.Equal((BoundsMode.Guard, true, null), (roomy.CompileOptions.Bounds, roomy.CompileOptions.MarkWrites, roomy.TakeNotice()));
    }
}
