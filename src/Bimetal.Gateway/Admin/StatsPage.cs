// /stats: what the page at / shows, in one answer: counts since the start, of which the page makes rates and percentiles.

using System.Text.Json;
using Bimetal.Gateway.Telemetry;
using Bimetal.Gateway.Telemetry.Metrics;

namespace Bimetal.Gateway.Admin;

internal static class StatsPage
{
    /// <summary>Routes that the page is given: those with the most requests.</summary>
    private const int MaximumRoutes = 200;

    public static AdminAnswer Answer(AdminContext context)
    {
        var model = context.Model();
        return AdminAnswer.Json(200, writer =>
        {
            var now = context.Services.Time.GetUtcNow();
            writer.WriteString("version", ProcessFigures.Version);
            writer.WriteNumber("nowMs", now.ToUnixTimeMilliseconds());
            writer.WriteNumber("uptimeSeconds", (long)(now - context.StartedAt).TotalSeconds);
            writer.WriteString("state", context.Services.IsDraining ? "draining" : "ready");
            writer.WriteNumber("generation", model.Generation);
            writer.WriteNumber("retiredModels", context.RetiredModels());
            writer.WriteNumber("inFlight", model.ActiveExchanges);
            writer.WriteNumber("cpuSeconds", ProcessFigures.CpuSeconds);
            writer.WriteNumber("residentBytes", ProcessFigures.ResidentBytes);
            writer.WriteNumber("accessLogDropped", model.Telemetry.AccessLog?.DroppedLines ?? 0);
            if (context.Reloader.Last is { } last)
            {
                writer.WriteStartObject("lastReload");
                ConfigPage.WriteOutcome(writer, last);
                writer.WriteEndObject();
            }

            writer.WriteStartArray("bucketEdgesUs");
            foreach (long edge in LatencyBuckets.EdgesUs) writer.WriteNumberValue(edge);
            writer.WriteEndArray();
            WriteRoutes(writer, model);
            PluginsPage.WriteAll(writer, model);
            UpstreamsPage.WriteAll(writer, model);
        });
    }

    private static void WriteRoutes(Utf8JsonWriter writer, GatewayModel model)
    {
        var used = model.Traffic.Used.Select(traffic => (Traffic: traffic, Counts: traffic.Read())).OrderByDescending(pair => pair.Counts.Requests).ToList();
        var routes = model.AllRoutes.DistinctBy(route => route.Name).ToDictionary(route => route.Name);
        writer.WriteNumber("routeCount", model.AllRoutes.Count);
        writer.WriteStartArray("routes");
        foreach (var (traffic, counts) in used.Take(MaximumRoutes))
        {
            writer.WriteStartObject();
            writer.WriteString("name", traffic.Route);
            if (routes.GetValueOrDefault(traffic.Route) is { } route)
            {
                writer.WriteString("upstream", route.Config.Upstream);
                PluginsPage.WriteBudget(writer, route.Budget);
                if (route.Config.LatencyBudget is { } budget) writer.WriteNumber("latencyBudgetUs", (long)budget.TotalMicroseconds);
            }

            WriteNumbers(writer, "byStatus", counts.ByStatus);
            writer.WriteNumber("requestBytes", counts.RequestBytes);
            writer.WriteNumber("responseBytes", counts.ResponseBytes);
            WriteNumbers(writer, "buckets", counts.Buckets);
            writer.WriteStartObject("errors");
            foreach (var (code, count) in traffic.Errors) writer.WriteNumber(code, count);
            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static void WriteNumbers(Utf8JsonWriter writer, string name, long[] numbers)
    {
        writer.WriteStartArray(name);
        foreach (long number in numbers) writer.WriteNumberValue(number);
        writer.WriteEndArray();
    }
}
