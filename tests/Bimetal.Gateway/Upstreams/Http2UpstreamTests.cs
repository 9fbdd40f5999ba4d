// HTTP/2 to upstreams, against node's server: from clients of both versions, with trailers, streams in both directions, and every way it can end.

using System.Net;
using System.Text;
using System.Text.Json;
using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Tests.Support;
using Bimetal.Testing;

namespace Bimetal.Gateway.Tests.Upstreams;

public sealed class Http2UpstreamTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Requests_OfHttp11_ArriveAsHttp2_OverOneConnection(bool isEncrypted)
    {
        using var folder = new TemporaryFolder();
        using var authority = new TestAuthority();
        var (certificate, key) = authority.Server("up.test");
        folder.Write("ca.pem", authority.Pem);
        await using var upstream = isEncrypted ? await NodeHttp2Upstream.StartAsync(folder.Write("up.pem", certificate), folder.Write("up.key", key)) : await NodeHttp2Upstream.StartAsync();
        await using var gateway = await StartAsync(upstream, isEncrypted ? "https" : "http", isEncrypted ? "tls: { ca: ca.pem, server_name: up.test }, " : "", folder.Path);
        using var client = await gateway.ConnectAsync();
        for (int round = 0; round < 3; round++)
        {
            var answer = await client.ExchangeAsync("GET /facts?q=%7C|^ HTTP/1.1\r\nhost: www.test:99\r\nx-a: b\r\ncookie: c=d\r\n\r\n");
            Assert.Equal(200, answer.Status);
            Assert.False(answer.IsChunked);
            using var facts = JsonDocument.Parse(answer.Text);
            string Fact(string name) => facts.RootElement.GetProperty(name).ToString();
            Assert.Equal(("GET", isEncrypted ? "https" : "http", "/facts?q=%7C|^", "www.test:99"), (Fact(":method"), Fact(":scheme"), Fact(":path"), Fact(":authority")));
            Assert.Equal(("b", "c=d", "trailers", "1"), (Fact("x-a"), Fact("cookie"), Fact("te"), Fact("sessionCount")));
            Assert.False(facts.RootElement.TryGetProperty("connection", out _));

            // Every printable character, in node's Huffman coding.
            Assert.Equal(string.Concat(Enumerable.Range(33, 94).Select(code => (char)code)), answer["x-text"]);
            Assert.Equal(["a=1", "b=2"], answer.Fields.Where(field => field.Name == "set-cookie").Select(field => field.Value));
        }

        var head = await client.ExchangeAsync("HEAD /facts HTTP/1.1\r\nhost: t\r\n\r\n", hasBody: false);
        Assert.NotNull(head["content-length"]);
        var range = await client.GetAsync("/range", "range: bytes=1-2\r\n");
        Assert.Equal((206, "bytes 1-2/5", "bytes=1-2", "bc"), (range.Status, range["content-range"], range["x-range"], range.Text));
    }

    [Fact]
    public async Task GrpcCalls_PassEndToEnd_UnaryAndStreaming()
    {
        await using var upstream = await NodeHttp2Upstream.StartAsync();
        await using var gateway = await StartAsync(upstream);
        using var client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{gateway.Address.Port}"), DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };
        using var content = new ByteArrayContent([0, 0, 0, 0, 3, 1, 2, 3]) { Headers = { ContentType = new("application/grpc") } };
        using var answer = await client.PostAsync("/echo", content, Cancellation);
        Assert.Equal([0, 0, 0, 0, 3, 1, 2, 3], await answer.Content.ReadAsByteArrayAsync(Cancellation));
        Assert.Equal(["0"], answer.TrailingHeaders.GetValues("grpc-status"));
        Assert.Equal(["fine"], answer.TrailingHeaders.GetValues("grpc-message"));
        using var failed = await client.PostAsync("/only-trailers", null, Cancellation);
        Assert.Equal(["5"], failed.Headers.Concat(failed.TrailingHeaders).Single(field => field.Key == "grpc-status").Value);
        using var wire = await Http2Wire.ConnectAsync(gateway.Address);
        await wire.SendHeadersAsync(1, isEnd: false, Http2Wire.Request("POST", "/echo", ("content-type", "application/grpc"), ("te", "trailers")));
        Assert.Equal(200, (await wire.ReadUntilAsync(Http2Frame.Headers))!.Status);
        foreach (string message in (string[])["first", "second", "third"])
        {
            await wire.SendAsync(Http2Frame.Data, 0, 1, Encoding.ASCII.GetBytes(message));
            Assert.Equal(message, Encoding.ASCII.GetString((await wire.ReadUntilAsync(Http2Frame.Data))!.Payload));
        }

        await wire.SendAsync(Http2Frame.Data, Http2Frame.EndStream, 1, []);
        Assert.Contains("grpc-status", Encoding.ASCII.GetString((await wire.ReadUntilAsync(Http2Frame.Headers))!.Payload), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Trailers_PassInBothDirections_FromHttp11()
    {
        await using var upstream = await NodeHttp2Upstream.StartAsync();
        await using var gateway = await StartAsync(upstream);
        using var client = await gateway.ConnectAsync();
        var seen = await client.ExchangeAsync("POST /trailers HTTP/1.1\r\nhost: t\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx-sum: 7\r\n\r\n");
        Assert.Equal("""{"x-sum":"7"}""", seen.Text);
        await client.SendAsync("POST /echo HTTP/1.1\r\nhost: t\r\nte: trailers\r\ncontent-length: 3\r\n\r\nabc");
        var head = await client.Reader.ReadHeadAsync(client.Cancellation);
        Assert.True(head!.IsChunked);
        Assert.Equal(3, await client.Reader.ReadChunkSizeAsync(client.Cancellation));
        await client.Reader.ReadExactlyAsync(5, client.Cancellation);
        Assert.Equal(0, await client.Reader.ReadChunkSizeAsync(client.Cancellation));
        Assert.Equal([("grpc-status", "0"), ("grpc-message", "fine")], await client.Reader.ReadFieldsAsync(client.Cancellation));
        Assert.Equal("body", (await client.GetAsync("/length-and-trailers")).Text);
    }

    [Fact]
    public async Task LongBodies_ArriveAsTheyWere_ManyAtOnce()
    {
        await using var upstream = await NodeHttp2Upstream.StartAsync();
        await using var gateway = await StartAsync(upstream);
        byte[] body = new byte[1 << 20];
        new Random(3).NextBytes(body);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(async _ =>
        {
            using var client = await gateway.ConnectAsync();
            await client.SendAsync($"POST /echo HTTP/1.1\r\nhost: t\r\ncontent-length: {body.Length}\r\n\r\n");
            var sending = client.Stream.WriteAsync(body, Cancellation).AsTask();
            Assert.Equal(body, (await client.ReceiveAsync()).Body);
            await sending;
        }));
        var big = await gateway.GetAsync("/big");
        Assert.Equal(320 << 16, big.Body.Length);
    }

    [Fact]
    public async Task ManyRequests_MoreThanTheUpstreamTakesAtOnce_AreAllServed()
    {
        await using var upstream = await NodeHttp2Upstream.StartAsync();
        await using var gateway = await StartAsync(upstream);
        using var client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{gateway.Address.Port}"), DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };
        var answers = await Task.WhenAll(Enumerable.Range(0, 300).Select(number => client.PostAsync("/expect?" + number, new StringContent("" + number), Cancellation)));
        for (int number = 0; number < answers.Length; number++) Assert.Equal("" + number, await answers[number].Content.ReadAsStringAsync(Cancellation));
    }

    [Fact]
    public async Task UpstreamThatGoesAway_LosesNoRequest()
    {
        await using var upstream = await NodeHttp2Upstream.StartAsync();
        await using var gateway = await StartAsync(upstream);
        using var client = await gateway.ConnectAsync();
        foreach (string command in (string[])["goaway", "destroy", "goaway"])
        {
            Assert.Equal(200, (await client.GetAsync("/facts")).Status);
            await upstream.CommandAsync(command);
            Assert.Equal(200, (await client.GetAsync("/facts")).Status);
        }
    }

    [Fact]
    public async Task RefusedStream_IsSentAgain_AndAResetIsNot()
    {
        await using var upstream = await NodeHttp2Upstream.StartAsync();
        await using var gateway = await StartAsync(upstream);
        Assert.Equal("served", (await gateway.PostAsync("/refused", "body")).Text);
        Assert.Equal(502, (await gateway.PostAsync("/reset", "body")).Status);
        using var client = await gateway.ConnectAsync();
        await client.SendAsync("GET /reset-later HTTP/1.1\r\nhost: t\r\n\r\n");
        Assert.Equal(200, (await client.Reader.ReadHeadAsync(client.Cancellation))!.Status);
        await Assert.ThrowsAnyAsync<IOException>(async () =>
        {
            // Broken off, not ended.
            byte[] rest = await client.Reader.ReadToEndAsync(client.Cancellation);
            if (!Encoding.ASCII.GetString(rest).EndsWith("0\r\n\r\n", StringComparison.Ordinal)) throw new IOException("broken off");
        });
        Assert.Equal(413, (await gateway.PostAsync("/early", "body")).Status);
        Assert.Equal(200, (await gateway.GetAsync("/facts")).Status);
    }

    [Fact]
    public async Task Expect_IsAskedOfTheUpstream()
    {
        await using var upstream = await NodeHttp2Upstream.StartAsync();
        await using var gateway = await StartAsync(upstream);
        using var client = await gateway.ConnectAsync();
        Assert.Equal(100, (await client.ExchangeAsync("POST /expect HTTP/1.1\r\nhost: t\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n")).Status);
        Assert.Equal("body", (await client.ExchangeAsync("body")).Text);
    }

    [Fact]
    public async Task UpstreamThatSpeaksHttp11_Is502()
    {
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await TestGateway.StartAsync(Config(upstream.Port, "http", "retries: { attempts: 0 }, ", "/"));
        Assert.Equal(502, (await gateway.GetAsync("/")).Status);
    }

    private static GatewayConfig Config(int port, string scheme, string further, string folder)
    {
        var (config, errors) = ConfigReader.Parse(
            $$"""
            listeners: [ { address: 127.0.0.1:0 } ]
            telemetry: { access_log: { path: "-", format: json } }
            upstreams: { up: { endpoints: ["{{scheme}}://127.0.0.1:{{port}}"], {{further}}http2: true } }
            routes: [ { match: { path: "/{rest...}" }, upstream: up } ]
            """,
            "test.yaml", folder);
        Assert.Empty(errors);
        return config!;
    }

    private static Task<TestGateway> StartAsync(NodeHttp2Upstream upstream, string scheme = "http", string further = "", string folder = "/") => TestGateway.StartAsync(Config(upstream.Port, scheme, further + "timeouts: { connect: 20s }, ", folder));
}
