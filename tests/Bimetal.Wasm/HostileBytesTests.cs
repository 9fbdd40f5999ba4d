// Whatever the bytes are, decoder and validator answer with a module or an error: no exception, no hang, no wild allocation.

using System.Diagnostics;
using Bimetal.Testing;
using Bimetal.Wasm.Decoding;

namespace Bimetal.Wasm.Tests;

public sealed class HostileBytesTests
{
    private const int Seed = 20_260_101;
    private const int MutationsPerModule = 10_000;

    // Every section, every kind of segment, and instructions of every immediate kind.
    private const string EverySection = """
        (module $m
          (type $pair (func (param i32 i64) (result i64 i32)))
          (import "env" "print" (func $print (param i32)))
          (import "env" "base" (global $base i32))
          (table $t 10 20 funcref) (table $x 1 externref)
          (memory 1 2)
          (global $g (mut i32) (i32.const 7)) (global funcref (ref.func $f)) (global v128 (v128.const i32x4 1 2 3 4))
          (export "f" (func $f)) (export "m" (memory 0)) (export "t" (table $t)) (export "g" (global $g))
          (start $s)
          (elem (i32.const 0) $f $s) (elem $p funcref (ref.func $f) (ref.null func)) (elem declare func $print)
          (elem (table $x) (i32.const 0) externref (ref.null extern))
          (data (i32.const 0) "hello") (data $d "passive")
          (func $s (local i32 i64 f32 f64 v128 funcref externref)
            (drop (i32.add (local.get 0) (i32.const -5))) (drop (f64.const 1.5)) (drop (f32.const nan)) (drop (i64.const 0x7fffffffffffffff))
            (memory.init $d (i32.const 0) (i32.const 0) (i32.const 3)) (data.drop $d) (memory.copy (i32.const 0) (i32.const 1) (i32.const 2))
            (table.init $t $p (i32.const 0) (i32.const 0) (i32.const 1)) (elem.drop $p) (drop (memory.grow (i32.const 0)))
            (local.set 4 (i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 31 (local.get 4) (v128.load offset=16 align=4 (i32.const 0))))
            (drop (i32x4.extract_lane 3 (local.get 4))) (v128.store8_lane offset=1 9 (i32.const 0) (local.get 4)))
          (func $f (type $pair) (local f32)
            (drop (block $a (result i32) (loop $b (if (local.get 0) (then (br $b)) (else (br_if 1 (i32.const 1) (local.get 0)) (drop)))
              (br_table $b $b $b (local.get 0))) (unreachable)))
            (drop (select (result i32) (i32.const 1) (i32.const 2) (i32.const 3))) (call_indirect $t (type $pair) (local.get 0) (local.get 1) (i32.const 1))))
        """;

    private static readonly Lazy<byte[][]> Modules = new(() =>
    [
        Wat.ToWasm(EverySection),
        Wat.ToWasm("(module (func (export \"add\") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))"),
        new ModuleBytes().Section(0, [4, (byte)'n', (byte)'a', (byte)'m', (byte)'e', 1, 4, 1, 0, 1, (byte)'f']).ToArray(),
    ]);

    [Fact]
    public void Modules_Unchanged_AreValid() => Assert.All(Modules.Value, bytes => Assert.Null(Loading.FaultOf(bytes)));

    [Fact]
    public void Load_EveryTruncation_IsRefusedOrEndsBehindASection()
    {
        foreach (byte[] bytes in Modules.Value)
        {
            for (int length = 0; length < bytes.Length; length++)
            {
                var fault = Loading.FaultOf(bytes[..length]);
                if (fault is not null) Assert.InRange(fault.Offset, 0, length);
                if (length < 8) Assert.NotNull(fault);
            }
        }
    }

    [Fact]
    public void Load_SingleByteMutations_NeverThrow() => MutateAll(mutationsAtOnce: 1);

    [Fact]
    public void Load_SeveralMutations_NeverThrow() => MutateAll(mutationsAtOnce: 5);

