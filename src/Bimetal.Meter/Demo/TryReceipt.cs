// The live receipt of `bimetal try`: what the plugin took of the requests since the last line, item by item, from the counters of its host.

using System.Globalization;
using System.Text;
using Bimetal.Plugins;
using Bimetal.Plugins.Failure;
using Bimetal.Plugins.Streams;

namespace Bimetal.Meter.Demo;

/// <summary>Makes lines. Every stream of the plugin has to be measured.</summary>
internal sealed class TryReceipt(Plugin plugin)
{
    private static readonly (StreamCallback Callback, string Name)[] s_callbacks =
    [
        (StreamCallback.RequestHeaders, "request headers"), (StreamCallback.RequestBody, "request body"), (StreamCallback.RequestTrailers, "request trailers"),
        (StreamCallback.ResponseHeaders, "response headers"), (StreamCallback.ResponseBody, "response body"),
        (StreamCallback.ResponseTrailers, "response trailers"), (StreamCallback.Log, "log"),
    ];

    private Reading _last = Reading.Of(plugin);

    /// <summary>The line for the requests that ended since the last call; null when there was none.</summary>
    public string? Next()
    {
        var now = Reading.Of(plugin);
        long requests = now.Ended.Count - _last.Ended.Count;
        long failures = now.Failures - _last.Failures;
        if (requests == 0 && failures == 0) return null;
        var line = new StringBuilder().Append(CultureInfo.InvariantCulture, $"{requests} {(requests == 1 ? "request" : "requests")}: instance {Mean(now.Begun, _last.Begun, requests)}");
        double total = PerRequest(now.Begun, _last.Begun, requests);
        for (int index = 0; index < s_callbacks.Length; index++)
        {
            if (now.Callbacks[index].Count == _last.Callbacks[index].Count) continue;
            line.Append(CultureInfo.InvariantCulture, $" + {s_callbacks[index].Name} {Mean(now.Callbacks[index], _last.Callbacks[index], requests)}");
            total += PerRequest(now.Callbacks[index], _last.Callbacks[index], requests);
        }

        line.Append(CultureInfo.InvariantCulture, $" = {total:0.0} us per request; reset afterwards {Mean(now.Ended, _last.Ended, requests)}");
        line.Append(CultureInfo.InvariantCulture, $"; memory {plugin.Statistics.PeakMemoryBytes >> 10} KiB");
        if (failures > 0) line.Append(CultureInfo.InvariantCulture, $"; FAILURES {failures} (the log says why)");
        _last = now;
        return line.ToString();
    }

    private static string Mean(Sum now, Sum before, long requests) => string.Create(CultureInfo.InvariantCulture, $"{PerRequest(now, before, requests):0.0}");

    private static double PerRequest(Sum now, Sum before, long requests) => (now.Nanoseconds - before.Nanoseconds) / 1000.0 / Math.Max(1, requests);

    private readonly record struct Sum(long Count, long Nanoseconds)
    {
        public static Sum Of(TimeHistogram times) => new(times.Count, times.TotalNanoseconds);
    }

    private sealed record Reading(Sum Begun, Sum Ended, Sum[] Callbacks, long Failures)
    {
        public static Reading Of(Plugin plugin) => new(
            Sum.Of(plugin.Statistics.BeginTimes),
            Sum.Of(plugin.Statistics.EndTimes),
            [.. s_callbacks.Select(one => Sum.Of(plugin.Statistics.CallbackTimesOf(one.Callback)))],
            Enum.GetValues<FailureKind>().Sum(plugin.Statistics.FailuresOf));
    }
}
