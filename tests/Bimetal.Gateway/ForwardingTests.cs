// What reaches the upstream and what comes back, seen as bytes on both connections.

using Bimetal.Gateway.Tests.Support;

namespace Bimetal.Gateway.Tests;

public sealed class ForwardingTests
{
    [Fact]
    public async Task Get_PassesRequestAndResponse()
    {
        await using var upstream = WireUpstream.Answering("hello", "content-type: text/plain\r\nx-from: upstream\r\n");
        await using var gateway = await TestGateway.StartAsync(upstream);
        var answer = await gateway.GetAsync("/a/b?c=d&e=%20f", "accept: */*\r\nx-a: 1\r\nx-a: 2\r\n");
        Assert.Equal(200, answer.Status);
        Assert.Equal("hello", answer.Text);
        Assert.Equal("5", answer["content-length"]);
        Assert.Equal("upstream", answer["x-from"]);
        Assert.False(answer.Has("server"));
        var received = Assert.Single(upstream.Received);
        Assert.Equal("GET /a/b?c=d&e=%20f HTTP/1.1", received.StartLine);
        Assert.Equal("test", received["host"]);
        Assert.Equal("127.0.0.1", received["x-forwarded-for"]);
        Assert.Equal("http", received["x-forwarded-proto"]);
        Assert.Equal("test", received["x-forwarded-host"]);
        Assert.Equal("1, 2", string.Join(", ", received.Fields.Where(field => field.Name == "x-a").Select(field => field.Value)));
        string[] added = ["host", "accept", "x-a", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"];
        Assert.Empty(received.Fields.Where(field => !added.Contains(field.Name.ToLowerInvariant())));
    }

    [Fact]
    public async Task HopByHopFields_StopAtTheGateway_BothWays()
    {
        await using var upstream = WireUpstream.Answering("x", "connection: keep-alive, x-inner\r\nx-inner: 1\r\nkeep-alive: timeout=5\r\nproxy-authenticate: Basic\r\nx-kept: 1\r\n");
        await using var gateway = await TestGateway.StartAsync(upstream);
        var answer = await gateway.GetAsync("/", "connection: x-secret, te\r\nx-secret: 1\r\nte: trailers\r\nkeep-alive: 1\r\nproxy-authorization: x\r\nupgrade: h2c\r\nproxy-connection: close\r\nx-kept: 1\r\n");
        var received = Assert.Single(upstream.Received);
        foreach (string name in (string[])["connection", "x-secret", "te", "keep-alive", "proxy-authorization", "upgrade", "proxy-connection"]) Assert.False(received.Has(name), name);
        foreach (string name in (string[])["connection", "x-inner", "keep-alive", "proxy-authenticate"]) Assert.False(answer.Has(name), name);
        Assert.Equal("1", received["x-kept"]);
        Assert.Equal("1", answer["x-kept"]);
    }

    [Fact]
    public async Task ForwardedFields_ClaimsOfAClientThatIsNoTrustedProxy_AreReplaced()
    {
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await TestGateway.StartAsync(upstream);
        await gateway.GetAsync("/", "x-forwarded-for: 10.0.0.1\r\nx-forwarded-for: 10.0.0.2\r\nx-forwarded-proto: https\r\nx-forwarded-host: bank\r\n");
        var received = Assert.Single(upstream.Received);
        Assert.Equal("127.0.0.1", received["x-forwarded-for"]);
        Assert.Equal("http", received["x-forwarded-proto"]);
        Assert.Equal("test", received["x-forwarded-host"]);
    }

    [Fact]
    public async Task Bytes_Above127_SurviveInFields()
    {
        await using var upstream = WireUpstream.Answering("", "x-name: M\u00fcller\r\n");
        await using var gateway = await TestGateway.StartAsync(upstream);
        var answer = await gateway.GetAsync("/", "x-name: caf\u00e9\r\n");
        Assert.Equal("caf\u00e9", Assert.Single(upstream.Received)["x-name"]);
        Assert.Equal("M\u00fcller", answer["x-name"]);
    }

    [Fact]
    public async Task ContentLength_IsKept_BothWays()
    {
        await using var upstream = Echo();
        await using var gateway = await TestGateway.StartAsync(upstream);
        var answer = await gateway.PostAsync("/", "0123456789", "content-type: text/x\r\n");
        var received = Assert.Single(upstream.Received);
        Assert.Equal("10", received["content-length"]);
        Assert.False(received.IsChunked);
        Assert.Equal("text/x", received["content-type"]);
        Assert.Equal("0123456789", answer.Text);
    }

    [Fact]
    public async Task ChunkedBody_StaysChunked_BothWays()
    {
        await using var upstream = WireUpstream.ReadingBodies((call, message) =>
            call.WriteAsync($"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{message.Body.Length:x}\r\n{message.Text}\r\n0\r\n\r\n"));
        await using var gateway = await TestGateway.StartAsync(upstream);
        using var client = await gateway.ConnectAsync();
        var answer = await client.ExchangeAsync("POST / HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n");
        Assert.True(Assert.Single(upstream.Received).IsChunked);
        Assert.True(answer.IsChunked);
        Assert.Equal("abcdefg", answer.Text);
    }

    [Fact]
    public async Task ResponseUntilClose_BecomesChunked()
    {
        await using var upstream = new WireUpstream(async call =>
        {
            await call.WriteAsync("HTTP/1.1 200 OK\r\n\r\nuntil the end");
            call.Connection.Socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);
        });
        await using var gateway = await TestGateway.StartAsync(upstream);
        var answer = await gateway.GetAsync("/");
        Assert.True(answer.IsChunked);
        Assert.Equal("until the end", answer.Text);
    }