    [Fact]
    public void Load_RandomSections_NeverThrow()
    {
        var random = new Random(Seed);
        for (int round = 0; round < MutationsPerModule; round++)
        {
            var module = new ModuleBytes();
            for (byte id = 0; id <= 12; id++)
            {
                byte[] content = new byte[random.Next(12)];
                random.NextBytes(content);
                if (random.Next(3) == 0) module.Section(id, content);
            }

            _ = Loading.FaultOf(module.ToArray());
        }
    }

    [Fact]
    public void Load_RandomBodies_NeverThrow()
    {
        var random = new Random(Seed);
        for (int round = 0; round < MutationsPerModule; round++)
        {
            byte[] body = new byte[2 + random.Next(40)];
            random.NextBytes(body);
            body[0] = 0;
            body[^1] = 0x0B;
            _ = Loading.FaultOf(ModuleBytes.WithBodies(body));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(9)]
    [InlineData(10)]
    [InlineData(11)]
    public void Load_HugeCount_IsRefusedWithoutAllocatingForIt(byte section)
    {
        byte[] bytes = new ModuleBytes().Section(section, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F).ToArray();
        long before = GC.GetAllocatedBytesForCurrentThread();
        var fault = Loading.FaultOf(bytes);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 64 * 1024);
        Assert.StartsWith("length out of bounds", fault?.Message);
    }

    [Fact]
    public void Load_HugeBranchTable_IsRefusedWithoutAllocatingForIt()
    {
        byte[] bytes = ModuleBytes.WithBodies([0, 0x0E, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0x0B]);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.StartsWith("length out of bounds", Loading.FaultOf(bytes)?.Message);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 64 * 1024);
    }

    [Theory]
    [InlineData(0x02)]
    [InlineData(0x03)]
    public void Load_DeepNesting_IsRefusedByItsLimit(byte opcode)
    {
        byte[] opened = [.. Enumerable.Repeat<byte[]>([opcode, 0x40], 100_000).SelectMany(pair => pair)];
        byte[] bytes = ModuleBytes.WithBodies([0, .. opened, .. Enumerable.Repeat((byte)0x0B, 100_001)]);
        Assert.Contains("NestingDepth", Loading.FaultOf(bytes)?.Message);
    }

    [Fact]
    public void Load_DeepNestingInAConstantExpression_IsRefused()
    {
        byte[] opened = [.. Enumerable.Repeat<byte[]>([0x02, 0x40], 100_000).SelectMany(pair => pair)];
        byte[] bytes = new ModuleBytes().Section(6, [1, 0x7F, 0, .. opened, .. Enumerable.Repeat((byte)0x0B, 100_001)]).ToArray();
        Assert.StartsWith("constant expression required", Loading.FaultOf(bytes)?.Message);
    }

    [Fact]
    public void Load_ManyFunctionsWithManyLocals_StaysFast()
    {
        // 1,000 functions of 50,000 locals each would be 50 MB of types, from 9 KB of module.
        byte[] body = [1, .. ModuleBytes.Leb(50_000), 0x7F, 0x20, 0xCF, 0x86, 0x03, 0x1A, 0x0B];
        byte[] bytes = ModuleBytes.WithBodies([.. Enumerable.Repeat(body, 300)]);
        var clock = Stopwatch.StartNew();
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Null(Loading.FaultOf(bytes));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1_000_000);
        Assert.InRange(clock.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(5));
    }

    private static void MutateAll(int mutationsAtOnce)
    {
        var random = new Random(Seed);
        foreach (byte[] original in Modules.Value)
        {
            for (int round = 0; round < MutationsPerModule; round++)
            {
                byte[] bytes = [.. original];
                for (int i = 0; i < mutationsAtOnce; i++) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
                var fault = Loading.FaultOf(bytes);
                if (fault is not null) Assert.InRange(fault.Offset, 0, bytes.Length);
            }
        }
    }
}
