// Local responses, failing plugins, failing upstreams, clients that go away: who gets which answer, and that everything is released.

using System.Diagnostics;
using System.Net.Sockets;
using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Tests.Support;
using Bimetal.Plugins;
using Bimetal.Plugins.Failure;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Tests;

public sealed class FailureTests
{
    public static TheoryData<string> Phases => ["request-headers", "request-body", "response-headers", "response-body"];

    [Theory]
    [MemberData(nameof(Phases))]
    public async Task LocalResponse_InEachPhase_IsTheAnswer(string phase)
    {
        var plugin = In(phase, call => call.Answer(418, "teapot", ("x-why", phase)));
        await using var upstream = WireUpstream.ReadingBodies((call, _) => call.WriteAsync("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"));
        await using var gateway = await TestGateway.StartAsync(upstream, plugin);
        var answer = await gateway.PostAsync("/", "abc");
        Assert.Equal(418, answer.Status);
        Assert.Equal("teapot", answer.Text);
        Assert.Equal("6", answer["content-length"]);
        Assert.Equal(phase, answer["x-why"]);
        await StopAndCheckReleasedAsync(gateway, plugin);
    }

    [Theory]
    [MemberData(nameof(Phases))]
    public async Task Failure_Closed_InEachPhase_Is500(string phase)
    {
        var plugin = In(phase, call => call.Fail(FailureKind.Trap));
        await using var upstream = WireUpstream.ReadingBodies((call, _) => call.WriteAsync("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"));
        await using var gateway = await TestGateway.StartAsync(upstream, plugin);
        var answer = await gateway.PostAsync("/", "abc");
        Assert.Equal(500, answer.Status);
        Assert.Contains("\"error\":\"plugin-failed\"", answer.Text);
        Assert.DoesNotContain("test wants", answer.Text);
        await StopAndCheckReleasedAsync(gateway, plugin);
        Assert.Contains("the test wants it", gateway.AccessLog);
        Assert.Contains("\"errorId\":\"" + answer.Text.Split("\"id\":\"")[1][..16], gateway.AccessLog);
    }

    [Theory]
    [MemberData(nameof(Phases))]
    public async Task Failure_Open_InEachPhase_GoesOnWithoutThePlugin(string phase)
    {
        var plugin = In(phase, call => call.Fail(FailureKind.Trap));
        await using var upstream = WireUpstream.ReadingBodies((call, message) => call.WriteAsync($"HTTP/1.1 200 OK\r\ncontent-length: {message.Body.Length}\r\n\r\n{message.Text}"));
        await using var gateway = await PauseTests.StartAsync(upstream, plugin, config => config with { OnError = new OnErrorConfig { TrapOpen = true } });
        var answer = await gateway.PostAsync("/", "abc");
        Assert.Equal(200, answer.Status);
        Assert.Equal("abc", answer.Text);
        await StopAndCheckReleasedAsync(gateway, plugin);
        Assert.Contains($"warn  plugin {phase} failed (Trap) and the request passed without it", gateway.Log);
    }

    [Theory]
    [InlineData(false, 503)]
    [InlineData(true, 200)]
    public async Task UnavailablePlugin_Is503OrLeftOut(bool isOpen, int status)
    {
        var plugin = new FakePlugin { Name = "away", Unavailable = new PluginFailure(FailureKind.Load, "no instance is free") };
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await PauseTests.StartAsync(upstream, plugin, config => config with { OnError = new OnErrorConfig { LoadOpen = isOpen } });
        var answer = await gateway.GetAsync("/");
        Assert.Equal(status, answer.Status);
        if (!isOpen) Assert.Equal("1", answer["retry-after"]);
    }

    [Fact]
    public async Task LocalResponse_PassesTheFiltersBeforeIt_NotTheOnesBehind()
    {
        var outer = new FakePlugin { Name = "outer", ResponseHeaders = static call => { call.SetResponse("x-outer", "seen"); return FilterAction.Continue; } };
        var denying = new FakePlugin { Name = "denying", RequestHeaders = static call => call.Answer(401), ResponseHeaders = static _ => throw new InvalidOperationException("not its own answer") };
        var inner = new FakePlugin { Name = "inner" };
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await TestGateway.StartAsync(upstream, outer, denying, inner);
        var answer = await gateway.GetAsync("/");
        Assert.Equal(401, answer.Status);
        Assert.Equal("seen", answer["x-outer"]);
        Assert.Equal("0", answer["content-length"]);
        Assert.Empty(inner.Calls);
        Assert.Empty(upstream.Received);
    }

