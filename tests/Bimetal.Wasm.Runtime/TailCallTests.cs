// Tail calls: constant stack, whatever is called and whatever it takes; across instances, through tables, into the host.

using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Runtime;

namespace Bimetal.Wasm.Runtime.Tests;

public sealed class TailCallTests
{
    private const ulong Deep = 3_000_000;

    private const string Text = """
        (module
          (type $step (func (param i64 i64) (result i64)))
          (type $wide (func (param i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 f64 f64 f64 f64 f64 f64 f64 f64 f64 f64 v128) (result i64)))
          (table $table 4 funcref)
          (elem (i32.const 0) $sum $narrow $wide)
          (func $sum (export "sum") (type $step)
            (if (i64.eqz (local.get 0)) (then (return (local.get 1))))
            (return_call $sum (i64.sub (local.get 0) (i64.const 1)) (i64.add (local.get 1) (local.get 0))))
          (func $narrow (export "narrow") (type $step)
            (if (i64.eqz (local.get 0)) (then (return (local.get 1))))
            (return_call_indirect (type $wide)
              (i64.sub (local.get 0) (i64.const 1)) (i64.add (local.get 1) (local.get 0))
              (i64.const 3) (i64.const 4) (i64.const 5) (i64.const 6) (i64.const 7) (i64.const 8) (i64.const 9) (i64.const 10)
              (f64.const 1) (f64.const 2) (f64.const 3) (f64.const 4) (f64.const 5) (f64.const 6) (f64.const 7) (f64.const 8) (f64.const 9) (f64.const 10)
              (v128.const i64x2 11 12) (i32.const 2)))
          (func $wide (type $wide)
            (if (i32.or (i64.ne (i64.add (local.get 8) (local.get 9)) (i64.const 19)) (f64.ne (f64.add (local.get 10) (local.get 19)) (f64.const 11)))
              (then (return (i64.const -1))))
            (if (i64.ne (i64x2.extract_lane 1 (local.get 20)) (i64.const 12)) (then (return (i64.const -2))))
            (return_call_indirect (type $step) (local.get 0) (local.get 1) (i32.const 1)))
          (func $forever (export "forever") (param i32) (return_call $forever (i32.add (local.get 0) (i32.const 1))))
          (func (export "by_table") (param i32) (result i64) (return_call_indirect (type $step) (i64.const 2) (i64.const 3) (local.get 0)))
          (func $deeper (export "deeper") (param i64) (result i64) (i64.add (call $twist (local.get 0)) (i64.const 1)))
          (func $twist (param i64) (result i64) (return_call $deeper (i64.add (local.get 0) (i64.const 1)))))
        """;

    private const string Pong = """
        (module
          (type $step (func (param i64 i64) (result i64)))
          (import "a" "table" (table 4 funcref))
          (import "a" "plain" (func $plain (param i64) (result i64)))
          (elem (i32.const 1) $pong)
          (func $pong (type $step)
            (if (i64.eqz (local.get 0)) (then (return_call $plain (local.get 1))))
            (return_call_indirect (type $step) (i64.sub (local.get 0) (i64.const 1)) (i64.add (local.get 1) (i64.const 1)) (i32.const 0)))
          (func (export "start") (param i64) (result i64) (return_call $pong (local.get 0) (i64.const 0))))
        """;

    private const string Ping = """
        (module
          (type $step (func (param i64 i64) (result i64)))
          (table (export "table") 4 funcref)
          (elem (i32.const 0) $ping)
          (global $own i64 (i64.const 1000))
          (func (export "plain") (param i64) (result i64) (i64.add (local.get 0) (global.get $own)))
          (func $ping (type $step) (return_call_indirect (type $step) (local.get 0) (local.get 1) (i32.const 1))))
        """;

    [Theory]
    [InlineData("sum")]
    [InlineData("narrow")]
    public void TailRecursion_ByTheMillion_RunsInConstantStack(string export)
    {
        using var guest = new Guest(Text);
        Assert.Equal(Deep * (Deep + 1) / 2, guest.Call(export, Deep, 0));
    }

    [Fact]
    public void TailRecursion_AcrossInstances_RunsInConstantStack()
    {
        using var ping = new Guest(Ping);
        using var pong = new Guest(Pong, new ImportSet().DefineAll("a", ping.Instance));
        Assert.Equal(Deep + 1000, pong.Call("start", Deep));
    }

