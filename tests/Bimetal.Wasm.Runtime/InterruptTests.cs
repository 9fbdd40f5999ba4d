// Code that polls stops itself at its deadline, at a place where nothing is half done; code that nothing stops goes on.

using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Compiler;
using Bimetal.Wasm.Runtime;

namespace Bimetal.Wasm.Runtime.Tests;

public sealed class InterruptTests
{
    private const string Text = """
        (module
          (import "env" "invoke" (func $invoke))
          (memory 1)
          (table 1 funcref)
          (type $step (func (param i32) (result i32)))
          (elem (i32.const 0) $indirect)
          (func (export "loop") (loop $again (br $again)))
          (func (export "loop_with_parameters") (i32.const 1) (loop $again (param i32) (i32.add (i32.const 3)) (br $again)))
          (func (export "load_loop") (loop $again (drop (i32.load (i32.const 0))) (br $again)))
          (func (export "inner_loop") (loop $outer (loop $inner (br_table $inner $outer (i32.load (i32.const 4))))))
          (func $tail (export "tail") (param i32) (return_call $tail (i32.add (local.get 0) (i32.const 1))))
          (func $indirect (export "tail_by_table") (param i32) (result i32) (return_call_indirect (type $step) (local.get 0) (i32.const 0)))
          (func $tree (export "tree") (param i32) (result i32)
            (if (i32.eqz (local.get 0)) (then (return (i32.const 1))))
            (i32.add (call $tree (i32.sub (local.get 0) (i32.const 1))) (call $tree (i32.sub (local.get 0) (i32.const 1)))))
          (func (export "host_loop") (loop $again (call $invoke) (br $again)))
          (func (export "count") (param i64) (result i64) (local $sum i64)
            (loop $again
              (local.set $sum (i64.add (i64.mul (local.get $sum) (i64.const 31)) (local.get 0)))
              (br_if $again (i64.ne (i64.const 0) (local.tee 0 (i64.sub (local.get 0) (i64.const 1))))))
            (local.get $sum)))
        """;

    private static readonly CallLimits Limit = new(TimeSpan.FromMilliseconds(10));

    [Theory]
    [InlineData("loop", 0)]
    [InlineData("loop_with_parameters", 0)]
    [InlineData("load_loop", 0)]
    [InlineData("inner_loop", 0)]
    [InlineData("tail", 0)]
    [InlineData("tail_by_table", 0)]
    [InlineData("tree", 1000)]
    [InlineData("host_loop", 0)]
    public void PollingCode_ThatWouldNotEnd_IsStopped_AndCanBeCalledAgain(string export, ulong argument)
    {
        using var guest = NewGuest(InterruptMode.Poll);
        guest.Instance.HostState = new Func<TrapCode>(() => TrapCode.None);
        for (int time = 0; time < 2; time++) Assert.Equal(TrapCode.DeadlineExceeded, Guest.Run(guest.Instance, Limit, export, argument).Trap);
        Assert.Equal(TrapCode.None, guest.Run("count", 1000));    // nothing was half done: no reset is asked for
    }

    [Theory]
    [InlineData(InterruptMode.Signal)]
    [InlineData(InterruptMode.Poll)]
    [InlineData(InterruptMode.None)]
    public void Code_ThatEnds_GivesTheSameHoweverItCouldBeStopped(InterruptMode mode)
    {
        using var guest = NewGuest(mode);
        ulong expected = 0;
        for (ulong number = 1000; number > 0; number--) expected = (expected * 31) + number;
        Assert.Equal(expected, guest.Call("count", 1000));
        Assert.Equal(32ul, guest.Call("tree", 5));
    }

    // Far over its limit: a tenth of a second at the least on any machine, with a limit of nothing.
    [Fact]
    public void CodeThatNothingStops_RunsToItsEnd()
    {
        using var guest = NewGuest(InterruptMode.None);
        Assert.Equal(TrapCode.None, Guest.Run(guest.Instance, new CallLimits(TimeSpan.Zero), "count", 150_000_000).Trap);
    }

    [Fact]
    public void Guests_OfBothKinds_StopEachInItsWay()
    {
        using var polling = NewGuest(InterruptMode.Poll);
        using var other = NewGuest(InterruptMode.Signal);
        other.Instance.HostState = new Func<TrapCode>(() => polling.Run("loop"));
        Assert.Equal(TrapCode.DeadlineExceeded, Guest.Run(other.Instance, Limit, "host_loop").Trap);
        Assert.Equal(TrapCode.None, polling.Run("count", 10));
        polling.Instance.HostState = new Func<TrapCode>(() => other.Run("loop"));
        Assert.Equal(TrapCode.DeadlineExceeded, Guest.Run(polling.Instance, Limit, "host_loop").Trap);
        Assert.Equal(TrapCode.None, polling.Run("count", 10));
        Assert.Throws<InvalidOperationException>(() => other.Run("count", 10));    // abandoned at whatever instruction it was
    }

    private static Guest NewGuest(InterruptMode mode) =>
        new(Text, new ImportSet().Define("env", "invoke", HostFunctions.Invoke), compile: new CompileOptions { Interrupt = mode });
}
