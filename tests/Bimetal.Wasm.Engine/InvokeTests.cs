// `invoke`: typed arguments and results, one line for each way to fail, exit codes.

using Bimetal.Testing;

namespace Bimetal.Wasm.Engine.Tests;

public sealed class InvokeTests : IClassFixture<EngineFixture>
{
    private const string Text = """
        (module
          (memory 1)
          (table 4 funcref) (elem (i32.const 0) $unary)
          (type $nullary (func)) (type $unary (func (param i32)))
          (func $unary (type $unary))
          (func (export "mixed") (param i32 f32 i64 f64) (result i64 f32 i32 f64) local.get 2 local.get 1 local.get 0 local.get 3)
          (func (export "nothing"))
          (func (export "vector") (param v128) (result v128) local.get 0)
          (func (export "reference") (param externref) (result i32) local.get 0 ref.is_null)
          (func (export "divide") (param i32 i32) (result i32) local.get 0 local.get 1 i32.div_s)
          (func (export "truncate") (param f64) (result i32) local.get 0 i32.trunc_f64_s)
          (func (export "load") (param i32) (result i32) local.get 0 i32.load)
          (func (export "indirect") (param i32) (call_indirect (type $nullary) (local.get 0)))
          (func (export "element") (param i32) (drop (table.get 0 (local.get 0))))
          (global $count (mut i32) (i32.const 0))
          (func (export "count") (param i32) (result i32) (global.set $count (i32.add (global.get $count) (local.get 0))) (global.get $count))
          (func (export "unreachable") unreachable)
          (func $recurse (export "recurse") call $recurse)
          (func (export "spin") (loop br 0)))
        """;

    private readonly EngineFixture _engine;
    private readonly string _file;

    public InvokeTests(EngineFixture engine)
    {
        _engine = engine;
        _file = engine.Write("module.wasm", Wat.ToWasm(Text));
    }

    [Theory]
    [InlineData("mixed 1 1.5 -2 -0.25", "i64:-2\nf32:1.5\ni32:1\nf64:-0.25\n")]
    [InlineData("mixed 0xffffffff nan:0x200000 -9223372036854775808 -inf", "i64:-9223372036854775808\nf32:nan:0x200000\ni32:-1\nf64:-inf\n")]
    [InlineData("mixed -0x80000000 -nan 18446744073709551615 1e-300", "i64:-1\nf32:-nan\ni32:-2147483648\nf64:1E-300\n")]
    [InlineData("mixed 4294967295 3.4028235e38 0x7f -0", "i64:127\nf32:3.4028235E+38\ni32:-1\nf64:-0\n")]
    [InlineData("nothing", "")]
    [InlineData("vector 0x000102030405060708090a0b0c0d0e0f", "v128:0x000102030405060708090a0b0c0d0e0f\n")]
    [InlineData("reference null", "i32:1\n")]
    [InlineData("divide -7 2", "i32:-3\n")]
    public void Invoke_TypedArguments_PrintsTypedResults(string call, string expected)
    {
        var run = _engine.Invoke(_file, call);
        Assert.Equal("", run.Error);
        Assert.Equal(expected, run.Output);
        Assert.Equal(0, run.ExitCode);
    }

    [Theory]
    [InlineData("unreachable", "unreachable")]
    [InlineData("divide 1 0", "integer divide by zero")]
    [InlineData("divide -2147483648 -1", "integer overflow")]
    [InlineData("truncate nan", "invalid conversion to integer")]
    [InlineData("truncate 1e30", "integer overflow")]
    [InlineData("load 65533", "out of bounds memory access")]
    [InlineData("load -1", "out of bounds memory access")]
    [InlineData("indirect 0", "indirect call type mismatch")]
    [InlineData("indirect 1", "uninitialized element")]
    [InlineData("indirect 4", "undefined element")]
    [InlineData("element 4", "out of bounds table access")]
    [InlineData("recurse", "call stack exhausted")]
    public void Invoke_Trap_PrintsItsKind_ThenTheFunctions(string call, string kind)
    {
        var run = _engine.Invoke(_file, call);
        Assert.StartsWith($"{_file}: trap: {kind} (in {call.Split(' ')[0]})\n  in ", run.Error, StringComparison.Ordinal);
        Assert.Matches("^  in [a-z0-9 ]+ at 0x[0-9a-f]+", run.Error.Split('\n')[1]);
        Assert.Equal("", run.Output);
        Assert.Equal(1, run.ExitCode);
    }

    [Fact]
    public void Invoke_RepeatedAndTimed_CallsOneInstanceAndEndsWithTheTimes()
    {
        var run = _engine.Invoke(_file, "count 7", request => request with { CallCount = 5, ShowTime = true });
        Assert.Equal("", run.Error);
        Assert.Matches(@"\Ai32:35\nfastest \d+ ns, median \d+ ns of 5 calls\n\z", run.Output);
    }

