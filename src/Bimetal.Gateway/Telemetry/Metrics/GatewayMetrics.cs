// /metrics: the gateway's own families. Those of plugins are in PluginMetricFamilies.

using System.Buffers;
using Bimetal.Gateway.Admin;

namespace Bimetal.Gateway.Telemetry.Metrics;

internal static class GatewayMetrics
{
    /// <summary>Routes that have series of their own, those with the most requests; the others are one, called <c>other</c>.</summary>
    public const int MaximumRoutes = 500;

    private const double UsPerSecond = 1_000_000;

    public static AdminAnswer Answer(AdminContext context)
    {
        var output = new ArrayBufferWriter<byte>(32 << 10);
        var writer = new PrometheusWriter(output);
        var model = context.Model();
        WriteProcess(writer, context);
        WriteOperation(writer, context, model);
        WriteTraffic(writer, model.Traffic);
        WriteFilters(writer, model.Telemetry.FilterTimes);
        BudgetMetricFamilies.Write(writer, model);
        ProfileMetricFamilies.Write(writer, model);
        UpstreamMetricFamilies.Write(writer, model);
        PluginMetricFamilies.Write(writer, model, context.PluginStates);
        return new AdminAnswer(200, PrometheusWriter.ContentType, output.WrittenMemory);
    }

    private static void WriteProcess(PrometheusWriter writer, AdminContext context)
    {
        writer.Family("bimetal_build_info", "gauge", "1, with the version of the gateway.");
        writer.Sample(1, new MetricLabel("version", ProcessFigures.Version));
        writer.Family("process_start_time_seconds", "gauge", "When the gateway started, in seconds since 1970.");
        writer.Sample(context.StartedAt.ToUnixTimeMilliseconds() / 1000.0);
        writer.Family("process_cpu_seconds_total", "counter", "CPU time of the process, user and system.");
        writer.Sample(ProcessFigures.CpuSeconds);
        writer.Family("process_resident_memory_bytes", "gauge", "Resident memory of the process.");
        writer.Sample(ProcessFigures.ResidentBytes);
        if (context.Services.Memory.LimitBytes is { } limit)
        {
            writer.Family("bimetal_memory_limit_bytes", "gauge", "What limits.memory lets the process take.");
            writer.Sample(limit);
        }

        writer.Family("process_open_fds", "gauge", "Open file descriptors.");
        writer.Sample(ProcessFigures.OpenFileCount);
        writer.Family("process_threads", "gauge", "Threads of the process.");
        writer.Sample(ProcessFigures.ThreadCount);
        writer.Family("bimetal_gc_collections_total", "counter", "Collections of the managed heap, by generation.");
        for (int generation = 0; generation <= GC.MaxGeneration; generation++)
            writer.Sample(GC.CollectionCount(generation), new MetricLabel("generation", generation.ToString()));
        writer.Family("bimetal_allocated_bytes_total", "counter", "Bytes allocated on the managed heap.");
        writer.Sample(GC.GetTotalAllocatedBytes());
    }

    private static void WriteOperation(PrometheusWriter writer, AdminContext context, GatewayModel model)
    {
        writer.Family("bimetal_ready", "gauge", "1 while the gateway wants traffic, 0 while it drains.");
        writer.Sample(context.Services.IsDraining ? 0 : 1);
        writer.Family("bimetal_config_generation", "gauge", "Which configuration since the start is in force.");
        writer.Sample(model.Generation);
        writer.Family("bimetal_reloads_total", "counter", "Reloads by result.");
        writer.Sample(context.Reloader.Applied, new MetricLabel("result", "applied"));
        writer.Sample(context.Reloader.Refused, new MetricLabel("result", "refused"));
        writer.Family("bimetal_retired_models", "gauge", "Configurations that were replaced and still have requests on them.");
        writer.Sample(context.RetiredModels());
        writer.Family("bimetal_requests_in_flight", "gauge", "Requests that are being served on the configuration in force.");
        writer.Sample(model.ActiveExchanges);
        writer.Family("bimetal_connections_open", "gauge", "Connections of clients, those without a request included.");
        writer.Sample(context.Services.OpenConnections);
        writer.Family("bimetal_access_log_dropped_lines_total", "counter", "Lines of the access log that were thrown away because its target was too slow or failed.");
        writer.Sample(model.Telemetry.AccessLog?.DroppedLines ?? 0);
    }