    [Theory]
    [InlineData("HTTP/1.1 204 No Content\r\n\r\n", 204)]
    [InlineData("HTTP/1.1 304 Not Modified\r\netag: \"x\"\r\ncontent-length: 77\r\n\r\n", 304)]
    public async Task StatusWithoutBody_LeavesTheConnectionUsable(string raw, int status)
    {
        await using var upstream = new WireUpstream(call => call.WriteAsync(raw));
        await using var gateway = await TestGateway.StartAsync(upstream);
        using var client = await gateway.ConnectAsync();
        for (int round = 0; round < 3; round++) Assert.Equal(status, (await client.GetAsync("/")).Status);
        Assert.Equal(1, upstream.ConnectionCount);
    }

    [Fact]
    public async Task Head_KeepsTheLengthAndHasNoBody()
    {
        await using var upstream = WireUpstream.Answering("0123456789");
        await using var gateway = await TestGateway.StartAsync(upstream);
        using var client = await gateway.ConnectAsync();
        for (int round = 0; round < 2; round++)
        {
            var answer = await client.ExchangeAsync("HEAD / HTTP/1.1\r\nhost: test\r\n\r\n", hasBody: false);
            Assert.Equal("10", answer["content-length"]);
        }

        Assert.Equal("0123456789", (await client.GetAsync("/")).Text);
    }

    [Fact]
    public async Task InformationalResponses_AreNotTakenForTheAnswer()
    {
        await using var upstream = new WireUpstream(call =>
            call.WriteAsync("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"));
        await using var gateway = await TestGateway.StartAsync(upstream);
        var answer = await gateway.GetAsync("/");
        Assert.Equal(200, answer.Status);
        Assert.Equal("ok", answer.Text);
    }

