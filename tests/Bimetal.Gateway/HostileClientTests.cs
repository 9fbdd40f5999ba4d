// Requests that two readers could take for different ones are refused, and what is judged is what is sent. Bytes go out as they stand.

using System.Net.Sockets;
using Bimetal.Gateway.Tests.Support;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Tests;

public sealed class HostileClientTests
{
    [Theory]
    [InlineData("content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n")]
    [InlineData("transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nhost: t\r\n\r\n")]
    [InlineData("transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n")]
    [InlineData("transfer-encoding: chunked, chunked\r\n\r\n0\r\n\r\n")]
    [InlineData("transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n")]
    [InlineData("transfer-encoding: identity\r\n\r\n")]
    [InlineData("transfer-encoding: \u000bchunked\r\n\r\n0\r\n\r\n")]
    [InlineData("content-length: +5\r\n\r\nhello")]
    [InlineData("content-length: -0\r\n\r\n")]
    [InlineData("content-length: 5, 5\r\n\r\nhello")]
    [InlineData("content-length: 5\r\ncontent-length: 5\r\n\r\nhello")]
    [InlineData("content-length: 0x5\r\n\r\nhello")]
    [InlineData("content-length: 5 5\r\n\r\nhello")]
    [InlineData("content-length: 9999999999999999999999999999999999999999\r\n\r\nhello")]
    [InlineData("content-length: \r\n\r\nhello")]
    [InlineData("content-length : 5\r\n\r\nhello")]
    public async Task AmbiguousLength_IsRefused_AndTheConnectionCloses(string rest)
    {
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await TestGateway.StartAsync(upstream);
        using var client = await gateway.ConnectAsync();
        Assert.Equal(400, (await client.ExchangeAsync("POST / HTTP/1.1\r\nhost: t\r\n" + rest)).Status);
        Assert.Empty(await client.Reader.ReadToEndAsync(client.Cancellation));
        Assert.Empty(upstream.Received);
    }

    [Theory]
    [InlineData("POST / HTTP/1.0\r\nhost: t\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nhost: t\r\nx-a: b\nx-b: c\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\nhost: t\n\n")]
    [InlineData("GET / HTTP/1.1\r\nhost: t\r\nx-a: b\r\n folded\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nhost: t\r\nx-a: b\rc\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nhost: t\r\nx-a: b\0c\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nhost: t\r\nx-a: b\u0001c\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nhost: t\r\nx-a: b\u007fc\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nhost: a..b\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nhost: a:99999999\r\n\r\n")]
    [InlineData("GET http://other/ HTTP/1.1\r\nhost: t\r\n\r\n")]
    [InlineData("GET /a/..%2fb HTTP/1.1\r\nhost: t\r\n\r\n")]
    [InlineData("GET /a/%2e%2E%2Fb HTTP/1.1\r\nhost: t\r\n\r\n")]
    [InlineData("GET /a%5c..%5Cb HTTP/1.1\r\nhost: t\r\n\r\n")]
    [InlineData("get / HTTP/1.1\r\nhost: t\r\n\r\n")]
    [InlineData("Delete / HTTP/1.1\r\nhost: t\r\n\r\n")]
    [InlineData("connect / HTTP/1.1\r\nhost: t\r\n\r\n")]
    public async Task AmbiguousRequest_IsRefused(string request)
    {
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await TestGateway.StartAsync(upstream);
        using var client = await gateway.ConnectAsync();
        Assert.Equal(400, (await client.ExchangeAsync(request)).Status);
        Assert.Empty(upstream.Received);
        Assert.DoesNotContain("failed inside", gateway.Log);
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\nhost: my-host_1:8080\r\nx-a: caf\u00e9\tb\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nhost: [::1]:80\r\n\r\n")]
    [InlineData("GET / HTTP/1.0\r\n\r\n")]
    [InlineData("FOO! / HTTP/1.1\r\nhost: t\r\n\r\n")]
    [InlineData("GET /scope%2Fname/.well-known..x%2Fy HTTP/1.1\r\nhost: t\r\n\r\n")]
    [InlineData("POST / HTTP/1.1\r\nhost: t\r\nTransfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")]
    [InlineData("POST / HTTP/1.1\r\nhost: t\r\ncontent-length:  03 \r\n\r\nabc")]
    public async Task UnusualRequest_Passes(string request)
    {
        await using var upstream = WireUpstream.ReadingBodies((call, _) => call.WriteAsync("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"));
        await using var gateway = await TestGateway.StartAsync(upstream);
        using var client = await gateway.ConnectAsync();
        Assert.Equal(200, (await client.ExchangeAsync(request)).Status);
    }

    [Theory]
    [InlineData(":method", "get")]
    [InlineData(":method", "CONNECT")]
    [InlineData(":authority", "a..b")]
    [InlineData(":path", "*")]
    public async Task PluginThatMakesTheRequestAmbiguous_IsAFailureOfThePlugin(string name, string value)
    {
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await TestGateway.StartAsync(upstream, new FakePlugin
        {
            Name = "p", RequestHeaders = call =>
            {
                call.SetRequest(name, value);
                return FilterAction.Continue;
            },
        });
        var answer = await gateway.GetAsync("/");
        Assert.Equal(500, answer.Status);
        Assert.Contains("plugin-failed", answer.Text);
        Assert.Empty(upstream.Received);
    }

    [Fact]
    public async Task PluginThatAsksForHead_GetsAnAnswerWithoutBody()
    {
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await TestGateway.StartAsync(upstream, new FakePlugin
        {
            Name = "p", RequestHeaders = call =>
            {
                call.SetRequest(":method", "HEAD");
                return FilterAction.Continue;
            },
        });
        using var client = await gateway.ConnectAsync();
        for (int round = 0; round < 2; round++)
        {
            var answer = await client.GetAsync("/");
            Assert.Equal(200, answer.Status);
            Assert.Equal("0", answer["content-length"]);
        }
    }

    [Fact]
    public async Task ClientsThatLeaveWhileTheyAreAnswered_AreNoErrorsOfTheGateway()
    {
        await using var upstream = new WireUpstream(async call =>
        {
            await call.WriteAsync("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n");
            await Task.Delay(50, call.Cancellation);
            await call.WriteAsync("5\r\nworld\r\n0\r\n\r\n");
        });
        var plugin = new FakePlugin { Name = "p", ResponseBody = _ => FilterAction.Continue };
        await using (var gateway = await TestGateway.StartAsync(upstream, plugin))
        {
            for (int round = 0; round < 30; round++)
            {
                using var client = await gateway.ConnectAsync();
                await client.SendAsync("GET / HTTP/1.1\r\nhost: t\r\n\r\n");
                await Task.Delay(round % 10 * 8);
                client.Socket.LingerState = new LingerOption(round % 2 == 0, 0);
            }

            await gateway.Host.StopAsync(TimeSpan.FromSeconds(10));
            Assert.DoesNotContain("failed inside", gateway.Log);
        }

        Assert.Equal(plugin.Statistics.Streams, plugin.Disposed);
    }
}
