// How far past their CPU limit guests are stopped, on a quiet machine and beside busy threads, and how often an innocent one is.

using System.Diagnostics;
using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Runtime;

namespace Bimetal.Wasm.Engine;

/// <summary>Measures deadlines on the clock that limits are measured on: CPU time of the guest's thread.</summary>
internal static class OvershootFigures
{
    private const int StopCount = 120;
    private const int BusyThreadCount = 4;
    private const int InnocentCalls = 100_000;
    private static readonly TimeSpan InnocentTime = TimeSpan.FromSeconds(10);

    public static IEnumerable<RuntimeFigure> Measure()
    {
        using var guests = new SelfTestGuests();
        foreach (bool isBusy in (bool[])[false, true])
        {
            foreach (int limitMs in (int[])[1, 10]) yield return Overshoot(guests, limitMs, isBusy);
        }

        yield return FalseStops(guests);
    }

    private static RuntimeFigure Overshoot(SelfTestGuests guests, int limitMs, bool isBusy)
    {
        var limit = TimeSpan.FromMilliseconds(limitMs);
        var times = new List<double>();
        Beside(guests, isBusy ? BusyThreadCount : 0, () =>
        {
            using var pool = guests.NewPool(1);
            for (int stop = 0; stop < StopCount; stop++)
            {
                var instance = pool.TryRent()!;
                var before = TrapSupport.ThreadCpuTime;
                var trap = SelfTestGuests.Run(instance, new CallLimits(limit), "forever");
                times.Add((TrapSupport.ThreadCpuTime - before - limit).TotalMicroseconds);
                SelfTestException.Require(trap == TrapCode.DeadlineExceeded, $"an endless guest ended with '{trap.Message()}'");
                pool.Return(instance);
            }
        });
        string load = isBusy ? $"beside {BusyThreadCount} busy threads" : "alone";
        return RuntimeFigures.Figure($"overshoot{limitMs}ms{(isBusy ? "Busy" : "")}Us", $"CPU time past a limit of {limitMs} ms, {load}", "us", 20_000, times);
    }

    // Callbacks of some 20 us, as long as a hundredth of their limit, beside busy threads.
    private static RuntimeFigure FalseStops(SelfTestGuests guests)
    {
        const int Loops = 20_000;
        var limit = new CallLimits(TimeSpan.FromMilliseconds(1));
        long calls = 0, stops = 0;
        Beside(guests, BusyThreadCount, () =>
        {
            using var pool = guests.NewPool(1);
            long start = Stopwatch.GetTimestamp();
            for (; calls < InnocentCalls && Stopwatch.GetElapsedTime(start) < InnocentTime; calls++)
            {
                var instance = pool.TryRent()!;
                if (SelfTestGuests.Run(instance, limit, "spin", Loops) != TrapCode.None) stops++;
                pool.Return(instance);
            }
        });
        double share = stops * 100_000.0 / calls;
        return new RuntimeFigure("falseStops", $"innocent callbacks of 20 us stopped at a limit of 1 ms, of 100000, beside {BusyThreadCount} busy threads ({calls} tried)", "calls", share, share, share, null);
    }

    private static void Beside(SelfTestGuests guests, int threadCount, Action work)
    {
        using var stop = new CancellationTokenSource();
        var busy = Enumerable.Range(0, threadCount).Select(_ => new Thread(() => Spin(guests, stop.Token))).ToList();
        foreach (var thread in busy) thread.Start();
        try
        {
            work();
        }
        finally
        {
            stop.Cancel();
            foreach (var thread in busy) thread.Join();
        }
    }

    private static void Spin(SelfTestGuests guests, CancellationToken stop)
    {
        using var instance = guests.NewInstance();
        while (!stop.IsCancellationRequested) SelfTestGuests.Run(instance, CallLimits.None, "spin", 100_000);
    }
}
