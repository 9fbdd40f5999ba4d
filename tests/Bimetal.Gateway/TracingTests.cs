// Traces and metrics as a collector gets them, W3C trace context in and out, Server-Timing.

using System.Text;
using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Telemetry.Tracing;
using Bimetal.Gateway.Tests.Support;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Tests;

public sealed class TracingTests
{
    private const string TraceId = "4bf92f3577b34da6a3ce929d0e0e4736";
    private const string SpanId = "00f067aa0ba902b7";

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task SampledExchange_ReachesTheCollector_AsSpansOfServerFilterAndUpstream(bool isGrpc)
    {
        await using var collector = await OtlpCollector.StartAsync(isGrpc);
        await using var upstream = WireUpstream.Answering();
        var plugin = new FakePlugin { Name = "auth", RequestHeaders = static _ => FilterAction.Continue };
        await using var gateway = await StartAsync(upstream, new OtlpConfig(collector.Address) { IsGrpc = isGrpc, Sampling = 0, Service = "edge" }, plugin);
        await gateway.GetAsync("/a?secret=1", $"traceparent: 00-{TraceId}-{SpanId}-01\r\ntracestate: vendor=x\r\n");
        await gateway.GetAsync("/b");
        await gateway.Host.StopAsync(TimeSpan.FromSeconds(5));
        var spans = collector.Spans;
        Assert.All(spans, span => Assert.Equal(TraceId, span.Hex(1)));
        var server = Assert.Single(spans, span => span.Number(6) == 2);
        Assert.Equal(SpanId, server.Hex(4));
        Assert.Equal("vendor=x", server.Text(3));
        Assert.Equal("GET */{rest...}", server.Text(5));
        var attributes = server.Attributes(9);
        Assert.Equal("GET", attributes["http.request.method"]);
        Assert.Equal("/a", attributes["url.path"]);
        Assert.Equal("*/{rest...}", attributes["http.route"]);
        Assert.Equal("200", attributes["http.response.status_code"]);
        Assert.DoesNotContain(attributes.Values, value => value.Contains("secret", StringComparison.Ordinal));
        Assert.True(server.Number(7) > 0 && server.Number(8) >= server.Number(7));
        var client = Assert.Single(spans, span => span.Number(6) == 3);
        Assert.Equal("upstream up", client.Text(5));
        Assert.Equal(server.Hex(2), client.Hex(4));
        Assert.InRange(client.Number(7), server.Number(7) - 1_000_000, server.Number(8));
        var filter = Assert.Single(spans, span => span.Text(5) == "filter auth");
        Assert.Equal(server.Hex(2), filter.Hex(4));
        Assert.Equal($"00-{TraceId}-{client.Hex(2)}-01", upstream.Received.First()["traceparent"]);
        Assert.Equal("vendor=x", upstream.Received.First()["tracestate"]);
        var resource = collector.Traces.First().Message(1).Message(1).Attributes(1);
        Assert.Equal("edge", resource["service.name"]);
        Assert.Empty(collector.Unknown);
    }

    [Fact]
    public async Task Metrics_ReachTheCollector_WithRouteStatusAndBuckets()
    {
        await using var collector = await OtlpCollector.StartAsync(isGrpc: true);
        await using var upstream = WireUpstream.Answering();
        var plugin = new FakePlugin { Name = "auth" };
        await using var gateway = await StartAsync(upstream, new OtlpConfig(collector.Address) { Sampling = 0 }, plugin);
        for (int round = 0; round < 5; round++) await gateway.GetAsync("/");
        await gateway.Host.StopAsync(TimeSpan.FromSeconds(5));
        var duration = collector.Metric("http.server.request.duration")!;
        Assert.Equal("s", duration.Text(3));
        var point = Assert.Single(duration.Message(9).Messages(1));
        Assert.Equal(5UL, point.Number(4));
        Assert.True(point.Double(5) > 0);
        Assert.Equal(5UL, point.Fixed64s(6).Aggregate(0UL, (sum, count) => sum + count));
        Assert.Equal(0.0001, BitConverter.UInt64BitsToDouble(point.Fixed64s(7)[0]));
        Assert.Equal("200", point.Attributes(9)["http.response.status_code"]);
        Assert.Equal("*/{rest...}", point.Attributes(9)["http.route"]);
        var calls = collector.Metric("bimetal.plugin.calls")!.Message(7).Messages(1).Single();
        Assert.Equal(5UL, calls.Number(6));
        Assert.Equal("auth", calls.Attributes(7)["bimetal.plugin"]);
        Assert.Empty(collector.Spans);
    }

