// A small benchmark of what the runtime itself costs: entries, host calls, traps, clones, resets. Medians of short series; for
// serious figures there is `bimetal bench`.

using System.Diagnostics;
using Bimetal.Wasm.Runtime;

namespace Bimetal.Wasm.Engine;

internal static class SpeedFigures
{
    private const int SeriesCount = 15;
    private static readonly TimeSpan SeriesTime = TimeSpan.FromMilliseconds(5);

    public static IEnumerable<string> Measure(SelfTestGuests guests)
    {
        using var instance = guests.NewInstance();
        var deadline = new CallLimits(TimeSpan.FromSeconds(1));
        yield return Line("call", Calls(instance, "empty", CallLimits.None, 0));
        yield return Line("call with a deadline", Calls(instance, "empty", deadline, 0));
        const uint HostCalls = 1000;
        double empty = Calls(instance, "empty", CallLimits.None, 0);
        yield return Line("host call", (Calls(instance, "calls", CallLimits.None, HostCalls) - empty) / HostCalls);
        yield return Line("fault to trap", Calls(instance, "load", CallLimits.None, 1 << 20));
        yield return Line("explicit trap", Calls(instance, "unreachable", CallLimits.None, 0));

        using var source = guests.NewInstance();
        yield return Line("snapshot of 1 MiB", Time(() => Snapshot.Take(source).Dispose()));
        using var snapshot = Snapshot.Take(source);
        yield return Line("clone, first use, free", Time(() =>
        {
            using var pool = new InstancePool(snapshot, 1);
            pool.TryRent();
        }));
        using var warm = new InstancePool(snapshot, 1);
        foreach (uint pages in (uint[])[0, 2, 20, 200]) yield return Line($"rent and reset, {pages} pages written", Resets(warm, pages));
    }

    private static double Calls(Instance instance, string export, CallLimits limits, uint argument)
    {
        instance.TryGetFunction(export, out var function);
        ulong[] buffer = new ulong[2];
        return Time(() =>
        {
            buffer[0] = argument;
            instance.Call(function, buffer, limits);
        });
    }

    private static double Resets(InstancePool pool, uint pages)
    {
        var functions = new GuestFunction[1];
        var instance = pool.TryRent()!;
        instance.TryGetFunction("dirty", out functions[0]);
        pool.Return(instance);
        ulong[] buffer = new ulong[2];
        double writing = 0;
        if (pages > 0)
        {
            instance = pool.TryRent()!;
            writing = Time(() =>
            {
                buffer[0] = pages;
                instance.Call(functions[0], buffer, CallLimits.None);
            });
            pool.Return(instance);
        }

        return Time(() =>
        {
            var rented = pool.TryRent()!;
            buffer[0] = pages;
            if (pages > 0) rented.Call(functions[0], buffer, CallLimits.None);
            pool.Return(rented);
        }) - writing;
    }

    // Nanoseconds of one call: the median of several series.
    private static double Time(Action work)
    {
        var results = new List<double>();
        long count = 1;
        for (int series = 0; series < SeriesCount; series++)
        {
            long start = Stopwatch.GetTimestamp();
            for (long index = 0; index < count; index++) work();
            var elapsed = Stopwatch.GetElapsedTime(start);
            results.Add(elapsed.TotalNanoseconds / count);
            count = Math.Max(1, (long)(count * Math.Min(10, SeriesTime / elapsed)));
        }

        results.Sort();
        return results[results.Count / 2];
    }

    private static string Line(string what, double ns) =>
        ns < 1000 ? FormattableString.Invariant($"      {what,-32} {ns,8:0.0} ns") : FormattableString.Invariant($"      {what,-32} {ns / 1000,8:0.0} us");
}
