// Measures one subject after the other: builds what is stale, compares the metals' answers, runs the rounds, and makes the report.

using System.Diagnostics;
using Bimetal.Meter.Cold;
using Bimetal.Meter.Peers;
using Bimetal.Meter.Report;
using Bimetal.Meter.Workloads;
using Bimetal.Plugins;
using Bimetal.Plugins.Bundles;

namespace Bimetal.Meter.Bench;

/// <summary>The entry point of `bench`.</summary>
public static class BenchRunner
{
    /// <summary>Measures.</summary>
    /// <param name="progress">Gets a line at each step.</param>
    /// <exception cref="PluginLoadException">A plugin cannot be built or loaded; the message is for a person.</exception>
    public static async Task<BenchReport> RunAsync(BenchRequest request, IProgress<string>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        long started = Stopwatch.GetTimestamp();
        var clock = MeterClock.Calibrate();
        var stages = new RunTimes();
        progress?.Report($"{request.Subjects.Count} plugins: measuring will take about {request.Estimate.TotalSeconds:0} s, after building what is stale");
        var preparation = new Preparation(request.Subjects, request.Arrangements, request.Ablates, progress);
        await stages.TimeAsync("preparation", () => preparation.RunAsync(cancellation));
        using var coldLoad = new ColdLoad();
        var subjects = new SubjectBench(request, clock, coldLoad, preparation.NativeBuilds, stages, progress);
        var tasks = new List<BenchTask>();
        foreach (var subject in request.Subjects)
        {
            progress?.Report($"{subject.Name} ({tasks.Count + 1} of {request.Subjects.Count}, {Stopwatch.GetElapsedTime(started).TotalSeconds:0} s so far)");
            tasks.Add(await subjects.MeasureAsync(subject, cancellation));
        }

        ClaimFigure? emptyProcess = request.Processes > 0 && ColdProcess.IsPossible ? await ColdProcess.EmptyUsAsync(request.Processes, cancellation) : null;
        IReadOnlyList<PeerReport> peers = request.MeasuresPeers ? await stages.TimeAsync("peers", () => PeersAsync(request, tasks, progress, cancellation)) : [];
        IReadOnlyList<ScalingCurve> scaling = request.MeasuresScaling ? await stages.TimeAsync("scaling", () => ScalingMeter.MeasureAsync(progress, cancellation)) : [];
        return new BenchReport
        {
            Machine = MachineDescription.OfThis(),
            Tasks = tasks,
            Summary = BenchSummaries.Of(tasks),
            Claims = ClaimsTable.Of(tasks, peers, emptyProcess),
            Peers = peers,
            Scaling = scaling,
            EmptyProcessUs = emptyProcess?.Value,
            RunSeconds = Math.Round(Stopwatch.GetElapsedTime(started).TotalSeconds, 1),
            RunSecondsBy = stages.Seconds,
        };
    }

    private static async Task<IReadOnlyList<PeerReport>> PeersAsync(BenchRequest request, List<BenchTask> tasks, IProgress<string>? progress, CancellationToken cancellation)
    {
        var peers = new List<PeerReport>();
        foreach (var peer in ScriptPeer.All) peers.Add(await peer.MeasureAsync(request.Subjects, progress, cancellation));
        return [.. peers, .. await BarePeers.MeasureAsync(request.Subjects, tasks, request.MeasuresScaling, progress, cancellation)];
    }
}
