// WebSocket over HTTP/2 (extended CONNECT, RFC 8441): an upgrade of HTTP/1.1 for the upstream, and a tunnel in one stream for the client.

using System.Net;
using System.Net.WebSockets;
using System.Text;
using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Tests.Support;

namespace Bimetal.Gateway.Tests;

public sealed class Http2UpgradeTests
{
    private const string Agreed = "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: ";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task WebSocket_PassesMessages_BesideOrdinaryRequests(bool isEncrypted)
    {
        await using var upstream = new WireUpstream(call => call.Head["upgrade"] == "websocket" ? WebSocketEcho.ServeAsync(call) : call.WriteAsync("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"));
        await using var pair = await ProtocolPair.StartAsync(isEncrypted, isHttp2: true, upstream.Port, isUpstreamHttp2: false);
        using var client = new ClientWebSocket { Options = { HttpVersion = HttpVersion.Version20, HttpVersionPolicy = HttpVersionPolicy.RequestVersionExact } };
        var address = new UriBuilder(pair.Client.BaseAddress!) { Scheme = isEncrypted ? "wss" : "ws", Path = "/chat" }.Uri;
        await client.ConnectAsync(address, pair.Client, Cancellation);
        Assert.Equal("ok", await pair.Client.GetStringAsync("/", Cancellation));
        await WebSocketEcho.TryAsync(client, Cancellation);
        Assert.Equal("ok", await pair.Client.GetStringAsync("/", Cancellation));
        var head = upstream.Received.Single(request => request.Target == "/chat");
        Assert.Equal(("GET", "upgrade", "13"), (head.Method, head["connection"], head["sec-websocket-version"]));
        await pair.Gateway.SettleAsync(3);
    }

    [Fact]
    public async Task Settings_OfferIt_AndPlainConnectIsRefused()
    {
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await TestGateway.StartAsync(upstream);
        using var wire = await Http2Wire.ConnectAsync(gateway.Address);
        byte[] settings = (await wire.ReadUntilAsync(Http2Frame.Settings))!.Payload;
        Assert.Contains(settings.Chunk(6), setting => setting is [0, 8, 0, 0, 0, 1]);
        await wire.SendHeadersAsync(1, isEnd: false, (":method", "CONNECT"), (":authority", "t:80"));
        Assert.Equal(400, (await wire.ReadUntilAsync(Http2Frame.Headers))!.Status);
        Assert.Empty(upstream.Received);
    }

    [Theory]
    [InlineData("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n", 403)]
    [InlineData("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", 502)]
    [InlineData(Agreed + "AAAA\r\n\r\n", 502)]
    [InlineData("HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n", 502)]
    [InlineData("HTTP/1.1 101 Switching Protocols\r\nupgrade: other\r\nconnection: upgrade\r\n\r\n", 502)]
    public async Task UpstreamThatDoesNotAgree_IsNoTunnel(string answer, int status)
    {
        await using var upstream = new WireUpstream(call => call.WriteAsync(answer));
        await using var gateway = await TestGateway.StartAsync(upstream);
        using var wire = await Http2Wire.ConnectAsync(gateway.Address);
        await ConnectAsync(wire, "websocket");
        Assert.Equal(status, (await wire.ReadUntilAsync(Http2Frame.Headers))!.Status);
    }

    [Theory]
    [InlineData("websocket", true)]
    [InlineData("h2c", false)]
    [InlineData("websocket\r\nx: y", false)]
    public async Task ProtocolThatTheRouteDoesNotHave_IsRefused_AndTheUpstreamIsNotAsked(string protocol, bool hasNoUpgrades)
    {
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await TestGateway.StartAsync(new Uri($"http://127.0.0.1:{upstream.Port}"), config => hasNoUpgrades ? config with { Routes = [config.Routes[0] with { Upgrades = [] }] } : config);
        using var wire = await Http2Wire.ConnectAsync(gateway.Address);
        await ConnectAsync(wire, protocol);
        var answer = await wire.ReadUntilAsync(Http2Frame.Headers, Http2Frame.Reset, Http2Frame.GoAway);
        if (answer is { Type: Http2Frame.Headers }) Assert.Equal(400, answer.Status);
        Assert.Empty(upstream.Received);
    }

    [Fact]
    public async Task Tunnel_EndsWithEitherSide_AndWithTheIdleTimeout()
    {
        var ended = new System.Collections.Concurrent.ConcurrentQueue<string>();
        await using var upstream = new WireUpstream(async call =>
        {
            await call.WriteAsync(Agreed + WebSocketEcho.Accept(call.Head["sec-websocket-key"]!) + "\r\n\r\nearly");
            if (call.Head.Target == "/leaves") call.Connection.Socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);
            ended.Enqueue(call.Head.Target + " " + Encoding.ASCII.GetString(await call.Reader.ReadToEndAsync(call.Cancellation)));
        });
        await using var gateway = await TestGateway.StartAsync(new Uri($"http://127.0.0.1:{upstream.Port}"), config => config with
        {
            Routes = [config.Routes[0] with { Timeouts = new UpstreamTimeouts { Idle = TimeSpan.FromSeconds(1) } }],
        });
        using var wire = await Http2Wire.ConnectAsync(gateway.Address);

        // The client ends its half, then the upstream the other.
        await ConnectAsync(wire, "websocket", "/ends");
        Assert.Equal(200, (await wire.ReadUntilAsync(Http2Frame.Headers))!.Status);
        Assert.Equal("early", Encoding.ASCII.GetString((await wire.ReadUntilAsync(Http2Frame.Data))!.Payload));
        await wire.SendAsync(Http2Frame.Data, Http2Frame.EndStream, 1, "first"u8.ToArray());
        Assert.Equal(Http2Frame.EndStream, (await wire.ReadUntilAsync(Http2Frame.Data))!.Flags);

        // The upstream ends its half; the client resets the rest.
        await ConnectAsync(wire, "websocket", "/leaves", 3);
        while ((await wire.ReadUntilAsync(Http2Frame.Data))!.Flags != Http2Frame.EndStream) continue;
        await wire.SendAsync(Http2Frame.Reset, 0, 3, Http2Wire.Number(8));

        // Nobody says anything.
        await ConnectAsync(wire, "websocket", "/idle", 5);
        Assert.Equal(5, (await wire.ReadUntilAsync(Http2Frame.Reset))!.Stream);
        await gateway.SettleAsync(3);
        while (ended.Count < 3) await Task.Delay(10, Cancellation);
        Assert.Equal(["/ends first", "/idle ", "/leaves "], ended.Order());
        Assert.True(await gateway.IsIdleAsync(connections: 1));
    }

    private static Task ConnectAsync(Http2Wire wire, string protocol, string path = "/chat", int stream = 1) =>
        wire.SendHeadersAsync(stream, isEnd: false, (":method", "CONNECT"), (":protocol", protocol), (":scheme", "http"), (":path", path), (":authority", "t"), ("sec-websocket-version", "13"));
}