    private static void WriteTraffic(PrometheusWriter writer, TrafficStatistics traffic)
    {
        var routes = Quota(traffic);
        writer.Family("bimetal_requests_total", "counter", "Requests by route and class of their status; the empty route is that of requests without one.");
        foreach (var (name, counts, _) in routes)
        {
            for (int statusClass = 0; statusClass < RouteTraffic.StatusClasses; statusClass++)
            {
                if (counts.ByStatus[statusClass] > 0) writer.Sample(counts.ByStatus[statusClass], new("route", name), new("status", $"{statusClass}xx"));
            }
        }

        writer.Family("bimetal_request_errors_total", "counter", "Requests that the gateway answered with an error of its own, or broke off, by the error's code.");
        foreach (var (name, _, errors) in routes)
        {
            foreach (var (code, count) in errors) writer.Sample(count, new("route", name), new("error", code));
        }

        writer.Family("bimetal_request_body_bytes_total", "counter", "Body bytes received from clients.");
        foreach (var (name, counts, _) in routes) writer.Sample(counts.RequestBytes, new MetricLabel("route", name));
        writer.Family("bimetal_response_body_bytes_total", "counter", "Body bytes sent to clients.");
        foreach (var (name, counts, _) in routes) writer.Sample(counts.ResponseBytes, new MetricLabel("route", name));
        writer.Family("bimetal_request_duration_seconds", "histogram", "Time from the head of a request to the end of its response.");
        foreach (var (name, counts, _) in routes) writer.Histogram(Published(counts), counts.Requests, counts.TotalTimeUs / UsPerSecond, new MetricLabel("route", name));
    }

    private static void WriteFilters(PrometheusWriter writer, FilterTimes filters)
    {
        writer.Family("bimetal_filter_seconds", "histogram", $"Time in the callbacks of a filter for one request; of one request in {FilterTimes.SampleEvery}, and of those that are traced.");
        foreach (var (filter, times) in filters.All) PluginMetricFamilies.WriteTimes(writer, times, new MetricLabel("filter", filter));
    }

    private static List<(string Name, TrafficCounts Counts, IReadOnlyList<(string Code, long Count)> Errors)> Quota(TrafficStatistics traffic)
    {
        var all = traffic.Used.Select(route => (Name: route.Route, Counts: route.Read(), Errors: (IReadOnlyList<(string Code, long Count)>)[.. route.Errors])).ToList();
        if (all.Count <= MaximumRoutes) return all;
        all.Sort((left, right) => right.Counts.Requests.CompareTo(left.Counts.Requests));
        var rest = all[MaximumRoutes..];
        var errors = rest.SelectMany(route => route.Errors).GroupBy(error => error.Code).Select(group => (group.Key, group.Sum(error => error.Count))).ToList();
        return [.. all[..MaximumRoutes], ("other", rest.Select(route => route.Counts).Aggregate(Add), errors)];
    }

    private static TrafficCounts Add(TrafficCounts left, TrafficCounts right) => new(
        [.. left.ByStatus.Zip(right.ByStatus, (a, b) => a + b)], left.RequestBytes + right.RequestBytes, left.ResponseBytes + right.ResponseBytes,
        left.TotalTimeUs + right.TotalTimeUs, [.. left.Buckets.Zip(right.Buckets, (a, b) => a + b)]);

    private static IEnumerable<(double Edge, long Below)> Published(TrafficCounts counts)
    {
        long below = 0;
        int next = 0;
        foreach (int index in LatencyBuckets.Published)
        {
            while (next <= index) below += counts.Buckets[next++];
            yield return (LatencyBuckets.EdgesUs[index] / UsPerSecond, below);
        }
    }
}
