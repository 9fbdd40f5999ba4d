// /metrics: latency budgets of routes and plugins, and what is known of their keeping.

namespace Bimetal.Gateway.Telemetry.Metrics;

internal static class BudgetMetricFamilies
{
    public static void Write(PrometheusWriter writer, GatewayModel model)
    {
        var watches = model.AllRoutes.Where(route => route.Budget is not null).DistinctBy(route => route.Name).Take(GatewayMetrics.MaximumRoutes).Select(route => ("route", route.Name, Watch: route.Budget!))
            .Concat(model.Plugins.Where(loaded => loaded.Budget is not null).Select(loaded => ("plugin", loaded.Config.Name, Watch: loaded.Budget!))).ToList();
        Each("bimetal_latency_budget_seconds", "gauge", "What a route's chain, or a plugin, may add to a request (latency_budget).", watch => watch.Budget.TotalSeconds);
        Each("bimetal_latency_budget_exceeded", "gauge", $"1 when the p99 of the last {BudgetWatch.WindowSize} timed requests was over the budget by more than chance.", watch => watch.IsExceeded ? 1 : 0);
        Each("bimetal_latency_budget_timed_requests_total", "counter", "Requests that were timed against the budget.", watch => watch.Times.Count);
        Each("bimetal_latency_budget_over_total", "counter", "Of these, those that took longer.", watch => watch.Over);
        Each("bimetal_latency_budget_p99_seconds", "gauge", "99th percentile of the timed requests since the start.", watch => watch.Times.QuantileMicroseconds(0.99) / 1_000_000);

        void Each(string name, string type, string help, Func<BudgetWatch, double> value)
        {
            writer.Family(name, type, help);
            foreach (var (kind, of, watch) in watches) writer.Sample(value(watch), new("kind", kind), new("name", of));
        }
    }
}