    [Fact]
    public void Invoke_RepeatedCallThatTraps_StopsThere()
    {
        var run = _engine.Invoke(_file, "divide 1 0", request => request with { CallCount = 5, ShowTime = true });
        Assert.StartsWith($"{_file}: trap: integer divide by zero (in divide)\n  in divide at 0x", run.Error, StringComparison.Ordinal);
        Assert.Equal("", run.Output);
    }

    [Fact]
    public void Invoke_EndlessLoop_StopsAtTheCpuLimit()
    {
        var run = _engine.Invoke(_file, "spin", request => request with { CpuLimit = TimeSpan.FromMilliseconds(50) });
        Assert.Matches(@": trap: CPU limit exceeded \(in spin\)\n  in spin( at 0x[0-9a-f]+)? \(function [0-9]+\)\n\z", run.Error);
        Assert.Equal(1, run.ExitCode);
    }

    [Theory]
    [InlineData("absent", "no exported function \"absent\"; there are: mixed (i32, f32, i64, f64) -> (i64, f32, i32, f64), nothing () -> ()")]
    [InlineData("divide 1", "divide takes 2 arguments, 1 given: its type is (i32, i32) -> (i32)")]
    [InlineData("divide 1 2 3", "divide takes 2 arguments, 3 given")]
    [InlineData("divide 1 4294967296", "argument 2 of divide: \"4294967296\" is no i32; expected an integer of 32 bits")]
    [InlineData("divide 1 -2147483649", "argument 2 of divide: \"-2147483649\" is no i32")]
    [InlineData("divide 1 --2", "argument 2 of divide: \"--2\" is no i32")]
    [InlineData("divide 1 two", "argument 2 of divide: \"two\" is no i32")]
    [InlineData("truncate nan:0x0", "argument 1 of truncate: \"nan:0x0\" is no f64; expected a number")]
    [InlineData("reference 5", "argument 1 of reference: \"5\" is no externref; expected null")]
    public void Invoke_WrongUsage_SaysWhatIsExpected(string call, string message)
    {
        var run = _engine.Invoke(_file, call);
        Assert.StartsWith($"{_file}: {message}", run.Error);
        Assert.Equal(2, run.ExitCode);
    }

    [Fact]
    public void Invoke_MissingImport_IsNamed()
    {
        string file = _engine.Write("import.wasm", Wat.ToWasm("(module (import \"env\" \"lookup\" (func (param i32))) (func (export \"f\")))"));
        var run = _engine.Invoke(file, "f");
        Assert.Contains("unknown import", run.Error);
        Assert.Contains("\"env\" \"lookup\"", run.Error);
        Assert.Equal(1, run.ExitCode);
    }

    [Fact]
    public void Invoke_TruncatedFile_NamesFileAndOffset()
    {
        string file = _engine.Write("truncated.wasm", Wat.ToWasm(Text).AsSpan(0, 100));
        var run = _engine.Invoke(file, "nothing");
        Assert.StartsWith($"{file}: byte 0x", run.Error);
        Assert.Equal(1, run.ExitCode);
    }

    [Fact]
    public void Invoke_NoSuchFile_IsOneLine()
    {
        var run = _engine.Invoke("/nonexistent/module.wasm", "f");
        Assert.StartsWith("/nonexistent/module.wasm: ", run.Error);
        Assert.Single(run.Error.TrimEnd().Split('\n'));
        Assert.Equal(1, run.ExitCode);
    }

    [Fact]
    public void Invoke_TrapInTheStartFunction_Fails()
    {
        string file = _engine.Write("start.wasm", Wat.ToWasm("(module (func $s unreachable) (start $s) (func (export \"f\")))"));
        var run = _engine.Invoke(file, "f");
        Assert.Contains("trap: unreachable", run.Error);
        Assert.Equal(1, run.ExitCode);
    }

    [Fact]
    public void Load_Stages_AreTimedInOrder()
    {
        using var module = new WasmEngine().Load(_file);
        Assert.Equal(["read", "decode", "validate", "cache", "emit", "clang", "link", "check", "load"], module.Stages.Select(stage => stage.Stage));
        Assert.All(module.Stages, stage => Assert.True(stage.Time >= TimeSpan.Zero));
    }

    [Fact]
    public void Load_FileOverTheLimit_IsRefusedBeforeItIsRead()
    {
        var engine = new WasmEngine(new EngineOptions { Limits = new() { Module = new() { ModuleBytes = 10 } } });
        var exception = Assert.Throws<Modules.WasmModuleException>(() => engine.Load(_file));
        Assert.StartsWith("limit ModuleBytes exceeded", exception.Error.Message);
    }
}
