// /upstreams: each upstream with its endpoints, their health, and what was sent to them.

using System.Text.Json;
using Bimetal.Gateway.Upstreams;

namespace Bimetal.Gateway.Admin;

internal static class UpstreamsPage
{
    public static AdminAnswer Answer(AdminContext context) => AdminAnswer.Json(200, writer => WriteAll(writer, context.Model()));

    public static void WriteAll(Utf8JsonWriter writer, GatewayModel model)
    {
        writer.WriteStartArray("upstreams");
        foreach (var upstream in model.Upstreams) Write(writer, UpstreamReport.Of(upstream));
        writer.WriteEndArray();
    }

    private static void Write(Utf8JsonWriter writer, UpstreamReport report)
    {
        writer.WriteStartObject();
        writer.WriteString("name", report.Name);
        writer.WriteNumber("active", report.Active);
        writer.WriteNumber("pending", report.Pending);
        writer.WriteNumber("requests", report.Requests);
        writer.WriteNumber("retries", report.Retries);
        writer.WriteNumber("retriesRefused", report.RetriesRefused);
        writer.WriteNumber("limitRefusals", report.LimitRefusals);
        writer.WriteBoolean("panic", report.IsPanic);
        writer.WriteStartArray("endpoints");
        foreach (var endpoint in report.Endpoints) Write(writer, endpoint);
        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter writer, EndpointReport report)
    {
        writer.WriteStartObject();
        writer.WriteString("address", report.Endpoint);
        writer.WriteNumber("weight", report.Weight);
        writer.WriteString("state", report.Health);
        if (report.EjectedFor > TimeSpan.Zero) writer.WriteNumber("ejectedForMs", (long)report.EjectedFor.TotalMilliseconds);
        writer.WriteNumber("active", report.Active);
        writer.WriteNumber("requests", report.Requests);
        writer.WriteNumber("failures", report.Failures);
        writer.WriteNumber("ejections", report.Ejections);
        if (report.LastCheck.Length > 0) writer.WriteString("lastCheck", report.LastCheck);
        writer.WriteEndObject();
    }
}
