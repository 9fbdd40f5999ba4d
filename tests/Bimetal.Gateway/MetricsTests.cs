// /metrics: read by a strict parser; counts of routes, plugins and what plugins define; names that try to break the format.

using System.Buffers;
using System.Text;
using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Telemetry;
using Bimetal.Gateway.Telemetry.Metrics;
using Bimetal.Gateway.Tests.Support;
using Bimetal.Plugins;
using Bimetal.Plugins.Failure;
using Bimetal.Plugins.ProxyWasm.State;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Tests;

public sealed class MetricsTests
{
    [Fact]
    public async Task Metrics_CountRequestsErrorsBytesAndTimes_ByRoute()
    {
        await using var upstream = WireUpstream.Answering("12345");
        await using var gateway = await TestGateway.StartAsync(upstream);
        for (int round = 0; round < 3; round++) await gateway.PostAsync("/", "ab");
        await gateway.GetAsync("/%00");
        await gateway.SettleAsync(4);
        var metrics = await ReadAsync(gateway);
        Assert.Equal(3, metrics.Value("bimetal_requests_total", ("route", "*/{rest...}"), ("status", "2xx")));
        Assert.Equal(1, metrics.Value("bimetal_requests_total", ("route", ""), ("status", "4xx")));
        Assert.Equal(1, metrics.Value("bimetal_request_errors_total", ("route", ""), ("error", "bad-request")));
        Assert.Equal(6, metrics.Value("bimetal_request_body_bytes_total", ("route", "*/{rest...}")));
        Assert.Equal(15, metrics.Value("bimetal_response_body_bytes_total", ("route", "*/{rest...}")));
        Assert.Equal(3, metrics.Value("bimetal_request_duration_seconds_count", ("route", "*/{rest...}")));
        Assert.True(metrics.Value("bimetal_request_duration_seconds_sum", ("route", "*/{rest...}")) > 0);
        Assert.Equal(1, metrics.Value("bimetal_ready"));
        Assert.Equal(1, metrics.Value("bimetal_config_generation"));
        Assert.True(metrics.Value("process_resident_memory_bytes") > 1 << 20);
    }

    [Fact]
    public async Task Counts_GoOnAcrossAReload()
    {
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await TestGateway.StartAsync(upstream);
        await gateway.GetAsync("/");
        await gateway.SettleAsync(1);
        await gateway.Host.ReloadAsync(gateway.Host.Model.Config, TestContext.Current.CancellationToken);
        await gateway.GetAsync("/");
        await gateway.SettleAsync(2);
        var metrics = await ReadAsync(gateway);
        Assert.Equal(2, metrics.Value("bimetal_requests_total", ("route", "*/{rest...}"), ("status", "2xx")));
        Assert.Equal(2, metrics.Value("bimetal_config_generation"));
    }

    [Fact]
    public async Task Plugins_ShowCallsFailuresTimesAndCpu()
    {
        await using var upstream = WireUpstream.Answering();
        var plugin = new FakePlugin
        {
            Name = "auth",
            RequestHeaders = static call => call.Http.RequestHeaders.TryGet("x-fail"u8, out _) ? call.Fail(FailureKind.Timeout) : FilterAction.Continue,
        };
        await using var gateway = await TestGateway.StartAsync(upstream, plugin);
        const int requests = 2 * PluginStatistics.DefaultMeasureOneIn;
        for (int round = 0; round < requests; round++) await gateway.GetAsync("/", round == 3 ? "x-fail: 1\r\n" : "");
        await gateway.SettleAsync(requests);
        var metrics = await ReadAsync(gateway);
        Assert.Equal(requests, metrics.Value("bimetal_plugin_calls_total", ("plugin", "auth")));
        Assert.Equal(1, metrics.Value("bimetal_plugin_failures_total", ("plugin", "auth"), ("kind", "timeout")));
        Assert.Equal(2, metrics.Value("bimetal_plugin_callback_seconds_count", ("plugin", "auth"), ("callback", "request-headers")));
        Assert.True(metrics.Has("bimetal_plugin_cpu_seconds_total", ("plugin", "auth")));
        Assert.Equal(1, metrics.Value("bimetal_plugin_info", ("plugin", "auth"), ("metal", "wasm")));
    }