    [Fact]
    public void TailRecursion_WithoutEnd_IsStoppedByTheDeadline()
    {
        using var guest = new Guest(Text);
        Assert.Equal(TrapCode.DeadlineExceeded, Guest.Run(guest.Instance, new CallLimits(TimeSpan.FromMilliseconds(20)), "forever", 0).Trap);
    }

    [Fact]
    public void TailCall_ThroughTable_ChecksTheElement()
    {
        using var guest = new Guest(Text);
        Assert.Equal(6u, guest.Call("by_table", 0));
        Assert.Equal(TrapCode.IndirectCallTypeMismatch, guest.Run("by_table", 2));
        Assert.Equal(TrapCode.UninitializedElement, guest.Run("by_table", 3));
        Assert.Equal(TrapCode.UndefinedElement, guest.Run("by_table", 4));
    }

    [Fact]
    public void Recursion_OfOrdinaryCallsAmongTailCalls_OverflowsTheStack()
    {
        using var guest = new Guest(Text);
        Assert.Equal(TrapCode.StackOverflow, guest.Run("deeper", 0));
    }

    // Thirty parameters of all types into the host and five results back, called last and called in the middle; both give the same.
    [Fact]
    public void TailCall_OfHostFunctionOfManyTypes_GivesWhatACallGives()
    {
        using var guest = new Guest($$"""
            (module
              (type $mix (func {{HostFunctions.MixText}}))
              (import "env" "mix" (func $mix (type $mix)))
              (table 1 funcref) (elem (i32.const 0) $mix)
              (func (export "tail") (param i64) (result v128 i64 f32 i32 f64) {{Arguments("return_call $mix")}})
              (func (export "table") (param i64) (result v128 i64 f32 i32 f64) {{Arguments("return_call_indirect (type $mix)", "(i32.const 0)")}})
              (func (export "call") (param i64) (result v128 i64 f32 i32 f64) {{Arguments("call $mix")}}))
            """, new ImportSet().Define("env", "mix", HostFunctions.Mix));
        var (trap, expected) = Guest.Run(guest.Instance, CallLimits.None, "call", 7);
        Assert.Equal(TrapCode.None, trap);
        Assert.Equal(HostFunctions.MixOf(7), expected[..6]);
        Assert.Equal(expected, Guest.Run(guest.Instance, CallLimits.None, "tail", 7).Results);
        Assert.Equal(expected, Guest.Run(guest.Instance, CallLimits.None, "table", 7).Results);
        // The same function, reached in the tail position of another instance.
        using var second = new Guest(
            "(module (import \"g\" \"tail\" (func $f (param i64) (result v128 i64 f32 i32 f64))) (func (export \"go\") (param i64) (result v128 i64 f32 i32 f64) (return_call $f (local.get 0))))",
            new ImportSet().DefineAll("g", guest.Instance));
        Assert.Equal(expected, Guest.Run(second.Instance, CallLimits.None, "go", 7).Results);
    }

    [Fact]
    public void TailCall_OfHostFunctionThatFails_Traps()
    {
        using var guest = new Guest(
            "(module (import \"env\" \"invoke\" (func $f)) (func (export \"go\") (return_call $f)))", new ImportSet().Define("env", "invoke", HostFunctions.Invoke));
        guest.Instance.HostState = new Func<TrapCode>(() => TrapCode.HostError);
        Assert.Equal(TrapCode.HostError, guest.Run("go"));
        guest.Instance.HostState = new Func<TrapCode>(() => TrapCode.None);
        Assert.Equal(TrapCode.None, guest.Run("go"));
    }

    private static string Arguments(string instruction, string last = "") =>
        $"({instruction} {string.Concat(Enumerable.Range(0, HostFunctions.MixParameters.Length).Select(index => Argument(HostFunctions.MixParameters[index], index)))} {last})";

    private static string Argument(char type, int index) => type switch
    {
        'i' => $"(i32.add (i32.wrap_i64 (local.get 0)) (i32.const {index}))",
        'I' => $"(i64.add (local.get 0) (i64.const {index}))",
        'f' => $"(f32.convert_i64_u (i64.add (local.get 0) (i64.const {index})))",
        'F' => $"(f64.convert_i64_u (i64.add (local.get 0) (i64.const {index})))",
        _ => $"(i64x2.splat (i64.add (local.get 0) (i64.const {index})))",
    };
}
