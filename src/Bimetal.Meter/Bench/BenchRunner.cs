// Measures one subject after the other: builds what is stale, compares the metals' answers, runs the rounds, and makes the report.

using System.Diagnostics;
using Bimetal.Meter.Cold;
using Bimetal.Meter.Peers;
using Bimetal.Meter.Receipts;
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
        using var coldLoad = new ColdLoad();
        var calibration = request.Ablates ? await Calibration.TryMeasureAsync(clock, progress, cancellation) : null;
        var subjects = new SubjectBench(request, clock, coldLoad, calibration, progress);
        var tasks = new List<BenchTask>();
        foreach (var subject in request.Subjects)
        {
            progress?.Report($"{subject.Name} ({tasks.Count + 1} of {request.Subjects.Count}, {Stopwatch.GetElapsedTime(started).TotalSeconds:0} s so far)");
            tasks.Add(await subjects.MeasureAsync(subject, cancellation));
        }

        double? emptyProcessUs = request.Processes > 0 && ColdProcess.IsPossible ? Math.Round(await ColdProcess.EmptyUsAsync(request.Processes, cancellation)) : null;
        PeerReport[] peers = request.MeasuresPeers ? [await V8Peer.MeasureAsync(request.Subjects, progress, cancellation), .. await BarePeers.MeasureAsync(request.Subjects, tasks, request.MeasuresScaling, progress, cancellation), PeerReports.Workerd] : [];
        return new BenchReport
        {
            Machine = MachineDescription.OfThis(),
            Tasks = tasks,
            Summary = BenchSummaries.Of(tasks),
            Claims = ClaimsTable.Of(tasks, peers, emptyProcessUs),
            Peers = peers,
            Scaling = request.MeasuresScaling ? await ScalingMeter.MeasureAsync(progress, cancellation) : [],
            EmptyProcessUs = emptyProcessUs,
            RunSeconds = Math.Round(Stopwatch.GetElapsedTime(started).TotalSeconds, 1),
        };
    }
}