    [Fact]
    public async Task Filters_HaveTheirTimes_OfASampleOfTheRequests()
    {
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await TestGateway.StartAsync(
            new Uri($"http://127.0.0.1:{upstream.Port}"),
            config => config with { Routes = [config.Routes[0] with { Filters = [new PluginFilterConfig("auth"), new HeadersFilterConfig(new HeaderEdits([], [new("x-edge", "1")]), HeaderEdits.None)] }] },
            new FakePlugin { Name = "auth", RequestHeaders = static _ => FilterAction.Continue });
        using var client = await gateway.ConnectAsync();
        const int requests = 5 * FilterTimes.SampleEvery;
        for (int round = 0; round < requests; round++) await client.GetAsync("/");
        await gateway.SettleAsync(requests);
        var metrics = await ReadAsync(gateway);
        foreach (string filter in (string[])["auth", "headers"])
        {
            Assert.Equal(5, metrics.Value("bimetal_filter_seconds_count", ("filter", filter)), tolerance: 1);
            Assert.True(metrics.Value("bimetal_filter_seconds_sum", ("filter", filter)) > 0);
        }
    }

    [Fact]
    public async Task MetricsOfPlugins_WithHostileNames_BreakNothing_AndHaveAQuota()
    {
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await TestGateway.StartAsync(upstream, new FakePlugin { Name = "third" });
        var own = gateway.PluginStates.Of("third").Metrics;
        string[] names = ["plain", "a\"} 1\nbimetal_ready 0\n# TYPE x counter", "back\\slash", "\r\n\0", "\uFEFF", ""];
        foreach (string name in names)
        {
            foreach (var kind in Enum.GetValues<PluginMetricKind>())
            {
                Assert.True(own.TryDefine(kind, Encoding.UTF8.GetBytes(name), out uint id));
                own.Find(id)!.Record(7);
            }
        }

        for (int extra = 0; extra < PluginMetricFamilies.MaximumPerPlugin; extra++) Assert.True(own.TryDefine(PluginMetricKind.Gauge, Encoding.UTF8.GetBytes($"g{extra}"), out _));
        var metrics = await ReadAsync(gateway);
        Assert.Equal(7, metrics.Value("bimetal_plugin_counter_total", ("plugin", "third"), ("name", "plain")));
        Assert.Equal(7, metrics.Value("bimetal_plugin_gauge", ("plugin", "third"), ("name", names[1])));
        Assert.Equal(7, metrics.Value("bimetal_plugin_gauge", ("plugin", "third"), ("name", names[2])));
        Assert.Equal(1, metrics.Value("bimetal_plugin_histogram_bucket", ("plugin", "third"), ("name", "plain"), ("le", "10")));
        Assert.Equal(0, metrics.Value("bimetal_plugin_histogram_bucket", ("plugin", "third"), ("name", "plain"), ("le", "1")));
        Assert.Equal(names.Length * 3, metrics.Value("bimetal_plugin_metrics_left_out", ("plugin", "third")));
        Assert.Equal(1, metrics.Value("bimetal_ready"));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(10, 0)]
    [InlineData(11, 1)]
    [InlineData(100_000_000, 70)]
    [InlineData(100_000_001, 71)]
    [InlineData(long.MaxValue, 71)]
    public void LatencyBucket_HasItsUpperEdgeInside(long microseconds, int bucket) => Assert.Equal(bucket, LatencyBuckets.IndexOf(microseconds));

    [Fact]
    public void LatencyBuckets_AreFoundAsBySearchingAllOfThem()
    {
        var random = new Random(1);
        for (int round = 0; round < 100_000; round++)
        {
            long microseconds = (long)Math.Pow(10, random.NextDouble() * 9);
            int expected = 0;
            foreach (long edge in LatencyBuckets.EdgesUs) expected += edge < microseconds ? 1 : 0;
            Assert.Equal(expected, LatencyBuckets.IndexOf(microseconds));
        }

        Assert.Equal([100, 250, 500, 1000, 2500, 5000], LatencyBuckets.Published.Take(6).Select(index => LatencyBuckets.EdgesUs[index]));
        Assert.Equal(10_000_000, LatencyBuckets.EdgesUs[LatencyBuckets.Published[^1]]);
    }

    [Fact]
    public void Writer_EscapesHelpAndLabels()
    {
        var output = new ArrayBufferWriter<byte>();
        var writer = new PrometheusWriter(output);
        writer.Family("x_total", "counter", "a \"quoted\"\\\nhelp");
        writer.Sample(0.25, new MetricLabel("l", "\"\\\n"));
        Assert.Equal("# HELP x_total a \"quoted\"\\\\\\nhelp\n# TYPE x_total counter\nx_total{l=\"\\\"\\\\\\n\"} 0.25\n", Encoding.UTF8.GetString(output.WrittenSpan));
    }

    internal static async Task<PrometheusText> ReadAsync(TestGateway gateway)
    {
        using var admin = await WireClient.ConnectAsync(gateway.Host.AdminAddress!);
        var answer = await admin.ExchangeAsync("GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n");
        Assert.Equal("text/plain; version=0.0.4; charset=utf-8", answer["content-type"]);
        return PrometheusText.Parse(Encoding.UTF8.GetString(answer.Body));
    }
}