    [Fact]
    public async Task Expect100_IsAskedOfTheUpstream_WhoseAnswerLetsTheClientSend()
    {
        await using var upstream = new WireUpstream(async call =>
        {
            await call.WriteAsync("HTTP/1.1 100 Continue\r\n\r\n");
            string body = System.Text.Encoding.Latin1.GetString(await call.ReadBodyAsync());
            await call.WriteAsync($"HTTP/1.1 200 OK\r\ncontent-length: {body.Length}\r\n\r\n{body}");
        });
        await using var gateway = await TestGateway.StartAsync(upstream);
        using var client = await gateway.ConnectAsync();
        for (int round = 0; round < 2; round++)
        {
            await client.SendAsync("POST / HTTP/1.1\r\nhost: test\r\nexpect: 100-continue\r\ncontent-length: 3\r\n\r\n");
            Assert.Equal(100, (await client.ReceiveAsync()).Status);
            await client.SendAsync("abc");
            Assert.Equal("abc", (await client.ReceiveAsync()).Text);
        }

        Assert.All(upstream.Received, received => Assert.Equal("100-continue", received["expect"]));
    }

    [Fact]
    public async Task Expect100_RefusedByTheUpstream_IsAnsweredWithoutTheBody()
    {
        await using var upstream = new WireUpstream(call => call.WriteAsync("HTTP/1.1 417 Expectation Failed\r\ncontent-length: 2\r\n\r\nno"));
        await using var gateway = await TestGateway.StartAsync(upstream);
        using var client = await gateway.ConnectAsync();
        var answer = await client.ExchangeAsync("POST / HTTP/1.1\r\nhost: test\r\nexpect: 100-continue\r\ncontent-length: 3\r\n\r\n");
        Assert.Equal(417, answer.Status);
        Assert.Empty(await client.Reader.ReadToEndAsync(client.Cancellation));
        Assert.Single(upstream.Received);
    }

    [Fact]
    public async Task Expect100_OfAnUpstreamThatSaysNothing_IsGivenUpAfterAWhile()
    {
        await using var upstream = Echo();
        await using var gateway = await TestGateway.StartAsync(upstream);
        using var client = await gateway.ConnectAsync();
        await client.SendAsync("POST / HTTP/1.1\r\nhost: test\r\nexpect: 100-continue\r\ncontent-length: 3\r\n\r\n");
        Assert.Equal(100, (await client.ReceiveAsync()).Status);
        await client.SendAsync("abc");
        Assert.Equal("abc", (await client.ReceiveAsync()).Text);
    }

