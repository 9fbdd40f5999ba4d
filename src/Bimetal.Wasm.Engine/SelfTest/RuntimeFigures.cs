// What the runtime itself costs, measured in the binary that it runs in: `bimetal doctor --figures FILE`, which bench/runtime/run calls.
// Each figure stands beside its goal, also where it misses it.

using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Runtime;

namespace Bimetal.Wasm.Engine;

/// <summary>One figure: median, 99th percentile, and the smallest value, which the machine disturbed least.</summary>
public sealed record RuntimeFigure(string Name, string What, string Unit, double Median, double P99, double Fastest, double? Goal)
{
    /// <summary>Whether the median keeps the goal; null without one.</summary>
    public bool? IsMet => Goal is { } goal ? Median <= goal : null;
}

/// <summary>Measures calls, clones, resets, a cold start and the memory of idle instances.</summary>
public static class RuntimeFigures
{
    private const int HostCallsAtOnce = 1000;
    private const int LoadCount = 60;
    private const int CloneCount = 48;
    private const int IdleCount = 512;
    private const int DirtyPages = 2;
    private const int SystemPageBytes = 4096;

    private static readonly CallLimits Deadline = new(TimeSpan.FromSeconds(1));

    /// <summary>Measures, prints a table and writes <c>{ "schema", "figures": [{ name, what, unit, median, p99, fastest, goal, isMet }] }</c>.</summary>
    /// <returns>False when the file cannot be written.</returns>
    public static bool Write(TextWriter output, string path)
    {
        using var text = new MemoryStream();
        using (var json = new Utf8JsonWriter(text, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteString("schema", "bimetal.runtime/1");
            json.WriteStartArray("figures");
            foreach (var figure in Measure()) Write(json, output, figure);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        try
        {
            File.WriteAllBytes(path, text.ToArray());
            return true;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            output.WriteLine($"{path}: {exception.Message}");
            return false;
        }
    }

    private static void Write(Utf8JsonWriter json, TextWriter output, RuntimeFigure figure)
    {
        json.WriteStartObject();
        json.WriteString("name", figure.Name);
        json.WriteString("what", figure.What);
        json.WriteString("unit", figure.Unit);
        json.WriteNumber("median", Math.Round(figure.Median, 3));
        json.WriteNumber("p99", Math.Round(figure.P99, 3));
        json.WriteNumber("fastest", Math.Round(figure.Fastest, 3));
        if (figure.Goal is { } goal) json.WriteNumber("goal", goal);
        if (figure.IsMet is { } isMet) json.WriteBoolean("isMet", isMet);
        json.WriteEndObject();
        string verdict = figure.IsMet switch { true => "ok", false => "MISSED", null => "" };
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{figure.Median,10:0.00} {figure.Unit,-6} {(figure.Goal is { } limit ? $"<= {limit:0}" : ""),-9} {verdict,-7} {figure.What} (p99 {figure.P99:0.00}, fastest {figure.Fastest:0.00})"));
    }

    /// <summary>All figures, one after the other; about half a minute.</summary>
    public static IEnumerable<RuntimeFigure> Measure()
    {
        using var guests = new FigureGuests();
        foreach (var figure in Calls(guests)) yield return figure;
        yield return Cold(guests);
        foreach (var figure in Clones(guests)) yield return figure;
        yield return Idle(guests);
        foreach (var figure in OvershootFigures.Measure()) yield return figure;
    }

    private static IEnumerable<RuntimeFigure> Calls(FigureGuests guests)
    {
        using var instance = guests.NewInstance();
        yield return Time("callNs", "empty call, landing pad and deadline included", "ns", 15, count => Repeat(instance, "empty", 0, count));
        yield return Time("hostCallCopyNs", "host call that finds a header and copies its value to the guest", "ns", 60, count => CallHost(instance, "copy_headers", count));
        yield return Time("hostCallAllocateNs", "the same by way of the guest's allocator, as proxy-wasm has it", "ns", null, count => CallHost(instance, "get_headers", count));
    }

    private static void Repeat(Instance instance, string export, ulong argument, long count)
    {
        instance.TryGetFunction(export, out var function);
        Span<ulong> buffer = stackalloc ulong[4];
        for (long index = 0; index < count; index++)
        {
            buffer[0] = argument;
            instance.Call(function, buffer, Deadline);
        }
    }

    // The guest's loop makes the calls, so that what is measured is theirs.
    private static void CallHost(Instance instance, string export, long count)
    {
        instance.TryGetFunction(export, out var function);
        Span<ulong> buffer = stackalloc ulong[4];
        for (long left = count; left > 0; left -= HostCallsAtOnce)
        {
            ulong calls = (ulong)Math.Min(left, HostCallsAtOnce);
            buffer[0] = calls;
            var trap = instance.Call(function, buffer, Deadline);
            SelfTestException.Require(trap == TrapCode.None && buffer[0] == calls * FigureGuests.ValueBytes, $"{export} ended with '{trap.Message()}'");
        }
    }

    // From files to a result: the module, its code in the cache, an instance, a call. The page cache is warm.
    private static RuntimeFigure Cold(FigureGuests guests)
    {
        var engine = new WasmEngine(new EngineOptions { Cache = guests.Cache });
        var times = new List<double>();
        for (int load = 0; load < LoadCount; load++)
        {
            long start = Stopwatch.GetTimestamp();
            using var module = engine.Load(guests.File);
            using var instance = FigureGuests.Start(module.Loaded);
            Repeat(instance, "empty", 0, 1);
            times.Add(Stopwatch.GetElapsedTime(start).TotalMicroseconds);
        }

        return Figure("coldUs", "precompiled code on disk to first result", "us", 1000, times);
    }

    private static IEnumerable<RuntimeFigure> Clones(FigureGuests guests)
    {
        using var source = guests.NewInstance();
        using var snapshot = Snapshot.Take(source);
        var made = new List<double>();
        for (int round = 0; round < 8; round++)
        {
            using var pool = new InstancePool(snapshot, CloneCount);
            var clones = new List<Instance>();
            for (int clone = 0; clone < CloneCount; clone++)
            {
                long start = Stopwatch.GetTimestamp();
                clones.Add(pool.TryRent()!);
                made.Add(Stopwatch.GetElapsedTime(start).TotalMicroseconds);
            }

            foreach (var clone in clones) clone.Dispose();
        }

        yield return Figure("newCloneUs", "a clone made from nothing, no page of it written", "us", null, made);
        using var warm = new InstancePool(snapshot, 2);
        var (rents, resets) = Rentals(warm);
        yield return Figure("cloneUs", $"a clone of the pool, {DirtyPages} pages written", "us", 5, rents);
        yield return Figure("resetUs", "its reset, off the path", "us", 10, resets);
        var both = new (List<double> Rents, List<double> Resets)[2];
        int next = 0;
        Threads.RunAll(both.Length, () => both[Interlocked.Increment(ref next) - 1] = Rentals(warm));
        yield return Figure("cloneBusyUs", "the same on two threads at once", "us", 10, [.. both.SelectMany(thread => thread.Rents)]);
        yield return Figure("resetBusyUs", "the same on two threads at once", "us", 20, [.. both.SelectMany(thread => thread.Resets)]);
        using var markedSource = guests.NewMarkedInstance();
        using var markedSnapshot = Snapshot.Take(markedSource);
        using var marked = new InstancePool(markedSnapshot, 1);
        yield return Figure("markedResetUs", "its reset where the code marks what it writes, as that of plugins does", "us", 10, Rentals(marked).Resets);
    }

    private static (List<double> Rents, List<double> Resets) Rentals(InstancePool pool)
    {
        const int WarmUp = 200;
        var (rents, resets) = (new List<double>(), new List<double>());
        for (int round = 0; round < 20 * WarmUp; round++)
        {
            long start = Stopwatch.GetTimestamp();
            var instance = pool.TryRent()!;
            Repeat(instance, "dirty", DirtyPages, 1);
            long middle = Stopwatch.GetTimestamp();
            pool.Return(instance);
            long end = Stopwatch.GetTimestamp();
            if (round < WarmUp) continue;
            rents.Add(Stopwatch.GetElapsedTime(start, middle).TotalMicroseconds);
            resets.Add(Stopwatch.GetElapsedTime(middle, end).TotalMicroseconds);
        }

        return (rents, resets);
    }

    // Resident memory and page tables of many instances that have served a request each and wait for the next one; marks are in it.
    private static RuntimeFigure Idle(FigureGuests guests)
    {
        using var source = guests.NewMarkedInstance();
        using var snapshot = Snapshot.Take(source);
        using var pool = new InstancePool(snapshot, 2 * IdleCount);
        // A first crowd stays as well: what the process needs once is there before anything is measured.
        Serve(pool, IdleCount);
        long before = OwnBytes();
        Serve(pool, 2 * IdleCount);
        double beyond = ((double)(OwnBytes() - before) / IdleCount) - (DirtyPages * SystemPageBytes);
        return new RuntimeFigure("idleBytes", $"an idle instance beyond its {DirtyPages} written pages, page tables counted", "bytes", beyond, beyond, beyond, 24 * 1024);
    }

    private static void Serve(InstancePool pool, int count)
    {
        var rented = Enumerable.Range(0, count).Select(_ => pool.TryRent()!).ToList();
        foreach (var instance in rented) Repeat(instance, "dirty", DirtyPages, 1);
        foreach (var instance in rented) pool.Return(instance);
    }

    private static long OwnBytes()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        long kibibytes = 0;
        // The exact figure: that of /proc/self/status lags behind.
        foreach (string line in File.ReadLines("/proc/self/smaps_rollup").Concat(File.ReadLines("/proc/self/status")))
        {
            if (line.StartsWith("Rss:", StringComparison.Ordinal) || line.StartsWith("VmPTE:", StringComparison.Ordinal))
                kibibytes += long.Parse(line.AsSpan(line.IndexOf(':') + 1).TrimEnd("kB ").Trim(), CultureInfo.InvariantCulture);
        }

        return kibibytes << 10;
    }

    private static RuntimeFigure Time(string name, string what, string unit, double? goal, Action<long> work)
    {
        const int SeriesCount = 40;
        var seriesTime = TimeSpan.FromMilliseconds(4);
        var times = new List<double>();
        long count = 1;
        for (int series = 0; series < SeriesCount + 8; series++)
        {
            long start = Stopwatch.GetTimestamp();
            work(count);
            var elapsed = Stopwatch.GetElapsedTime(start);
            if (series >= 8) times.Add(elapsed.TotalNanoseconds / count);
            count = Math.Clamp((long)(count * Math.Min(10, seriesTime / elapsed)), 1, 10_000_000);
        }

        return Figure(name, what, unit, goal, times);
    }

    internal static RuntimeFigure Figure(string name, string what, string unit, double? goal, List<double> times)
    {
        times.Sort();
        return new RuntimeFigure(name, what, unit, times[times.Count / 2], times[times.Count * 99 / 100], times[0], goal);
    }
}
