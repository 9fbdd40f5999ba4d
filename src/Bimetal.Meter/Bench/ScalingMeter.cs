// How both metals scale: with the payload (json-redact on bodies of 1 KiB to 1 MiB) and with the number of plugins that are loaded (token-auth,
// 1 to 500 of it, one request to each in turn).

using System.Diagnostics;
using System.Text;
using Bimetal.Meter.Report;
using Bimetal.Meter.Statistics;
using Bimetal.Meter.Workloads;
using Bimetal.Plugins;
using Bimetal.Plugins.Bundles;
using Bimetal.Plugins.Bundles.Cases;

namespace Bimetal.Meter.Bench;

/// <summary>Measures curves.</summary>
internal static class ScalingMeter
{
    private static readonly int[] s_payloadBytes = [1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20];
    private static readonly int[] s_pluginCounts = [1, 10, 50, 100, 250, 500];

    /// <summary>Both curves; none where the reference plugins are not installed.</summary>
    public static async Task<IReadOnlyList<ScalingCurve>> MeasureAsync(IProgress<string>? progress, CancellationToken cancellation)
    {
        if (TryOpen("json-redact") is not { } redact || TryOpen("token-auth") is not { } auth) return [];
        foreach (var folder in new[] { redact, auth }) await PluginBuilder.EnsureAsync(folder, progress: progress, cancellation: cancellation);
        var payload = new List<ScalingPoint>();
        foreach (int bytes in s_payloadBytes)
        {
            progress?.Report($"scaling: a payload of {bytes >> 10} KiB");
            payload.Add(await PayloadAsync(redact, bytes, cancellation));
        }

        var plugins = new List<ScalingPoint>();
        foreach (int count in s_pluginCounts)
        {
            progress?.Report($"scaling: {count} plugins");
            plugins.Add(new ScalingPoint(count, await PluginsUsAsync(auth, Metal.Native, count, cancellation), await PluginsUsAsync(auth, Metal.Wasm, count, cancellation)));
        }

        return
        [
            new ScalingCurve("Payload", "KiB of the response's body", "Microseconds of a request to json-redact, p50, fresh instance on wasm, both axes logarithmic.", payload),
            new ScalingCurve("Plugins", "plugins loaded", "Microseconds of a request to token-auth, p50, to each of the loaded plugins in turn, both axes logarithmic.", plugins),
        ];
    }

    private static PluginFolder? TryOpen(string name)
    {
        string? path = SdkFolder.TryFind() is { } sdk ? Path.Combine(sdk.Home, "plugins", name) : null;
        return path is not null && PluginFolder.IsOne(path) ? PluginFolder.Open(path) : null;
    }

    private static async Task<ScalingPoint> PayloadAsync(PluginFolder folder, int bytes, CancellationToken cancellation)
    {
        var pattern = BenchSubject.Of(folder).Cases[0];
        const string Item = "{\"id\":12345,\"name\":\"somebody\",\"email\":\"somebody@example.com\",\"items\":[1,2,3]}";
        var body = new StringBuilder("[");
        while (body.Length + Item.Length + 2 <= bytes) body.Append(body.Length > 1 ? "," : "").Append(Item);
        byte[] json = Encoding.UTF8.GetBytes(body.Append(']').ToString());
        (ReadOnlyMemory<byte>, ReadOnlyMemory<byte>)[] fields = [(":status"u8.ToArray(), "200"u8.ToArray()), ("content-type"u8.ToArray(), "application/json"u8.ToArray())];
        var one = pattern with { Response = new CaseMessage(fields, [json]), Expectation = new CaseExpectation() };
        await using var workload = await PluginWorkload.LoadAsync(BenchSubject.Of(folder, [one]), [Arrangement.Native, Arrangement.WasmPerRequest], bestPath: null, cancellation);
        var times = workload.Measure(new MeterPlan(Rounds: 20, ExchangesPerRound: 5, WarmUpRounds: 2, TurnUs: 4000), MeterClock.Calibrate(), cancellation);
        return new ScalingPoint(bytes / 1024.0, Math.Round(times[Arrangement.Native].P50Us, 2), Math.Round(times[Arrangement.WasmPerRequest].P50Us, 2));
    }

    private static async Task<double> PluginsUsAsync(PluginFolder folder, Metal metal, int count, CancellationToken cancellation)
    {
        var subject = BenchSubject.Of(folder);
        var clock = new CaseClock();
        clock.Set(subject.Cases[0].Clock);
        var services = new PluginHostServices { Time = clock };
        var plugins = new List<Plugin>();
        try
        {
            while (plugins.Count < count)
                plugins.Add(await PluginLoader.LoadAsync(subject.ConfigFor(metal, InstancePolicy.PerRequest) with { Name = $"{subject.Name}-{plugins.Count}" }, services, cancellation));
            var times = new CaseTimes();
            var requestsUs = new List<double>();
            for (int request = 0; request < Math.Max(3000, 6 * count); request++)
            {
                long started = Stopwatch.GetTimestamp();
                CaseExchange.Measure(plugins[request % count], subject.Cases[0], times);
                if (request >= count) requestsUs.Add(Stopwatch.GetElapsedTime(started).TotalMicroseconds);
            }

            return Math.Round(Quantile.Median(requestsUs), 2);
        }
        finally
        {
            foreach (var plugin in plugins) await plugin.DisposeAsync();
        }
    }
}
