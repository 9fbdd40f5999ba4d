// What a route does with its requests besides sending them on: rewrite, redirect, direct response, limits and timeouts of its own.

using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Tests.Support;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Tests;

public sealed class RouteActionTests
{
    [Theory]
    [InlineData("/u/{id}/{rest...}", "/v2/{rest}?user={id}", null, "/u/7/a/b?x=1", "/v2/a/b?user=7&x=1")]
    [InlineData("/u/{id}/{rest...}", "/v2/{id}/{rest}", null, "/u/7", "/v2/7/")]
    [InlineData("/u/{id}", "/x?id={id}", null, "/u/1&admin=1", "/x?id=1%26admin%3D1")]
    [InlineData("/u/{id}", "/x?id={id}", null, "/u/a%2Fb", "/x?id=a%2Fb")]
    [InlineData("/api/{rest...}", null, "/v2", "/api/x?q", "/v2/x?q")]
    [InlineData("/api/{rest...}", null, "/v2/", "/api", "/v2")]
    [InlineData("/api/{rest...}", null, "/v2", "/api/", "/v2/")]
    [InlineData("/api/{rest...}", null, "/", "/api", "/")]
    [InlineData("/api/{rest...}", null, "/", "/api//x", "//x")]
    public async Task Rewrite_ChangesWhatTheUpstreamGets(string pattern, string? path, string? prefix, string target, string expected)
    {
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await StartAsync(upstream, new RouteConfig { Match = Match(pattern), Upstream = "up", Rewrite = new(path, prefix, null) });
        Assert.Equal(200, (await gateway.GetAsync(target)).Status);
        Assert.Equal(expected, Assert.Single(upstream.Received).Target);
    }

    [Fact]
    public async Task Rewrite_ThatMakesADotSegment_IsRefused()
    {
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await StartAsync(upstream, new RouteConfig { Match = Match("/u/{id}"), Upstream = "up", Rewrite = new("/a/.{id}", null, null) });
        Assert.Equal(400, (await gateway.GetAsync("/u/.%2Fadmin")).Status);
        Assert.Equal(200, (await gateway.GetAsync("/u/x")).Status);
        Assert.Equal("/a/.x", Assert.Single(upstream.Received).Target);
    }

    [Fact]
    public async Task Rewrite_OfTheHost_ReachesUpstreamAndFilters_AndTheClientsHostStaysKnown()
    {
        var seen = new List<string>();
        var plugin = new FakePlugin
        {
            Name = "look",
            RequestHeaders = call =>
            {
                call.Http.RequestHeaders.TryGet(":authority"u8, out var host);
                seen.Add(System.Text.Encoding.ASCII.GetString(host.Span));
                return FilterAction.Continue;
            },
        };
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await StartAsync(upstream, new RouteConfig { Upstream = "up", Rewrite = new(null, null, "inner.test:81"), Filters = [new PluginFilterConfig("look")] }, plugin);
        await gateway.GetAsync("/");
        var received = Assert.Single(upstream.Received);
        Assert.Equal(("inner.test:81", "test", "inner.test:81"), (received["host"], received["x-forwarded-host"], Assert.Single(seen)));
    }

    [Theory]
    [InlineData("/old/{rest...}", "/new/{rest}", "/old/a?x=1", "/new/a?x=1")]
    [InlineData("/{rest...}", "https://{host}{path}", "/a?x=1", "https://test/a?x=1")]
    [InlineData("/{rest...}", "https://b.example/{rest}", "/a", "https://b.example/a")]
    [InlineData("/{rest...}", "/{rest}", "//evil.example/x", "/evil.example/x")]
    [InlineData("/{rest...}", "{path}", "//evil.example/x", "/evil.example/x")]
    public async Task Redirect_SendsTheClientThere(string pattern, string to, string target, string location)
    {
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await StartAsync(upstream, new RouteConfig { Match = Match(pattern), Redirect = new(308, to, KeepsQuery: true) });
        var answer = await gateway.GetAsync(target);
        Assert.Equal((308, location), (answer.Status, answer["location"]));
        Assert.Empty(upstream.Received);
    }

