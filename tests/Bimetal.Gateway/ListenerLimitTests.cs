// What the clients of a listener may use: each limit, one by one.

using System.Net;
using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Listeners;
using Bimetal.Gateway.Tests.Support;

namespace Bimetal.Gateway.Tests;

public sealed class ListenerLimitTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Uri_OneByteMore_Is414_InBothVersions()
    {
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await StartAsync(upstream, "uri: 100B");
        Assert.Equal(200, (await gateway.GetAsync("/" + new string('a', 99))).Status);
        Assert.Equal(414, (await gateway.GetAsync("/" + new string('a', 100))).Status);
        using var wire = await Http2Wire.ConnectAsync(gateway.Address);
        await wire.SendHeadersAsync(1, isEnd: true, Http2Wire.Request("GET", "/" + new string('a', 100)));
        Assert.Equal(414, (await wire.ReadUntilAsync(Http2Frame.Headers))!.Status);
        Assert.Single(upstream.Received);
    }

    [Fact]
    public async Task Headers_AboveTheirBytesOrCount_Are431()
    {
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await StartAsync(upstream, "headers: 2KiB, header_count: 10");
        Assert.Equal(200, (await gateway.GetAsync("/", $"x: {new string('a', 1900)}\r\n")).Status);
        Assert.Equal(431, (await gateway.GetAsync("/", $"x: {new string('a', 2100)}\r\n")).Status);
        Assert.Equal(431, (await gateway.GetAsync("/", string.Concat(Enumerable.Range(0, 10).Select(number => $"x-{number}: 1\r\n")))).Status);
        using var wire = await Http2Wire.ConnectAsync(gateway.Address);
        await wire.SendHeadersAsync(1, isEnd: true, Http2Wire.Request("GET", "/", [.. Enumerable.Range(0, 11).Select(number => ("x-" + number, "1"))]));
        var answer = await wire.ReadUntilAsync(Http2Frame.Headers, Http2Frame.Reset, Http2Frame.GoAway);
        if (answer?.Type == Http2Frame.Headers) Assert.Equal(431, answer.Status);
        Assert.Single(upstream.Received);
    }

    [Fact]
    public async Task Body_AboveItsBytes_Is413_AnnouncedOrNot()
    {
        await using var upstream = WireUpstream.ReadingBodies((call, _) => call.WriteAsync("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"));
        await using var gateway = await StartAsync(upstream, "body: 10B");
        Assert.Equal(200, (await gateway.PostAsync("/", "0123456789")).Status);
        Assert.Equal(413, (await gateway.PostAsync("/", "0123456789a")).Status);
        using var client = await gateway.ConnectAsync();
        Assert.Equal(413, (await client.ExchangeAsync("POST / HTTP/1.1\r\nhost: t\r\ntransfer-encoding: chunked\r\n\r\nb\r\n0123456789a\r\n0\r\n\r\n")).Status);
    }

    [Fact]
    public async Task Streams_AreAnnounced_AndOneMoreIsRefused()
    {
        var release = new TaskCompletionSource();
        await using var upstream = new WireUpstream(async call =>
        {
            await release.Task;
            await call.WriteAsync("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
        });
        await using var gateway = await StartAsync(upstream, "streams: 2");
        using var wire = await Http2Wire.ConnectAsync(gateway.Address);
        for (int stream = 1; stream <= 5; stream += 2) await wire.SendHeadersAsync(stream, isEnd: true, Http2Wire.Request());
        var refused = await wire.ReadUntilAsync(Http2Frame.Reset);
        Assert.Equal((5, 7), (refused!.Stream, refused.ErrorCode));
        release.SetResult();
        Assert.Equal(200, (await wire.ReadUntilAsync(Http2Frame.Headers))!.Status);
    }

    [Theory]
    [InlineData("connections: 2")]
    [InlineData("connections_per_client: 2")]
    public async Task Connections_OneMore_IsClosed_UntilAnotherOneLeaves(string limit)
    {
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await StartAsync(upstream, limit);
        using var first = await gateway.ConnectAsync();
        Assert.Equal(200, (await first.GetAsync("/")).Status);
        using (var second = await gateway.ConnectAsync())
        {
            Assert.Equal(200, (await second.GetAsync("/")).Status);
            using var third = await gateway.ConnectAsync();
            await Assert.ThrowsAnyAsync<IOException>(() => third.GetAsync("/"));
        }

        // The gateway learns a moment later that the second one has left.
        while (true)
        {
            try
            {
                Assert.Equal(200, (await gateway.GetAsync("/")).Status);
                break;
            }
            catch (IOException)
            {
                await Task.Delay(10, Cancellation);
            }
        }
    }

    [Fact]
    public void ConnectionsOfOneIpv6Network_AreThoseOfOneClient()
    {
        var clients = new ClientCount();
        Assert.True(clients.TryEnter(IPAddress.Parse("2001:db8::1"), 2));
        Assert.True(clients.TryEnter(IPAddress.Parse("2001:db8::ffff:2"), 2));
        Assert.False(clients.TryEnter(IPAddress.Parse("2001:db8:0:0:8::3"), 2));
        Assert.True(clients.TryEnter(IPAddress.Parse("2001:db8:0:1::1"), 2));
        clients.Exit(IPAddress.Parse("2001:db8::9"));
        Assert.True(clients.TryEnter(IPAddress.Parse("2001:db8::3"), 2));

        // An address of IPv4 is the same in either form, and no neighbour of another.
        Assert.True(clients.TryEnter(IPAddress.Parse("10.0.0.1"), 1));
        Assert.False(clients.TryEnter(IPAddress.Parse("::ffff:10.0.0.1"), 1));
        Assert.True(clients.TryEnter(IPAddress.Parse("10.0.0.2"), 1));
    }

    [Fact]
    public async Task SlowClients_AreAnswered408_OrClosed()
    {
        await using var upstream = WireUpstream.ReadingBodies((call, _) => call.WriteAsync("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"));
        await using var gateway = await StartAsync(upstream, "header_timeout: 300ms, body_timeout: 300ms");
        using var head = await gateway.ConnectAsync();
        Assert.Equal(408, (await head.ExchangeAsync("GET / HTTP/1.1\r\nhost: t\r\nx-a: ")).Status);
        using var body = await gateway.ConnectAsync();
        await body.SendAsync("POST / HTTP/1.1\r\nhost: t\r\ncontent-length: 1000\r\n\r\na");

        // It sends now and then, so that no idle timeout would ever end it.
        using var stop = new CancellationTokenSource();
        var dripping = Task.Run(
            async () =>
            {
                while (!stop.IsCancellationRequested)
                {
                    await body.SendAsync("b");
                    await Task.Delay(50, stop.Token);
                }
            },
            Cancellation);
        Assert.Equal(408, (await body.ReceiveAsync()).Status);
        await stop.CancelAsync();
        await dripping.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        await using var impatient = await StartAsync(upstream, "idle_timeout: 300ms");
        using var idle = await impatient.ConnectAsync();
        Assert.Empty(await idle.Reader.ReadToEndAsync(idle.Cancellation));
    }

    [Theory]
    [InlineData("headers: 1B")]
    [InlineData("header_timeout: none")]
    [InlineData("connections: 0")]
    [InlineData("memory: 1GiB")]
    public void WrongLimits_AreNamed(string limit)
    {
        var (_, errors) = ConfigReader.Parse(Yaml(9000, limit), "test.yaml", "/");
        Assert.Contains("listeners[0].limits." + limit.Split(':')[0], Assert.Single(errors).ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Reload_ChangesTheLimits_OfTheSameSocket()
    {
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await StartAsync(upstream, "uri: 100B");
        var address = gateway.Address;
        string target = "/" + new string('a', 200);
        Assert.Equal(414, (await gateway.GetAsync(target)).Status);
        var (next, _) = ConfigReader.Parse(Yaml(upstream.Port, "uri: 1KiB"), "test.yaml", "/");
        await gateway.Host.ReloadAsync(next!, Cancellation);
        Assert.Equal(address, gateway.Address);
        Assert.Equal(200, (await gateway.GetAsync(target)).Status);
    }

    private static string Yaml(int port, string limits) =>
        $$"""
        listeners: [ { address: 127.0.0.1:0, limits: { {{limits}} } } ]
        upstreams: { up: { endpoints: [http://127.0.0.1:{{port}}] } }
        routes: [ { match: { path: "/{rest...}" }, upstream: up } ]
        """;

    private static Task<TestGateway> StartAsync(WireUpstream upstream, string limits)
    {
        var (config, errors) = ConfigReader.Parse(Yaml(upstream.Port, limits), "test.yaml", "/");
        Assert.Empty(errors);
        return TestGateway.StartAsync(config!);
    }
}