    [Fact]
    public async Task EarlyAnswer_IsPassedOnWhileTheClientStillSends()
    {
        await using var upstream = new WireUpstream(async call =>
        {
            await call.WriteAsync("HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno");
            call.Connection.Socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);
            await call.Reader.ReadToEndAsync(call.Cancellation);
        });
        await using var gateway = await TestGateway.StartAsync(upstream);
        using var client = await gateway.ConnectAsync();
        await client.SendAsync("POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 1000000\r\n\r\nfirst bytes");
        var answer = await client.ReceiveAsync();
        Assert.Equal(413, answer.Status);
        Assert.Equal("no", answer.Text);
    }

    [Fact]
    public async Task Trailers_PassBothWays()
    {
        await using var upstream = new WireUpstream(async call =>
        {
            await call.Reader.ReadExactlyAsync(8, call.Cancellation); // the chunk
            Assert.Equal("0", await call.Reader.ReadLineAsync(call.Cancellation));
            var trailers = await call.Reader.ReadFieldsAsync(call.Cancellation);
            await call.WriteAsync($"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx-echo: {trailers.Single().Value}\r\n\r\n");
        });
        await using var gateway = await TestGateway.StartAsync(upstream);
        using var client = await gateway.ConnectAsync();
        await client.SendAsync("POST / HTTP/1.1\r\nhost: test\r\nte: trailers\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx-sum: 42\r\n\r\n");
        await client.Reader.ReadHeadAsync(client.Cancellation);
        Assert.Equal("0", await client.Reader.ReadLineAsync(client.Cancellation));
        Assert.Equal(("x-echo", "42"), Assert.Single(await client.Reader.ReadFieldsAsync(client.Cancellation)));
    }

    [Fact]
    public async Task Connections_AreReused()
    {
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await TestGateway.StartAsync(upstream);
        using var first = await gateway.ConnectAsync();
        using var second = await gateway.ConnectAsync();
        for (int round = 0; round < 20; round++)
        {
            await first.GetAsync("/");
            await second.GetAsync("/");
        }

        Assert.Equal(40, upstream.Received.Count);
        Assert.InRange(upstream.ConnectionCount, 1, 2); // one per loop that had a client
    }

    [Fact]
    public async Task Redirects_AndCookies_AndEncodings_PassUntouched()
    {
        await using var upstream = WireUpstream.Answering("\u001f\u008b", "location: http://elsewhere/\r\nset-cookie: a=1\r\nset-cookie: b=2\r\ncontent-encoding: gzip\r\n");
        await using var gateway = await TestGateway.StartAsync(upstream);
        var answer = await gateway.GetAsync("/");
        Assert.Equal(["a=1", "b=2"], answer.Fields.Where(field => field.Name.Equals("set-cookie", StringComparison.OrdinalIgnoreCase)).Select(field => field.Value));
        Assert.Equal("gzip", answer["content-encoding"]);
        Assert.Equal(2, answer.Body.Length);
        await gateway.GetAsync("/");
        Assert.All(upstream.Received, received => Assert.False(received.Has("cookie")));
    }

    [Theory]
    [InlineData("/a/../b", "/b")]
    [InlineData("/a/%2e%2e/b/./c", "/b/c")]
    [InlineData("/%61pi?x=%2e%2e/", "/api?x=%2e%2e/")]
    [InlineData("/a%2fb", "/a%2Fb")]
    [InlineData("//a//b/", "//a//b/")]
    [InlineData("http://test/abs?q", "/abs?q")]
    public async Task Target_IsForwardedInTheFormThatWasJudged(string sent, string forwarded)
    {
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await TestGateway.StartAsync(upstream);
        Assert.Equal(200, (await gateway.GetAsync(sent)).Status);
        Assert.Equal(forwarded, Assert.Single(upstream.Received).Target);
    }

    [Theory]
    [InlineData("/a#b")]
    [InlineData("/a\\b")]
    [InlineData("/a%zz")]
    [InlineData("/a%0")]
    public async Task Target_ThatIsNotValid_Is400(string sent)
    {
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await TestGateway.StartAsync(upstream);
        Assert.Equal(400, (await gateway.GetAsync(sent)).Status);
        Assert.Empty(upstream.Received);
    }

    [Fact]
    public async Task HeadersOfAStream_ComeBeforeItsFirstEvent()
    {
        var release = new TaskCompletionSource();
        await using var upstream = new WireUpstream(async call =>
        {
            await call.WriteAsync("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n");
            await release.Task;
            await call.WriteAsync("6\r\nevent1\r\n");
            await call.WriteAsync("0\r\n\r\n");
        });
        await using var gateway = await TestGateway.StartAsync(upstream);
        using var client = await gateway.ConnectAsync();
        await client.SendAsync("GET / HTTP/1.1\r\nhost: test\r\n\r\n");
        var head = await client.Reader.ReadHeadAsync(client.Cancellation);
        Assert.Equal("text/event-stream", head!["content-type"]);
        release.SetResult();
        Assert.Equal(6, await client.Reader.ReadChunkSizeAsync(client.Cancellation));
    }

    [Fact]
    public async Task BodyOfKnownLength_ThatComesAfterItsHeaders_IsNotKeptBack()
    {
        await using var upstream = new WireUpstream(async call =>
        {
            await call.WriteAsync("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n");
            await Task.Delay(50);
            await call.WriteAsync("late");
        });
        await using var gateway = await TestGateway.StartAsync(upstream);
        using var client = await gateway.ConnectAsync();
        for (int round = 0; round < 3; round++) Assert.Equal("late", (await client.GetAsync("/")).Text);
    }

    private static WireUpstream Echo() => WireUpstream.ReadingBodies((call, message) => call.WriteAsync($"HTTP/1.1 200 OK\r\ncontent-length: {message.Body.Length}\r\n\r\n{message.Text}"));
}
