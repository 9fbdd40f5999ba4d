// How long loading takes in a running gateway: everything from the path of a build to a configured plugin that can begin a stream.

using System.Diagnostics;
using Bimetal.Meter.Statistics;
using Bimetal.Plugins;
using Bimetal.Plugins.Bundles;
using Bimetal.Plugins.Bundles.Cases;

namespace Bimetal.Meter.Workloads;

/// <summary>Times loads.</summary>
internal static class LoadTimer
{
    private const int Loads = 5;

    /// <summary>Median of a few loads, in microseconds. Wasm code comes from the cache: load the plugin once before.</summary>
    public static async Task<double> MedianUsAsync(PluginWorkload workload, Metal metal, CancellationToken cancellation)
    {
        var services = new PluginHostServices { Time = new CaseClock() };
        var times = new List<double>();
        for (int load = 0; load < Loads; load++)
        {
            long started = Stopwatch.GetTimestamp();
            await using var plugin = await PluginCaseRunner.LoadAsync(
                workload.Folder, metal, workload.Cases[0].Configuration, InstancePolicy.PerRequest, services, cancellation);
            times.Add(Stopwatch.GetElapsedTime(started).TotalMicroseconds);
        }

        return Quantile.Median(times);
    }
}
