// /metrics: what is counted of plugins, and the metrics that plugins define themselves. A plugin's own names are labels, never names of
// families: whatever it calls them, they collide with nothing.

using Bimetal.Gateway.Admin;
using Bimetal.Plugins;
using Bimetal.Plugins.Failure;
using Bimetal.Plugins.Native;
using Bimetal.Plugins.ProxyWasm.State;

namespace Bimetal.Gateway.Telemetry.Metrics;

internal static class PluginMetricFamilies
{
    /// <summary>Metrics of one plugin that are shown: the first that it defined. A histogram is one of them.</summary>
    public const int MaximumPerPlugin = 500;

    // Upper edges of the histograms of callbacks, in microseconds.
    private static readonly double[] CallbackEdgesUs = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000];

    // Plain numbers, whatever the plugin counts.
    private static readonly double[] PluginEdges = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000];

    public static void Write(PrometheusWriter writer, GatewayModel model, PluginStates states)
    {
        var loaded = model.Plugins.Where(plugin => plugin.Plugin is not null).Select(plugin => plugin.Plugin!).ToList();
        WriteStates(writer, model);
        WriteCounts(writer, loaded);
        WriteTimes(writer, loaded);
        WriteInstances(writer, loaded);
        WriteProcess(writer, states);
        WriteOwn(writer, [.. loaded.Select(plugin => (plugin.Name, states.Of(plugin.Name).Metrics.All))]);
    }

    /// <summary>A histogram of times of microseconds.</summary>
    public static void WriteTimes(PrometheusWriter writer, TimeHistogram times, params ReadOnlySpan<MetricLabel> labels) => WriteHistogram(writer, times, CallbackEdgesUs, 1e-6, labels);

    private static void WriteProcess(PrometheusWriter writer, PluginStates states)
    {
        writer.Family("bimetal_plugin_memory_bytes", "gauge", "Length of the linear memories of all instances together.");
        writer.Sample(states.Memory.UsedBytes);
        writer.Family("bimetal_plugin_memory_limit_bytes", "gauge", "What plugin_memory allows.");
        writer.Sample(states.Memory.LimitBytes);
        writer.Family("bimetal_native_images", "gauge", "Shared objects of native plugins that are mapped, in use or not: they are never unmapped.");
        writer.Sample(NativePlugin.MappedImages);
    }

    private static void WriteStates(PrometheusWriter writer, GatewayModel model)
    {
        writer.Family("bimetal_plugin_state", "gauge", "1 for the state that the plugin is in, 0 for the others.");
        foreach (var plugin in model.Plugins)
        {
            string current = PluginWords.StateOf(plugin);
            foreach (string state in PluginWords.States) writer.Sample(state == current ? 1 : 0, new("plugin", plugin.Config.Name), new("state", state));
        }
    }

    private static void WriteCounts(PrometheusWriter writer, List<Plugin> plugins)
    {
        writer.Family("bimetal_plugin_info", "gauge", "1, with the metal that the plugin runs on.");
        foreach (var plugin in plugins) writer.Sample(1, new("plugin", plugin.Name), new("metal", PluginWords.Of(plugin.Metal)));
        writer.Family("bimetal_plugin_calls_total", "counter", "Requests that came to the plugin since it was loaded.");
        foreach (var plugin in plugins) writer.Sample(plugin.Statistics.Streams, new MetricLabel("plugin", plugin.Name));
        writer.Family("bimetal_plugin_failures_total", "counter", "Requests in which the plugin failed, by kind.");
        foreach (var plugin in plugins)
        {
            foreach (var kind in Enum.GetValues<FailureKind>())
                writer.Sample(plugin.Statistics.FailuresOf(kind), new("plugin", plugin.Name), new("kind", PluginWords.Of(kind)));
        }

        writer.Family("bimetal_plugin_cpu_seconds_total", "counter", $"CPU time in the plugin's callbacks, host calls included; estimated from one request in {PluginStatistics.DefaultMeasureOneIn}.");
        foreach (var plugin in plugins) writer.Sample(plugin.Statistics.EstimatedCpu.TotalSeconds, new MetricLabel("plugin", plugin.Name));
    }

    private static void WriteTimes(PrometheusWriter writer, List<Plugin> plugins)
    {
        writer.Family("bimetal_plugin_callback_seconds", "histogram", $"Time of callbacks, by kind; of one request in {PluginStatistics.DefaultMeasureOneIn}.");
        foreach (var plugin in plugins)
        {
            foreach (var callback in PluginWords.Callbacks)
            {
                if (plugin.Statistics.CallbackTimesOf(callback) is { Count: > 0 } times)
                    WriteTimes(writer, times, new("plugin", plugin.Name), new("callback", PluginWords.Of(callback)));
            }
        }
    }

    private static void WriteInstances(PrometheusWriter writer, List<Plugin> plugins)
    {
        var wasm = plugins.Where(plugin => plugin.Metal == Metal.Wasm).ToList();
        writer.Family("bimetal_plugin_instances", "gauge", "Instances of the plugin, by whether a request is in them.");
        foreach (var plugin in wasm)
        {
            var (existing, inUse) = plugin.Instances;
            writer.Sample(inUse, new("plugin", plugin.Name), new("state", "in-use"));
            writer.Sample(Math.Max(0, existing - inUse), new("plugin", plugin.Name), new("state", "idle"));
        }

        writer.Family("bimetal_plugin_peak_memory_bytes", "gauge", "Largest linear memory of an instance at the end of a request.");
        foreach (var plugin in wasm) writer.Sample(plugin.Statistics.PeakMemoryBytes, new MetricLabel("plugin", plugin.Name));
    }

    private static void WriteOwn(PrometheusWriter writer, IReadOnlyList<(string Plugin, IReadOnlyList<PluginMetric> All)> own)
    {
        var shown = own.SelectMany(plugin => plugin.All.Take(MaximumPerPlugin).Select(metric => (plugin.Plugin, Metric: metric))).ToList();
        writer.Family("bimetal_plugin_metrics_left_out", "gauge", $"Metrics that the plugin defined beyond the {MaximumPerPlugin} that are shown.");
        foreach (var (plugin, all) in own) writer.Sample(Math.Max(0, all.Count - MaximumPerPlugin), new MetricLabel("plugin", plugin));
        writer.Family("bimetal_plugin_counter_total", "counter", "Counters that plugins define.");
        foreach (var (plugin, metric) in shown.Where(one => one.Metric.Kind == PluginMetricKind.Counter))
            writer.Sample((ulong)metric.Value, new("plugin", plugin), new("name", metric.Name));
        writer.Family("bimetal_plugin_gauge", "gauge", "Gauges that plugins define.");
        foreach (var (plugin, metric) in shown.Where(one => one.Metric.Kind == PluginMetricKind.Gauge))
            writer.Sample(metric.Value, new("plugin", plugin), new("name", metric.Name));
        writer.Family("bimetal_plugin_histogram", "histogram", "Histograms that plugins define; their values are plain numbers.");
        foreach (var (plugin, metric) in shown.Where(one => one.Metric.Histogram is not null))
            WriteHistogram(writer, metric.Histogram!, PluginEdges, 1, new("plugin", plugin), new("name", metric.Name));
    }

    // TimeHistogram has buckets of an eighth of an octave: what straddles an edge counts above it.
    private static void WriteHistogram(PrometheusWriter writer, TimeHistogram times, double[] edges, double unit, params ReadOnlySpan<MetricLabel> labels)
    {
        double perUnit = unit < 1 ? 1000 : 1;
        long count = times.Count;
        var buckets = edges.Select(edge => (edge * unit, Math.Min(count, times.CountUpTo((long)(edge * perUnit)))));
        writer.Histogram(buckets, count, times.TotalNanoseconds * (unit < 1 ? 1e-9 : 1), labels);
    }
}
