// Starting and stopping: ports in use, drain, what the start log and the admin listener say, built-in filters and routes at work.

using System.Net;
using System.Text.Json;
using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Telemetry;
using Bimetal.Gateway.Tests.Support;
using Bimetal.Plugins;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Tests;

public sealed class GatewayHostTests
{
    [Fact]
    public async Task PortInUse_NamesTheListener_AndLeavesNothingOpen()
    {
        await using var upstream = WireUpstream.Answering();
        await using var first = await TestGateway.StartAsync(upstream);
        var config = new GatewayConfig
        {
            Listeners = [new ListenerConfig("listeners[0]", new IPEndPoint(IPAddress.Loopback, 0)), new ListenerConfig("listeners[1]", first.Address)],
        };
        var exception = await Assert.ThrowsAsync<GatewayStartException>(() => GatewayHost.StartAsync(config, new GatewayOptions(), TestContext.Current.CancellationToken));
        Assert.Equal($"listeners[1]: cannot listen on {first.Address}: the port is in use; stop the other program or choose another port", exception.Message);
    }

    [Fact]
    public async Task PluginThatCannotBeLoaded_IsNamed_AndAllAtOnce()
    {
        var config = new GatewayConfig
        {
            Listeners = [new ListenerConfig("listeners[0]", new IPEndPoint(IPAddress.Loopback, 0))],
            Plugins = new[] { "a", "b", "c" }.ToDictionary(name => name, name => new PluginConfig { Name = name, Bundle = name + ".wasm" }),
        };
        var loaded = new FakePlugin { Name = "b" };
        var options = new GatewayOptions { LoadPlugin = (plugin, _) => plugin.Name == "b" ? Task.FromResult<Plugin>(loaded) : throw new PluginLoadException(plugin.Bundle + ": invalid at byte 8") };
        var exception = await Assert.ThrowsAsync<GatewayStartException>(() => GatewayHost.StartAsync(config, options, TestContext.Current.CancellationToken));
        Assert.Equal($"plugins.a: a.wasm: invalid at byte 8{Environment.NewLine}plugins.c: c.wasm: invalid at byte 8", exception.Message);
    }

    [Fact]
    public async Task PluginThatCannotBeLoaded_WithLoadOpen_IsLeftOut()
    {
        await using var upstream = WireUpstream.Answering();
        var config = Config(upstream) with
        {
            Plugins = new Dictionary<string, PluginConfig> { ["a"] = new() { Name = "a", Bundle = "a.wasm", OnError = new OnErrorConfig { LoadOpen = true } } },
            Routes = [new RouteConfig { Upstream = "up", Filters = [new PluginFilterConfig("a")] }],
        };
        var log = new LogText();
        var options = new GatewayOptions { Log = new LineLog(log), LoadPlugin = (_, _) => throw new PluginLoadException("broken") };
        await using var host = await GatewayHost.StartAsync(config, options, TestContext.Current.CancellationToken);
        using var client = await WireClient.ConnectAsync(host.Listeners[0].Address);
        Assert.Equal(200, (await client.GetAsync("/")).Status);
        Assert.Contains("warn  plugin a is not loaded", log.ToString());
    }

    [Fact]
    public async Task Drain_FinishesRequestsInFlight_AndTakesNoNewOnes()
    {
        var release = new TaskCompletionSource();
        var arrived = new TaskCompletionSource();
        await using var upstream = new WireUpstream(async call =>
        {
            arrived.SetResult();
            await release.Task;
            await call.WriteAsync("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ndone");
        });
        await using var gateway = await TestGateway.StartAsync(upstream);
        using var client = await gateway.ConnectAsync();
        await client.SendAsync("GET / HTTP/1.1\r\nhost: test\r\n\r\n");
        await arrived.Task;
        var stopping = gateway.Host.StopAsync(TimeSpan.FromSeconds(10));
        await Assert.ThrowsAnyAsync<System.Net.Sockets.SocketException>(async () =>
        {
            // Closing the listening socket is not instant; a connection that slips in is closed unanswered.
            for (int attempt = 0; attempt < 100; attempt++)
            {
                using var late = await gateway.ConnectAsync();
                await Task.Delay(20, TestContext.Current.CancellationToken);
            }
        });
        release.SetResult();
        var answer = await client.ReceiveAsync();
        Assert.Equal("done", answer.Text);
        await Assert.ThrowsAnyAsync<IOException>(() => client.GetAsync("/"));
        await stopping;
    }

