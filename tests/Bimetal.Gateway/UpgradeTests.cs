// WebSocket and other protocols behind an upgrade: agreed by both sides or not at all, and then nobody's bytes but theirs.

using System.Net.WebSockets;
using System.Text;
using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Tests.Support;

namespace Bimetal.Gateway.Tests;

public sealed class UpgradeTests
{
    private const string Asking = "GET /chat HTTP/1.1\r\nhost: t\r\nconnection: keep-alive, Upgrade\r\nupgrade: WebSocket\r\n\r\n";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task WebSocket_PassesMessages_InBothDirections_ThroughTheFilters()
    {
        // .NET's own implementation on both ends.
        await using var upstream = new WireUpstream(WebSocketEcho.ServeAsync);
        await using var gateway = await TestGateway.WithFiltersAsync(upstream, "[ { headers: { request: { set: { x-seen: yes } }, response: { set: { x-answered: yes } } } } ]");
        using var client = new ClientWebSocket();
        client.Options.CollectHttpResponseDetails = true;
        await client.ConnectAsync(new Uri($"ws://127.0.0.1:{gateway.Address.Port}/chat"), Cancellation);
        Assert.Equal(["yes"], client.HttpResponseHeaders!["x-answered"]);
        await WebSocketEcho.TryAsync(client, Cancellation);
        var head = Assert.Single(upstream.Received);
        Assert.Equal(("upgrade", "yes"), (head["connection"], head["x-seen"]));
        await gateway.SettleAsync(1);
        await gateway.Host.StopAsync(TimeSpan.FromSeconds(5));
        Assert.Contains("\"status\":101", gateway.AccessLog, StringComparison.Ordinal);
    }

    [Fact]
    public async Task BytesBehindTheHeads_AreNotLost_AndTheConnectionEndsWithOneSide()
    {
        await using var upstream = new WireUpstream(async call =>
        {
            await call.WriteAsync("HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\nearly");
            Assert.Equal("first", Encoding.ASCII.GetString(await call.Reader.ReadExactlyAsync(5, call.Cancellation)));
            await call.WriteAsync("late");
            call.Connection.Close();
        });
        await using var gateway = await TestGateway.StartAsync(upstream);
        using var client = await gateway.ConnectAsync();
        await client.SendAsync(Asking + "first");
        Assert.Equal(101, (await client.Reader.ReadHeadAsync(client.Cancellation))!.Status);
        Assert.Equal("earlylate", Encoding.ASCII.GetString(await client.Reader.ReadToEndAsync(client.Cancellation)));
    }

    [Fact]
    public async Task UpstreamThatDoesNotAgree_AnswersAsAlways()
    {
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await TestGateway.StartAsync(upstream);
        using var client = await gateway.ConnectAsync();
        Assert.Equal("hello", (await client.ExchangeAsync(Asking)).Text);
        Assert.Equal("hello", (await client.GetAsync("/")).Text);
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\nhost: t\r\nconnection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nhost: t\r\nconnection: upgrade\r\nupgrade: TLS/1.0\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nhost: t\r\nconnection: upgrade\r\nupgrade: websocket, h2c\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nhost: t\r\nupgrade: websocket\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nhost: t\r\nconnection: upgrade\r\n\r\n")]
    [InlineData("POST / HTTP/1.1\r\nhost: t\r\nconnection: upgrade\r\nupgrade: websocket\r\ncontent-length: 2\r\n\r\nab")]
    public async Task WhatIsNoUpgradeThatTheRouteHas_IsAnOrdinaryRequest(string request)
    {
        await using var upstream = WireUpstream.ReadingBodies((call, _) => call.WriteAsync("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"));
        await using var gateway = await TestGateway.StartAsync(upstream);
        using var client = await gateway.ConnectAsync();
        Assert.Equal(200, (await client.ExchangeAsync(request)).Status);
        var received = Assert.Single(upstream.Received);
        Assert.False(received.Has("upgrade") || received.Has("connection") || received.Has("http2-settings"));
    }

    [Theory]
    [InlineData("HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n", Asking)]
    [InlineData("HTTP/1.1 101 Switching Protocols\r\n\r\n", Asking)]
    [InlineData("HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n", "GET / HTTP/1.1\r\nhost: t\r\n\r\n")]
    public async Task UpstreamThatSwitchesToWhatNobodyAsked_Is502(string answer, string request)
    {
        await using var upstream = new WireUpstream(call => call.WriteAsync(answer));
        await using var gateway = await TestGateway.StartAsync(upstream);
        using var client = await gateway.ConnectAsync();
        Assert.Equal(502, (await client.ExchangeAsync(request)).Status);
    }

    [Fact]
    public async Task TunnelThatNobodyUses_EndsWithTheIdleTimeout()
    {
        await using var upstream = new WireUpstream(async call =>
        {
            await call.WriteAsync("HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n");
            await call.Reader.ReadToEndAsync(call.Cancellation);
        });
        await using var gateway = await TestGateway.StartAsync(new Uri($"http://127.0.0.1:{upstream.Port}"), config => config with
        {
            Routes = [config.Routes[0] with { Timeouts = new UpstreamTimeouts { Idle = TimeSpan.FromMilliseconds(200) } }],
        });
        using var client = await gateway.ConnectAsync();
        await client.SendAsync(Asking);
        Assert.Equal(101, (await client.Reader.ReadHeadAsync(client.Cancellation))!.Status);
        Assert.Empty(await client.Reader.ReadToEndAsync(client.Cancellation));
    }

    [Theory]
    [InlineData("[websocket, h2c]", "'h2c' would carry requests past the gateway")]
    [InlineData("[\"a b\"]", "'a b' is not the name of a protocol")]
    public void WrongUpgrades_AreNamed(string upgrade, string problem)
    {
        var (_, errors) = ConfigReader.Parse(
            $$"""
            listeners: [ { address: 127.0.0.1:0 } ]
            upstreams: { up: { endpoints: [http://127.0.0.1:9000] } }
            routes: [ { match: { path: / }, upstream: up, upgrade: {{upgrade}} } ]
            """,
            "test.yaml", "/");
        Assert.Contains(problem, Assert.Single(errors).ToString(), StringComparison.Ordinal);
    }
}
