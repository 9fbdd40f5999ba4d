// Guests that do not end are stopped within their CPU limit and a little, wherever they are, while the guests of other threads go on.

using System.Diagnostics;
using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Runtime;

namespace Bimetal.Wasm.Engine;

internal static class DeadlineChecks
{
    private static readonly TimeSpan Limit = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan Promise = TimeSpan.FromMilliseconds(20);

    /// <summary>Endless guests, one after the other, beside a thread with well-behaved ones.</summary>
    public static string Endless(SelfTestGuests guests, string[] exports, int count)
    {
        using var stop = new CancellationTokenSource();
        long neighbourCalls = 0;
        var neighbour = new Thread(() => neighbourCalls = CallUntil(guests, stop.Token));
        neighbour.Start();
        var overshoots = new List<TimeSpan>();
        try
        {
            for (int round = 0; round < count; round++)
            {
                foreach (string export in exports) overshoots.Add(StopOne(guests, export));
            }
        }
        finally
        {
            stop.Cancel();
            neighbour.Join();
        }

        overshoots.Sort();
        SelfTestException.Require(neighbourCalls > 0, "the guest of another thread did not go on");
        var (middle, worst) = (overshoots[overshoots.Count / 2], overshoots[^1]);
        SelfTestException.Require(worst <= Promise, $"a guest ran {worst.TotalMilliseconds:0.0} ms past its limit of {Limit.TotalMilliseconds} ms of CPU time");
        return FormattableString.Invariant(
            $"{overshoots.Count} stopped, past {Limit.TotalMilliseconds} ms by {middle.TotalMilliseconds:0.0} ms (median) and {worst.TotalMilliseconds:0.0} ms (worst); {neighbourCalls} calls beside them");
    }

    /// <summary>The limit is of one call: many short calls never add up to it.</summary>
    public static string ShortCalls(SelfTestGuests guests)
    {
        using var instance = guests.NewInstance();
        var limits = new CallLimits(TimeSpan.FromMilliseconds(50));
        long start = Stopwatch.GetTimestamp();
        long calls = 0;
        for (; Stopwatch.GetElapsedTime(start) < TimeSpan.FromMilliseconds(250); calls++)
        {
            var trap = SelfTestGuests.Run(instance, limits, "spin", 20_000);
            SelfTestException.Require(trap == TrapCode.None, $"a short call was stopped: {trap.Message()}");
        }

        // A thread that waits in a host function uses no CPU time.
        instance.HostState = () => Thread.Sleep(120);
        var waited = SelfTestGuests.Run(instance, limits, "invoke", 0);
        SelfTestException.Require(waited == TrapCode.None, $"a waiting call was stopped: {waited.Message()}");
        return $"{calls} calls of less than their limit";
    }

    private static TimeSpan StopOne(SelfTestGuests guests, string export)
    {
        using var instance = guests.NewInstance();
        var before = TrapSupport.ThreadCpuTime;
        var trap = SelfTestGuests.Run(instance, new CallLimits(Limit), export);
        var used = TrapSupport.ThreadCpuTime - before;
        SelfTestException.Require(trap == TrapCode.DeadlineExceeded, $"{export} ended with '{trap.Message()}'");
        SelfTestException.Require(used >= Limit, $"{export} was stopped after {used.TotalMilliseconds:0.0} ms of {Limit.TotalMilliseconds} ms");
        return used - Limit;
    }

    private static long CallUntil(SelfTestGuests guests, CancellationToken stop)
    {
        using var instance = guests.NewInstance();
        long calls = 0;
        for (; !stop.IsCancellationRequested; calls++) SelfTestGuests.Run(instance, new CallLimits(TimeSpan.FromSeconds(1)), "spin", 1000);
        return calls;
    }
}