    [Fact]
    public async Task Drain_PastItsDeadline_BreaksOff()
    {
        await using var upstream = new WireUpstream(call => Task.Delay(Timeout.Infinite, call.Cancellation));
        var plugin = new FakePlugin { Name = "any" };
        await using var gateway = await TestGateway.StartAsync(upstream, plugin);
        using var client = await gateway.ConnectAsync();
        await client.SendAsync("GET / HTTP/1.1\r\nhost: test\r\n\r\n");
        while (upstream.Received.IsEmpty) await Task.Delay(10, TestContext.Current.CancellationToken);
        await gateway.Host.StopAsync(TimeSpan.FromMilliseconds(100)).WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        Assert.Equal(1, plugin.Disposed);
    }

    [Fact]
    public async Task AdminListener_AnswersHealthAndPlugins()
    {
        await using var upstream = WireUpstream.Answering();
        var plugin = new FakePlugin { Name = "auth", RequestHeaders = static call => call.Http.RequestHeaders.TryGet("x-fail"u8, out _) ? call.Fail(Bimetal.Plugins.Failure.FailureKind.Trap) : FilterAction.Continue };
        await using var gateway = await TestGateway.StartAsync(upstream, plugin);
        await gateway.GetAsync("/");
        await gateway.GetAsync("/", "x-fail: 1\r\n");
        using var admin = await WireClient.ConnectAsync(gateway.Host.AdminAddress!);
        Assert.Equal("ok", JsonDocument.Parse((await admin.ExchangeAsync("GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n")).Text).RootElement.GetProperty("status").GetString());
        var shown = JsonDocument.Parse((await admin.ExchangeAsync("GET /plugins HTTP/1.1\r\nhost: localhost\r\n\r\n")).Text).RootElement.GetProperty("plugins")[0];
        Assert.Equal("auth", shown.GetProperty("name").GetString());
        Assert.Equal("wasm", shown.GetProperty("metal").GetString());
        Assert.Equal(2, shown.GetProperty("calls").GetInt32());
        Assert.Equal(1, shown.GetProperty("failures").GetProperty("trap").GetInt32());
        Assert.Equal(404, (await admin.ExchangeAsync("GET /nothing HTTP/1.1\r\nhost: localhost\r\n\r\n")).Status);
        Assert.Equal(405, (await admin.ExchangeAsync("POST /plugins HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n")).Status);
    }

