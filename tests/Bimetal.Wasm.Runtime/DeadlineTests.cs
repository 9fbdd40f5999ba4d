// Deadlines across nested entries and host calls; the plain cases are checks of the self-test.

using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Runtime;

namespace Bimetal.Wasm.Runtime.Tests;

/// <summary>What the self-test does not cover: deadlines across nested entries.</summary>
public sealed class DeadlineTests
{
    private const string Text = """
        (module
          (import "env" "invoke" (func $invoke))
          (func (export "forever") (loop $again (br $again)))
          (func (export "invoke") (call $invoke))
          (func (export "invoke_forever") (loop $again (call $invoke) (br $again)))
          (func (export "nothing")))
        """;

    private static readonly CallLimits Limit = new(TimeSpan.FromMilliseconds(10));

    [Fact]
    public void Deadline_ReachesANestedGuestOfAnotherInstance()
    {
        using var inner = NewGuest();
        using var outer = NewGuest();
        var seen = new List<TrapCode>();
        outer.Instance.HostState = new Func<TrapCode>(() =>
        {
            seen.Add(inner.Run("forever"));
            return TrapCode.None;    // swallowed: the outer guest has to stop all the same
        });
        Assert.Equal(TrapCode.DeadlineExceeded, Guest.Run(outer.Instance, Limit, "invoke_forever").Trap);
        Assert.Equal([TrapCode.DeadlineExceeded], seen);
        Assert.Throws<InvalidOperationException>(() => inner.Run("nothing"));
        Assert.Equal(TrapCode.None, outer.Run("nothing"));    // it was in a host call: nothing of it is half done
    }

    [Fact]
    public void Deadline_InAHostFunction_StopsTheGuestOnItsWayBack_AndFurtherEntriesBefore()
    {
        using var inner = NewGuest();
        using var outer = NewGuest();
        var seen = new List<TrapCode>();
        outer.Instance.HostState = new Func<TrapCode>(() =>
        {
            var start = TrapSupport.ThreadCpuTime;
            while (TrapSupport.ThreadCpuTime - start < TimeSpan.FromMilliseconds(80)) { }
            seen.Add(inner.Run("nothing"));
            return TrapCode.None;
        });
        Assert.Equal(TrapCode.DeadlineExceeded, Guest.Run(outer.Instance, Limit, "invoke").Trap);
        Assert.Equal([TrapCode.DeadlineExceeded], seen);
        Assert.Equal(TrapCode.None, inner.Run("nothing"));
        outer.Instance.HostState = new Func<TrapCode>(() => TrapCode.None);
        Assert.Equal(TrapCode.None, outer.Run("invoke"));
    }

    /// <summary>The collector may run on the thread of a host call, which the guest has no part in.</summary>
    [Fact]
    public void Deadline_InAHostFunction_IsPutOffForAMoment()
    {
        using var guest = NewGuest();
        guest.Instance.HostState = new Func<TrapCode>(() =>
        {
            var start = TrapSupport.ThreadCpuTime;
            while (TrapSupport.ThreadCpuTime - start < TimeSpan.FromMilliseconds(4.5)) { }
            return TrapCode.None;
        });
        Assert.Equal(TrapCode.None, Guest.Run(guest.Instance, new CallLimits(TimeSpan.FromMilliseconds(1)), "invoke").Trap);
    }

    [Fact]
    public void Deadline_OfANestedCallAlone_Counts()
    {
        using var inner = NewGuest();
        using var outer = NewGuest();
        outer.Instance.HostState = new Func<TrapCode>(() => Guest.Run(inner.Instance, Limit, "forever").Trap);
        Assert.Equal(TrapCode.DeadlineExceeded, Guest.Run(outer.Instance, CallLimits.None, "invoke").Trap);
    }

    [Fact]
    public void Deadline_OfZeroOrForever_IsTheShortestOrNone()
    {
        using var guest = NewGuest();
        Assert.Equal(TrapCode.DeadlineExceeded, Guest.Run(guest.Instance, new CallLimits(TimeSpan.Zero), "forever").Trap);
        using var other = NewGuest();
        Assert.Equal(TrapCode.None, Guest.Run(other.Instance, new CallLimits(TimeSpan.MaxValue), "nothing").Trap);
    }

    [Fact]
    public void Deadline_StopsGuestsOfManyThreadsAtOnce()
    {
        Parallel.For(0, 12, new ParallelOptions { MaxDegreeOfParallelism = 6 }, _ =>
        {
            using var guest = NewGuest();
            Assert.Equal(TrapCode.DeadlineExceeded, Guest.Run(guest.Instance, Limit, "forever").Trap);
        });
    }

    private static Guest NewGuest() => new(Text, new ImportSet().Define("env", "invoke", HostFunctions.Invoke));
}