    [Fact]
    public async Task FailedExchange_IsAnErrorSpan_WithTheIdThatTheClientGot()
    {
        await using var collector = await OtlpCollector.StartAsync(isGrpc: true);
        await using var upstream = WireUpstream.Answering();
        var plugin = new FakePlugin { Name = "auth", RequestHeaders = static call => call.Fail(Bimetal.Plugins.Failure.FailureKind.Trap) };
        await using var gateway = await StartAsync(upstream, new OtlpConfig(collector.Address) { Sampling = 1 }, plugin);
        string id = System.Text.Json.JsonDocument.Parse((await gateway.GetAsync("/")).Text).RootElement.GetProperty("id").GetString()!;
        await gateway.Host.StopAsync(TimeSpan.FromSeconds(5));
        var server = Assert.Single(collector.Spans, span => span.Number(6) == 2);
        Assert.Equal(2UL, server.Message(15).Number(3));
        Assert.Equal("plugin-failed", server.Attributes(9)["error.type"]);
        Assert.Equal(id, server.Attributes(9)["bimetal.error_id"]);
        Assert.DoesNotContain(collector.Spans, span => span.Number(6) == 3);
    }

    [Theory]
    [InlineData("traceparent: 00-00000000000000000000000000000000-00f067aa0ba902b7-01\r\n")]
    [InlineData("traceparent: 00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01\r\n")]
    [InlineData("traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\ntraceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n")]
    [InlineData("")]
    public async Task TraceThatIsNotValid_IsReplaced_AndItsStateDropped(string fields)
    {
        await using var collector = await OtlpCollector.StartAsync(isGrpc: true);
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await StartAsync(upstream, new OtlpConfig(collector.Address) { Sampling = 0 });
        await gateway.GetAsync("/", fields + "tracestate: vendor=x\r\n");
        var received = Assert.Single(upstream.Received);
        Assert.Matches("^00-[0-9a-f]{32}-[0-9a-f]{16}-00$", received["traceparent"]!);
        Assert.DoesNotContain(TraceId, received["traceparent"]!);
        Assert.False(received.Has("tracestate"));
    }

    [Fact]
    public async Task WithoutOtlp_TraceFieldsPassUnchanged()
    {
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await TestGateway.StartAsync(upstream);
        await gateway.GetAsync("/", "traceparent: whatever\r\ntracestate: a=b\r\n");
        await gateway.GetAsync("/");
        Assert.Equal("whatever", upstream.Received.First()["traceparent"]);
        Assert.Equal("a=b", upstream.Received.First()["tracestate"]);
        Assert.False(upstream.Received.Last().Has("traceparent"));
    }

    [Fact]
    public async Task CollectorThatIsNotThere_CostsNoRequest_AndStoppingEnds()
    {
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await StartAsync(upstream, new OtlpConfig(new Uri("http://127.0.0.1:1/")) { Sampling = 1 });
        Assert.Equal(200, (await gateway.GetAsync("/")).Status);
        await gateway.Host.StopAsync(TimeSpan.FromSeconds(1)).WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
    }

    [Theory]
    [InlineData("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", true)]
    [InlineData("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00", true)]
    [InlineData("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more", true)]
    [InlineData("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more", false)]
    [InlineData("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01more", false)]
    [InlineData("ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", false)]
    [InlineData("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", false)]
    [InlineData("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1", false)]
    [InlineData("00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", false)]
    [InlineData("", false)]
    public void TraceParent_IsReadStrictly(string text, bool isValid)
    {
        Assert.Equal(isValid, TraceContext.TryParse(Encoding.ASCII.GetBytes(text), out var context));
        if (!isValid) return;
        Assert.Equal(TraceId, context.TraceId.ToHexString());
        Assert.Equal(SpanId, context.ParentId.ToHexString());
        Assert.Equal(text[54] == '1', context.IsSampled);
    }

    [Fact]
    public async Task ServerTiming_NamesFiltersAndUpstream_OnlyWhenItIsOn()
    {
        await using var upstream = WireUpstream.Answering();
        var plugin = new FakePlugin { Name = "my auth", RequestHeaders = static _ => FilterAction.Continue };
        await using var gateway = await TestGateway.StartAsync(upstream, plugin);
        Assert.False((await gateway.GetAsync("/")).Has("server-timing"));
        var config = gateway.Host.Model.Config;
        await gateway.Host.ReloadAsync(config with { Telemetry = config.Telemetry with { ServerTiming = true } }, TestContext.Current.CancellationToken);
        Assert.Matches(@"^my_auth;dur=[0-9.]+, upstream;dur=[0-9.]+$", (await gateway.GetAsync("/"))["server-timing"]!);
    }

    private static Task<TestGateway> StartAsync(WireUpstream upstream, OtlpConfig otlp, params FakePlugin[] plugins) => TestGateway.StartAsync(
        new Uri($"http://127.0.0.1:{upstream.Port}"), config => config with { Telemetry = config.Telemetry with { Otlp = otlp } }, plugins);
}
