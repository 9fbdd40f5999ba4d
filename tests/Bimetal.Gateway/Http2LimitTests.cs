// Time that a client of HTTP/2 may take, and what becomes of one that takes more or reads nothing.

using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Tests.Support;

namespace Bimetal.Gateway.Tests;

public sealed class Http2LimitTests
{
    private const int MediumBody = 100_000;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task IdleConnection_IsClosed()
    {
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await StartAsync(upstream, "idle_timeout: 500ms");
        using var wire = await Http2Wire.ConnectAsync(gateway.Address);
        await wire.SendHeadersAsync(1, isEnd: true, Http2Wire.Request());
        Assert.Equal(200, (await wire.ReadUntilAsync(Http2Frame.Headers))!.Status);
        await wire.ReadUntilAsync(Http2Frame.GoAway);
        Assert.True(await gateway.IsIdleAsync());
    }

    [Fact]
    public async Task HeadersThatDoNotCome_EndTheConnection()
    {
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await StartAsync(upstream, "header_timeout: 500ms");
        using var wire = await Http2Wire.ConnectAsync(gateway.Address);
        await wire.SendAsync(Http2Frame.Headers, Http2Frame.EndStream, 1, Http2Wire.Fields(Http2Wire.Request()));
        await wire.ReadUntilAsync(Http2Frame.GoAway);
        Assert.True(await gateway.IsIdleAsync());
        Assert.Empty(upstream.Received);
    }

    [Fact]
    public async Task BodyThatOnlyDrips_Is408_AndTheOtherStreamsGoOn()
    {
        await using var upstream = WireUpstream.ReadingBodies((call, _) => call.WriteAsync("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"));
        await using var gateway = await StartAsync(upstream, "body_timeout: 500ms");
        using var wire = await Http2Wire.ConnectAsync(gateway.Address);
        await wire.SendHeadersAsync(1, isEnd: false, Http2Wire.Request("POST", "/", ("content-length", "1000")));
        var answer = wire.ReadUntilAsync(Http2Frame.Headers);
        while (!answer.IsCompleted)
        {
            await wire.SendAsync(Http2Frame.Data, 0, 1, [1]);
            await Task.Delay(50, Cancellation);
        }

        Assert.Equal(408, (await answer)!.Status);
        await wire.SendHeadersAsync(3, isEnd: true, Http2Wire.Request());
        Http2Frame? next;
        do next = await wire.ReadUntilAsync(Http2Frame.Headers);
        while (next!.Stream != 3);
        Assert.Equal(200, next.Status);
    }

    [Fact]
    public async Task ClientThatOpensNoWindow_LosesItsStreams_AndTheUpstreamIsFree()
    {
        await using var upstream = WireUpstream.Answering(new string('x', MediumBody));
        await using var gateway = await StartAsync(upstream, "streams: 100", "timeouts: { idle: 500ms }, ");
        using var wire = await Http2Wire.ConnectAsync(gateway.Address);
        await wire.SendAsync(Http2Frame.Settings, 0, 0, Http2Wire.Setting(4, 0));
        for (int stream = 1; stream < 100; stream += 2) await wire.SendHeadersAsync(stream, isEnd: true, Http2Wire.Request());
        for (int resets = 0; resets < 50; resets++) Assert.NotNull(await wire.ReadUntilAsync(Http2Frame.Reset));
        Assert.True(await gateway.IsIdleAsync(connections: 1));
    }

    [Fact]
    public async Task ClientThatReadsNoAnswersToItsPings_IsClosed_AndLeavesNothingBehind()
    {
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await StartAsync(upstream, "idle_timeout: 500ms");
        using var wire = await Http2Wire.ConnectAsync(gateway.Address);
        byte[] pings = [.. Enumerable.Repeat(Http2Wire.Frame(Http2Frame.Ping, 0, 0, new byte[8]), 4000).SelectMany(frame => frame)];

        // The flood stands still when the buffers of both directions are full, and ends with the connection.
        int pieces = await wire.FloodAsync(pings, 2000).WaitAsync(TimeSpan.FromSeconds(30), Cancellation);
        Assert.True(pieces < 2000);
        Assert.True(await gateway.IsIdleAsync());
        Assert.Equal(200, (await gateway.GetAsync("/")).Status);
    }

    [Fact]
    public async Task ClientThatOpensStreamsWithoutEnd_IsClosed_AndLeavesNothingBehind()
    {
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await StartAsync(upstream, "streams: 100");
        using (var wire = await Http2Wire.ConnectAsync(gateway.Address))
        {
            var reading = wire.ReadUntilAsync(Http2Frame.GoAway);
            byte[] fields = Http2Wire.Fields(Http2Wire.Request("POST"));
            try
            {
                for (int stream = 1; stream < 40_000; stream += 2) await wire.SendBytesAsync(Http2Wire.Frame(Http2Frame.Headers, Http2Frame.EndHeaders, stream, fields));
            }
            catch (IOException)
            {
                // It has had enough.
            }

            Assert.NotEqual(0, (await reading)?.ErrorCode ?? -1);
        }

        Assert.True(await gateway.IsIdleAsync());
        Assert.Equal(200, (await gateway.GetAsync("/")).Status);
    }

    private static async Task<TestGateway> StartAsync(WireUpstream upstream, string limits, string route = "")
    {
        var (config, errors) = ConfigReader.Parse(
            $$"""
            listeners: [ { address: 127.0.0.1:0, limits: { {{limits}} } } ]
            upstreams: { up: { endpoints: [http://127.0.0.1:{{upstream.Port}}] } }
            routes: [ { match: { path: "/{rest...}" }, {{route}}upstream: up } ]
            """,
            "test.yaml", "/");
        Assert.Empty(errors);
        return await TestGateway.StartAsync(config!);
    }
}