    [Fact]
    public async Task Stop_WithAnAccessLogThatNobodyReads_Ends()
    {
        await using var upstream = WireUpstream.Answering();
        var config = new GatewayConfig
        {
            Listeners = [new ListenerConfig("listeners[0]", new IPEndPoint(IPAddress.Loopback, 0))],
            Telemetry = new TelemetryConfig { AccessLog = new AccessLogConfig("-") },
            Upstreams = new Dictionary<string, UpstreamConfig> { ["up"] = new() { Name = "up", Endpoints = [new Uri($"http://127.0.0.1:{upstream.Port}")] } },
            Routes = [new RouteConfig { Upstream = "up" }],
        };
        await using var output = new System.IO.Pipelines.Pipe(new System.IO.Pipelines.PipeOptions(pauseWriterThreshold: 1, resumeWriterThreshold: 1)).Writer.AsStream();
        var host = await GatewayHost.StartAsync(config, new GatewayOptions { AccessLogOutput = output }, TestContext.Current.CancellationToken);
        using (var client = await WireClient.ConnectAsync(host.Listeners[0].Address)) Assert.Equal(200, (await client.GetAsync("/")).Status);
        await Task.Delay(300, TestContext.Current.CancellationToken);
        await host.StopAsync(TimeSpan.FromSeconds(1)).WaitAsync(TimeSpan.FromSeconds(15), TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task AccessLog_HasOneJsonLinePerExchange()
    {
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await TestGateway.StartAsync(upstream);
        await gateway.GetAsync("/a?b=\"c\"", "user-agent: x\r\n");
        await gateway.PostAsync("/b", "12345");
        await gateway.Host.StopAsync(TimeSpan.FromSeconds(5));
        var lines = gateway.AccessLog.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement).ToList();
        Assert.Equal(2, lines.Count);
        Assert.Equal("/a?b=\"c\"", lines[0].GetProperty("target").GetString());
        Assert.Equal(200, lines[0].GetProperty("status").GetInt32());
        Assert.Equal("up", lines[0].GetProperty("upstream").GetString());
        Assert.Equal(5, lines[1].GetProperty("requestBytes").GetInt32());
        Assert.Equal(5, lines[1].GetProperty("responseBytes").GetInt32());
        Assert.True(lines[1].GetProperty("durationUs").GetInt64() > 0);
    }

    [Fact]
    public async Task Routes_ChooseByHostPathAndMethod_Or404And405()
    {
        await using var upstream = WireUpstream.Answering();
        var config = Config(upstream) with
        {
            Routes =
            [
                new RouteConfig { Match = new RouteMatchConfig { Host = "a.test", Path = "/x", Methods = ["GET"] }, Upstream = "up" },
                new RouteConfig { Match = new RouteMatchConfig { Host = "a.test", Path = "/x", Methods = ["PUT"] }, Upstream = "up" },
            ],
        };
        await using var host = await GatewayHost.StartAsync(config, new GatewayOptions(), TestContext.Current.CancellationToken);
        using var client = await WireClient.ConnectAsync(host.Listeners[0].Address);
        Assert.Equal(200, (await client.ExchangeAsync("GET /x HTTP/1.1\r\nhost: A.test:80\r\n\r\n")).Status);
        var noPath = await client.ExchangeAsync("GET /y HTTP/1.1\r\nhost: a.test\r\n\r\n");
        Assert.Equal(404, noPath.Status);
        Assert.Equal("application/json", noPath["content-type"]);
        Assert.Equal(404, (await client.ExchangeAsync("GET /x HTTP/1.1\r\nhost: b.test\r\n\r\n")).Status);
        var wrongMethod = await client.ExchangeAsync("DELETE /x HTTP/1.1\r\nhost: a.test\r\n\r\n");
        Assert.Equal(405, wrongMethod.Status);
        Assert.Equal("GET, HEAD, PUT", wrongMethod["allow"]);
    }

    [Fact]
    public async Task BuiltInFilters_EditFieldsAndGiveIds()
    {
        await using var upstream = WireUpstream.Answering("x", "server: nginx\r\n");
        var config = Config(upstream) with
        {
            Routes =
            [
                new RouteConfig
                {
                    Upstream = "up",
                    Filters =
                    [
                        new RequestIdFilterConfig("x-request-id", Keep: false),
                        new HeadersFilterConfig(new HeaderEdits(["x-internal"], [new("x-team", "edge")]), new HeaderEdits(["server"], [new("x-frame-options", "DENY")])),
                    ],
                },
            ],
        };
        await using var host = await GatewayHost.StartAsync(config, new GatewayOptions(), TestContext.Current.CancellationToken);
        using var client = await WireClient.ConnectAsync(host.Listeners[0].Address);
        var answer = await client.GetAsync("/", "x-internal: 1\r\nx-request-id: forged\r\n");
        var received = Assert.Single(upstream.Received);
        Assert.False(received.Has("x-internal"));
        Assert.Equal("edge", received["x-team"]);
        Assert.False(answer.Has("server"));
        Assert.Equal("DENY", answer["x-frame-options"]);
        Assert.Equal(32, received["x-request-id"]!.Length);
        Assert.Equal(received["x-request-id"], answer["x-request-id"]);
    }

    [Fact]
    public async Task RoundRobin_SharesRequestsAmongEndpoints()
    {
        await using var first = WireUpstream.Answering("1");
        await using var second = WireUpstream.Answering("2");
        var config = Config(first) with
        {
            Upstreams = new Dictionary<string, UpstreamConfig> { ["up"] = new() { Name = "up", Endpoints = [new Uri($"http://127.0.0.1:{first.Port}"), new Uri($"http://127.0.0.1:{second.Port}")] } },
        };
        await using var host = await GatewayHost.StartAsync(config, new GatewayOptions(), TestContext.Current.CancellationToken);
        using var client = await WireClient.ConnectAsync(host.Listeners[0].Address);
        for (int round = 0; round < 6; round++) await client.GetAsync("/");
        Assert.Equal(3, first.Received.Count);
        Assert.Equal(3, second.Received.Count);
    }

    private static GatewayConfig Config(WireUpstream upstream) => new()
    {
        Listeners = [new ListenerConfig("listeners[0]", new IPEndPoint(IPAddress.Loopback, 0))],
        Upstreams = new Dictionary<string, UpstreamConfig> { ["up"] = new() { Name = "up", Endpoints = [new Uri($"http://127.0.0.1:{upstream.Port}")] } },
        Routes = [new RouteConfig { Upstream = "up" }],
    };
}
