// /metrics: what the profile says of each plugin's metals, beside which the live times of the metal that runs can be laid, and what its shadow saw.

namespace Bimetal.Gateway.Telemetry.Metrics;

internal static class ProfileMetricFamilies
{
    private const double UsPerSecond = 1_000_000;

    public static void Write(PrometheusWriter writer, GatewayModel model)
    {
        var profiled = model.Plugins.Where(loaded => loaded.Profile is not null).ToList();
        writer.Family("bimetal_plugin_profile_p50_seconds", "gauge", "Median of a request on a metal, as bimetal plan measured it.");
        foreach (var loaded in profiled) Both(loaded, loaded.Profile!.Native.P50Us, loaded.Profile.Wasm.P50Us);
        writer.Family("bimetal_plugin_profile_p99_seconds", "gauge", "99th percentile of a request on a metal, as bimetal plan measured it.");
        foreach (var loaded in profiled) Both(loaded, loaded.Profile!.Native.P99Us, loaded.Profile.Wasm.P99Us);
        writer.Family("bimetal_plugin_tax_seconds", "gauge", "What wasm costs more than native for a request, as bimetal plan measured it; negative when wasm was faster.");
        foreach (var loaded in profiled) writer.Sample(loaded.Profile!.TaxUs / UsPerSecond, new MetricLabel("plugin", loaded.Config.Name));

        var shadowed = model.Plugins.Where(loaded => loaded.Shadow is not null).ToList();
        Shadow("bimetal_plugin_shadow_compared_total", "Requests that the plugin's other metal lived through again.", loaded => loaded.Shadow!.Counts.Compared);
        Shadow("bimetal_plugin_shadow_different_total", "Of these, those that came out differently.", loaded => loaded.Shadow!.Counts.Different);
        Shadow("bimetal_plugin_shadow_dropped_total", "Sampled requests that were not compared: too many at once, or too large.", loaded => loaded.Shadow!.Dropped);

        void Both(LoadedPlugin loaded, double nativeUs, double wasmUs)
        {
            writer.Sample(nativeUs / UsPerSecond, new("plugin", loaded.Config.Name), new("metal", "native"));
            writer.Sample(wasmUs / UsPerSecond, new("plugin", loaded.Config.Name), new("metal", "wasm"));
        }

        void Shadow(string name, string help, Func<LoadedPlugin, long> value)
        {
            writer.Family(name, "counter", help);
            foreach (var loaded in shadowed) writer.Sample(value(loaded), new("plugin", loaded.Config.Name), new("metal", Admin.PluginWords.Of(loaded.Shadow!.Metal)));
        }
    }
}
