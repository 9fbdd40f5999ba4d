// Cold process: a fresh process of this very program loads one plugin and serves one request. Measured from outside, from the start of the
// process to the line that says that the request was served; what a process without a plugin takes is measured beside it.

using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using Bimetal.Meter.Report;
using Bimetal.Meter.Statistics;
using Bimetal.Meter.Workloads;
using Bimetal.Plugins;

namespace Bimetal.Meter.Cold;

/// <summary>Figures of fresh processes on one metal: medians with their intervals, which are all that was seen when processes are few.</summary>
/// <param name="Us">From the start of the process to the first answer.</param>
/// <param name="MemoryBytes">Resident memory, page tables included, that the plugin added to the process until its first answer.</param>
/// <param name="InstanceBytes">The same for one more stream (native) or instance (wasm) in use.</param>
internal sealed record ColdProcessFigures(ClaimFigure Us, ClaimFigure MemoryBytes, ClaimFigure InstanceBytes);

/// <summary>Starts processes.</summary>
internal static class ColdProcess
{
    /// <summary>The hidden command that <see cref="ProcessWorker"/> answers to.</summary>
    public const string CommandName = "bench-process";

    /// <summary>In place of a metal: the best native build, which lies beside the others.</summary>
    public const string Best = "best";

    /// <summary>In place of a metal: the process loads nothing.</summary>
    public const string Nothing = "nothing";

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    /// <summary>Whether this process is the published binary: a process of a development build is not what a gateway starts.</summary>
    public static bool IsPossible => !RuntimeFeature.IsDynamicCodeSupported && Environment.ProcessPath is not null;

    /// <summary>Median of several processes, in turns, so that the machine's mood meets all metals.</summary>
    public static async Task<IReadOnlyDictionary<string, ColdProcessFigures>> MeasureAsync(BenchSubject subject, bool hasBest, int processes, CancellationToken cancellation)
    {
        string[] kinds = subject.Folder is null ? [] : subject.MayRunNative ? hasBest ? ["native", "wasm", Best] : ["native", "wasm"] : ["wasm"];
        var seen = kinds.ToDictionary(kind => kind, _ => new List<OneProcess>());
        for (int process = 0; process < processes; process++)
        {
            foreach (string kind in kinds) seen[kind].Add(await StartAsync(kind, subject.Folder!.Path, cancellation));
        }

        return seen.ToDictionary(
            pair => pair.Key,
            pair => new ColdProcessFigures(FigureOf(pair.Value.Select(one => one.Us)), FigureOf(pair.Value.Select(one => one.MemoryBytes)), FigureOf(pair.Value.Select(one => one.InstanceBytes))));
    }

    /// <summary>Median of processes that load nothing.</summary>
    public static async Task<ClaimFigure> EmptyUsAsync(int processes, CancellationToken cancellation)
    {
        var times = new List<double>();
        for (int process = 0; process < processes; process++) times.Add((await StartAsync(Nothing, "", cancellation)).Us);
        return FigureOf(times);
    }

    private static ClaimFigure FigureOf(IEnumerable<double> values)
    {
        double[] all = [.. values];
        return new ClaimFigure(Math.Round(Quantile.Median(all)), MedianInterval.Of(all));
    }

    private static async Task<OneProcess> StartAsync(string kind, string folder, CancellationToken cancellation)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!, [CommandName, kind, folder]) { RedirectStandardOutput = true };
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(s_patience);
        long started = Stopwatch.GetTimestamp();
        using var process = Process.Start(start) ?? throw new PluginLoadException("a process of this program cannot be started");
        try
        {
            string? served = await process.StandardOutput.ReadLineAsync(limit.Token);
            double us = Stopwatch.GetElapsedTime(started).TotalMicroseconds;
            string? memory = await process.StandardOutput.ReadLineAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token);
            if (served?.Split(' ') is not [ProcessWorker.Served, var preparationUs] || memory is null) throw new PluginLoadException($"{folder}: a fresh process could not serve a request on {kind}");
            long[] bytes = [.. memory.Split(' ').Select(word => long.Parse(word, CultureInfo.InvariantCulture))];
            return new OneProcess(us - double.Parse(preparationUs, CultureInfo.InvariantCulture), bytes[0], bytes[1]);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new PluginLoadException($"{folder}: a fresh process did not serve a request on {kind} within {s_patience.TotalSeconds} s");
        }
        finally
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
        }
    }

    private readonly record struct OneProcess(double Us, double MemoryBytes, double InstanceBytes);
}