    [Fact]
    public async Task DirectResponse_PassesTheFilters_AndAnswersHead()
    {
        var plugin = new FakePlugin { Name = "mark", ResponseHeaders = static call => { call.SetResponse("x-mark", "1"); return FilterAction.Continue; } };
        await using var upstream = WireUpstream.Answering();
        var response = new DirectResponseConfig(203, [new("content-type", "text/plain")], "hello"u8.ToArray());
        await using var gateway = await StartAsync(upstream, new RouteConfig { Response = response, Filters = [new PluginFilterConfig("mark")] }, plugin);
        var answer = await gateway.GetAsync("/");
        Assert.Equal((203, "hello", "text/plain", "1", "5"), (answer.Status, answer.Text, answer["content-type"], answer["x-mark"], answer["content-length"]));
        using var client = await gateway.ConnectAsync();
        Assert.Equal("5", (await client.ExchangeAsync("HEAD / HTTP/1.1\r\nhost: test\r\n\r\n", hasBody: false))["content-length"]);
        Assert.Empty(upstream.Received);
    }

    [Fact]
    public async Task BodyAboveTheRoutesLimit_Is413_AnnouncedOrStreamed()
    {
        await using var upstream = WireUpstream.ReadingBodies((call, _) => call.WriteAsync("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"));
        await using var gateway = await StartAsync(upstream, new RouteConfig { Upstream = "up", Limits = new() { BodyBytes = 4 } });
        Assert.Equal(200, (await gateway.PostAsync("/", "1234")).Status);
        Assert.Equal(413, (await gateway.PostAsync("/", "12345")).Status);
        using var client = await gateway.ConnectAsync();
        Assert.Equal(413, (await client.ExchangeAsync("POST / HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n3\r\n123\r\n3\r\n456\r\n0\r\n\r\n")).Status);
    }

    [Fact]
    public async Task RequestsAboveTheRoutesLimit_Are503_UntilOneEnds()
    {
        var release = new TaskCompletionSource();
        await using var upstream = new WireUpstream(async call =>
        {
            await release.Task.WaitAsync(call.Cancellation);
            await call.WriteAsync("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
        });
        await using var gateway = await StartAsync(upstream, new RouteConfig { Upstream = "up", Limits = new() { Requests = 1 } });
        using var first = await gateway.ConnectAsync();
        await first.SendAsync("GET / HTTP/1.1\r\nhost: test\r\n\r\n");
        while (upstream.Received.IsEmpty) await Task.Delay(5, TestContext.Current.CancellationToken);
        var second = await gateway.GetAsync("/");
        Assert.Equal(503, second.Status);
        Assert.Contains("\"error\":\"route-busy\"", second.Text);
        release.SetResult();
        Assert.Equal(200, (await first.ReceiveAsync()).Status);
        WireMessage third;
        do third = await gateway.GetAsync("/");
        while (third.Status == 503); // the log line of the first is written after its answer
        Assert.Equal(200, third.Status);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task TotalTimeout_EndsAnExchangeThatNeverStandsStill(bool answersInTime)
    {
        await using var upstream = new WireUpstream(async call =>
        {
            if (!answersInTime) await Task.Delay(Timeout.Infinite, call.Cancellation);
            await call.WriteAsync("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
            while (true)
            {
                await call.WriteAsync("1\r\nx\r\n");
                await Task.Delay(20, call.Cancellation);
            }
        });
        await using var gateway = await StartAsync(upstream, new RouteConfig { Upstream = "up", Timeouts = new() { Total = TimeSpan.FromMilliseconds(400) } });
        if (answersInTime) await Assert.ThrowsAnyAsync<IOException>(() => gateway.GetAsync("/"));
        else Assert.Equal(504, (await gateway.GetAsync("/")).Status);
    }

    private static RouteMatchConfig Match(string path) => new() { Path = path };

    private static Task<TestGateway> StartAsync(WireUpstream upstream, RouteConfig route, params FakePlugin[] plugins) =>
        TestGateway.StartAsync(new Uri($"http://127.0.0.1:{upstream.Port}"), config => config with { Routes = [route] }, plugins);
}