    [Fact]
    public async Task BodyFailure_AfterTheHeadersWereSent_BreaksTheConnection()
    {
        var plugin = new FakePlugin
        {
            Name = "late",
            ResponseBody = static call => call.Http.ResponseBodyBytes + call.Stream.ResponseBody.Length > 5 ? call.Fail(FailureKind.Trap) : FilterAction.Continue,
        };
        var more = new TaskCompletionSource();
        await using var upstream = new WireUpstream(async call =>
        {
            await call.WriteAsync("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n");
            await more.Task;
            await call.WriteAsync("6\r\ndefghi\r\n0\r\n\r\n");
        });
        await using var gateway = await TestGateway.StartAsync(upstream, plugin);
        using var client = await gateway.ConnectAsync();
        await client.SendAsync("GET / HTTP/1.1\r\nhost: test\r\n\r\n");
        await client.Reader.ReadHeadAsync(client.Cancellation);
        Assert.Equal(3, await client.Reader.ReadChunkSizeAsync(client.Cancellation));
        await client.Reader.ReadExactlyAsync(5, client.Cancellation);
        more.SetResult();
        await Assert.ThrowsAnyAsync<IOException>(async () => await client.Reader.ReadChunkSizeAsync(client.Cancellation));
    }

    [Fact]
    public async Task UpstreamDown_Is502()
    {
        int port;
        await using (var gone = WireUpstream.Answering()) port = gone.Port;
        await using var gateway = await TestGateway.StartAsync(new Uri($"http://127.0.0.1:{port}"), null);
        var answer = await gateway.GetAsync("/");
        Assert.Equal(502, answer.Status);
        Assert.Contains("upstream-unreachable", answer.Text);
        Assert.DoesNotContain("127.0.0.1", answer.Text);
    }

    [Fact]
    public async Task UpstreamError_IsSeenByTheFilters()
    {
        var plugin = new FakePlugin { Name = "cors", ResponseHeaders = static call => { call.SetResponse("access-control-allow-origin", "*"); return FilterAction.Continue; } };
        await using var upstream = new WireUpstream(call => { call.Connection.Close(); return Task.CompletedTask; });
        await using var gateway = await TestGateway.StartAsync(upstream, plugin);
        var answer = await gateway.GetAsync("/");
        Assert.Equal(502, answer.Status);
        Assert.Equal("*", answer["access-control-allow-origin"]);
    }

    [Theory]
    [InlineData("HTTP/1.1 200\r\nnot a field\r\n\r\n")]
    [InlineData("garbage\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nx: a\u0001b\r\ncontent-length: 0\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\ncontent-length: 5")]
    public async Task UpstreamThatBreaksHttp_Is502(string raw)
    {
        await using var upstream = new WireUpstream(async call =>
        {
            await call.WriteAsync(raw);
            call.Connection.Close();
        });
        await using var gateway = await TestGateway.StartAsync(upstream);
        Assert.Equal(502, (await gateway.GetAsync("/")).Status);
    }

    [Fact]
    public async Task UpstreamThatBreaksOff_IsNotTakenForTheWhole()
    {
        await using var upstream = new WireUpstream(async call =>
        {
            await call.WriteAsync("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf");
            await Task.Delay(50);
            call.Connection.Close();
        });
        await using var gateway = await TestGateway.StartAsync(upstream);
        await Assert.ThrowsAnyAsync<IOException>(() => gateway.GetAsync("/"));
    }

    [Fact]
    public async Task SilentUpstream_Is504AfterTheHeadersTimeout()
    {
        await using var upstream = new WireUpstream(call => Task.Delay(Timeout.Infinite, call.Cancellation));
        await using var gateway = await TestGateway.StartAsync(new Uri($"http://127.0.0.1:{upstream.Port}"), WithTimeouts(new UpstreamTimeouts { Headers = TimeSpan.FromMilliseconds(200) }));
        var watch = Stopwatch.StartNew();
        var answer = await gateway.GetAsync("/");
        Assert.Equal(504, answer.Status);
        Assert.InRange(watch.ElapsedMilliseconds, 150, 5000);
    }

    [Fact]
    public async Task StalledResponseBody_EndsAfterTheIdleTimeout()
    {
        await using var upstream = new WireUpstream(async call =>
        {
            await call.WriteAsync("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf");
            await Task.Delay(Timeout.Infinite, call.Cancellation);
        });
        await using var gateway = await TestGateway.StartAsync(new Uri($"http://127.0.0.1:{upstream.Port}"), WithTimeouts(new UpstreamTimeouts { Idle = TimeSpan.FromMilliseconds(200) }));
        await Assert.ThrowsAnyAsync<IOException>(() => gateway.GetAsync("/"));
        await gateway.DisposeAsync();
        Assert.Contains("upstream-timeout", gateway.AccessLog);
    }

