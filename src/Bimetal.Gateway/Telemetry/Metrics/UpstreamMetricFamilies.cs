// /metrics: upstreams and their endpoints.

using Bimetal.Gateway.Upstreams;

namespace Bimetal.Gateway.Telemetry.Metrics;

internal static class UpstreamMetricFamilies
{
    public static void Write(PrometheusWriter writer, GatewayModel model)
    {
        List<UpstreamReport> reports = [.. model.Upstreams.Select(UpstreamReport.Of)];
        PerUpstream(writer, reports, "bimetal_upstream_requests_total", "counter", "Requests to the upstream, without retries.", report => report.Requests);
        PerUpstream(writer, reports, "bimetal_upstream_retries_total", "counter", "Requests that were sent again.", report => report.Retries);
        PerUpstream(writer, reports, "bimetal_upstream_retries_refused_total", "counter", "Retries that the budget did not allow.", report => report.RetriesRefused);
        PerUpstream(writer, reports, "bimetal_upstream_limit_refusals_total", "counter", "Requests that the upstream's limits refused.", report => report.LimitRefusals);
        PerUpstream(writer, reports, "bimetal_upstream_active_requests", "gauge", "Requests that are under way, waiting ones included.", report => report.Active);
        PerUpstream(writer, reports, "bimetal_upstream_pending_requests", "gauge", "Requests that wait for a connection.", report => report.Pending);
        PerEndpoint(writer, reports, "bimetal_endpoint_healthy", "gauge", "1 when the endpoint is healthy, 0 when checks or requests say that it is not.", endpoint => endpoint.Health == "healthy" ? 1 : 0);
        PerEndpoint(writer, reports, "bimetal_endpoint_requests_total", "counter", "Requests that were sent to the endpoint.", endpoint => endpoint.Requests);
        PerEndpoint(writer, reports, "bimetal_endpoint_failures_total", "counter", "Of these, those that failed.", endpoint => endpoint.Failures);
        PerEndpoint(writer, reports, "bimetal_endpoint_ejections_total", "counter", "How often the endpoint was taken out because of failed requests.", endpoint => endpoint.Ejections);
    }

    private static void PerUpstream(PrometheusWriter writer, List<UpstreamReport> reports, string name, string type, string help, Func<UpstreamReport, long> value)
    {
        writer.Family(name, type, help);
        foreach (var report in reports) writer.Sample(value(report), new MetricLabel("upstream", report.Name));
    }

    // The same address can stand twice in an upstream: a series needs names of its own.
    private static void PerEndpoint(PrometheusWriter writer, List<UpstreamReport> reports, string name, string type, string help, Func<EndpointReport, long> value)
    {
        writer.Family(name, type, help);
        foreach (var report in reports)
        {
            foreach (var endpoint in report.Endpoints.DistinctBy(endpoint => endpoint.Endpoint)) writer.Sample(value(endpoint), new("upstream", report.Name), new("endpoint", endpoint.Endpoint));
        }
    }
}