    [Fact]
    public async Task StalledRequestBody_Is408AfterTheIdleTimeout()
    {
        await using var upstream = WireUpstream.ReadingBodies((call, _) => call.WriteAsync("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"));
        await using var gateway = await TestGateway.StartAsync(new Uri($"http://127.0.0.1:{upstream.Port}"), WithTimeouts(new UpstreamTimeouts { Idle = TimeSpan.FromMilliseconds(200) }));
        using var client = await gateway.ConnectAsync();
        Assert.Equal(408, (await client.ExchangeAsync("POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 10\r\n\r\nhalf")).Status);
    }

    [Fact]
    public async Task ClientThatGoesAway_EndsTheUpstreamRequest()
    {
        var upstreamSawEnd = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var arrived = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var upstream = new WireUpstream(async call =>
        {
            arrived.SetResult();
            Assert.Equal(0, await call.Connection.ReadAsync(new byte[1], call.Cancellation));
            upstreamSawEnd.SetResult();
        });
        var plugin = new FakePlugin { Name = "any" };
        await using var gateway = await TestGateway.StartAsync(upstream, plugin);
        using (var client = await gateway.ConnectAsync())
        {
            await client.SendAsync("GET / HTTP/1.1\r\nhost: test\r\n\r\n");
            await arrived.Task;
        }

        await upstreamSawEnd.Task.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        await StopAndCheckReleasedAsync(gateway, plugin);
        Assert.Contains("\"status\":499", gateway.AccessLog);
    }

    [Fact]
    public async Task BrokenChunkedBody_Is400()
    {
        await using var upstream = WireUpstream.ReadingBodies((call, _) => call.WriteAsync("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"));
        await using var gateway = await TestGateway.StartAsync(upstream);
        using var client = await gateway.ConnectAsync();
        Assert.Equal(400, (await client.ExchangeAsync("POST / HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n")).Status);
    }

    [Fact]
    public async Task PluginThatMakesTheTargetInvalid_Is500()
    {
        var plugin = new FakePlugin { Name = "rewrite", RequestHeaders = static call => { call.SetRequest(":path", "/a#b"); return FilterAction.Continue; } };
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await TestGateway.StartAsync(upstream, plugin);
        Assert.Equal(500, (await gateway.GetAsync("/")).Status);
        Assert.Empty(upstream.Received);
    }

    [Fact]
    public async Task PluginThatThrows_CostsItsRequestOnly()
    {
        var plugin = new FakePlugin { Name = "bug", RequestHeaders = static call => call.Http.RequestHeaders.TryGet("x-bug"u8, out _) ? throw new InvalidOperationException("a bug") : FilterAction.Continue };
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await TestGateway.StartAsync(upstream, plugin);
        Assert.Equal(500, (await gateway.GetAsync("/", "x-bug: 1\r\n")).Status);
        Assert.Equal(200, (await gateway.GetAsync("/")).Status);
        await gateway.Host.StopAsync(TimeSpan.FromSeconds(5));
        Assert.Contains("a bug", gateway.Log);
    }

    [Fact]
    public async Task Reset_BreaksTheConnection()
    {
        var plugin = new FakePlugin { Name = "reset", RequestHeaders = static call => { call.View.Reset(); return FilterAction.Pause; } };
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await TestGateway.StartAsync(upstream, plugin);
        await Assert.ThrowsAnyAsync<IOException>(() => gateway.GetAsync("/"));
        Assert.Empty(upstream.Received);
    }

    [Fact]
    public async Task Errors_ToHead_HaveNoBody()
    {
        var plugin = new FakePlugin { Name = "deny", RequestHeaders = static call => call.Answer(403, "no") };
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await TestGateway.StartAsync(upstream, plugin);
        using var client = await gateway.ConnectAsync();
        var head = await client.ExchangeAsync("HEAD / HTTP/1.1\r\nhost: test\r\n\r\n", hasBody: false);
        Assert.Equal(403, head.Status);
        Assert.Equal("2", head["content-length"]);
        Assert.Equal("no", (await client.GetAsync("/")).Text);
    }

    private static Func<GatewayConfig, GatewayConfig> WithTimeouts(UpstreamTimeouts timeouts) => config => config with
    {
        Upstreams = config.Upstreams.ToDictionary(pair => pair.Key, pair => pair.Value with { Timeouts = timeouts }),
    };

    private static FakePlugin In(string phase, Func<FakeCall, FilterAction> act) => new()
    {
        Name = phase,
        RequestHeaders = phase == "request-headers" ? act : null,
        RequestBody = phase == "request-body" ? act : null,
        ResponseHeaders = phase switch { "response-headers" => act, "response-body" => static _ => FilterAction.Pause, _ => null },
        ResponseBody = phase == "response-body" ? act : null,
    };

    private static async Task StopAndCheckReleasedAsync(TestGateway gateway, FakePlugin plugin)
    {
        await gateway.Host.StopAsync(TimeSpan.FromSeconds(5));
        Assert.Equal(plugin.Statistics.Streams, plugin.Disposed);
        Assert.Equal(1, plugin.Disposed);
    }
}
