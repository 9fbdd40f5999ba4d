// HTTP/2 from clients: with and without TLS, streams, trailers, draining, and what a hostile client can send.

using System.Net;
using System.Net.Security;
using System.Text;
using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Tests.Support;

namespace Bimetal.Gateway.Tests;

public sealed class Http2Tests
{
    private const string Ok = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task PriorKnowledge_IsServed_ManyRequestsOnOneConnection()
    {
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await TestGateway.StartAsync(upstream);
        using var client = Client(gateway, "http");
        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(number => client.GetAsync("/" + number, Cancellation)));
        foreach (var answer in answers)
        {
            Assert.Equal((HttpVersion.Version20, HttpStatusCode.OK), (answer.Version, answer.StatusCode));
            Assert.Equal("hello", await answer.Content.ReadAsStringAsync(Cancellation));
        }

        Assert.Equal(50, upstream.Received.Select(request => request.Target).Distinct().Count());
        Assert.All(upstream.Received, request => Assert.Equal(("127.0.0.1", "http"), (request["x-forwarded-for"], request["x-forwarded-proto"])));
    }

    [Fact]
    public async Task Alpn_ChoosesHttp2_AndHttp11WhereTheClientKnowsNoOther()
    {
        await using var upstream = WireUpstream.Answering();
        using var authority = new TestAuthority();
        var (certificate, key) = authority.Server("one.test");
        var listener = new ListenerConfig("listeners[0]", new IPEndPoint(IPAddress.Loopback, 0)) { Tls = new ListenerTlsConfig { Certificates = [TlsCertificate.FromPem(certificate, key)] } };
        await using var gateway = await TestGateway.StartAsync(new Uri($"http://127.0.0.1:{upstream.Port}"), config => config with { Listeners = [listener] });
        using var client = Client(gateway, "https");
        using var answer = await client.GetAsync("/", Cancellation);
        Assert.Equal((HttpVersion.Version20, HttpStatusCode.OK), (answer.Version, answer.StatusCode));
        Assert.Equal("https", Assert.Single(upstream.Received)["x-forwarded-proto"]);
        using var old = await WireClient.ConnectTlsAsync(gateway.Address, new SslClientAuthenticationOptions { TargetHost = "one.test", ApplicationProtocols = [SslApplicationProtocol.Http11] });
        Assert.Equal("hello", (await old.GetAsync("/")).Text);
    }

    [Fact]
    public async Task ListenerWithoutHttp2_RefusesThePreface()
    {
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await StartAsync(upstream, listener => listener with { Http2 = false });
        using var client = await gateway.ConnectAsync();
        Assert.Equal(505, (await client.ExchangeAsync("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")).Status);
        Assert.Empty(upstream.Received);
    }

    [Fact]
    public async Task TrailersPass_InBothDirections()
    {
        var seen = new TaskCompletionSource<List<(string Name, string Value)>>();
        await using var upstream = new WireUpstream(async call =>
        {
            while (await call.Reader.ReadChunkSizeAsync(call.Cancellation) is > 0 and var size)
            {
                await call.Reader.ReadExactlyAsync(size, call.Cancellation);
                await call.Reader.ReadLineAsync(call.Cancellation);
            }

            seen.SetResult(await call.Reader.ReadFieldsAsync(call.Cancellation));
            await call.WriteAsync("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: grpc-status\r\n\r\n2\r\nok\r\n0\r\ngrpc-status: 0\r\n\r\n");
        });
        await using var gateway = await TestGateway.StartAsync(upstream);
        using var wire = await Http2Wire.ConnectAsync(gateway.Address);
        await wire.SendHeadersAsync(1, isEnd: false, Http2Wire.Request("POST"));
        await wire.SendAsync(Http2Frame.Data, 0, 1, "body"u8.ToArray());
        await wire.SendHeadersAsync(1, isEnd: true, ("x-sum", "7"), ("transfer-encoding", "chunked"), ("bad", "a\r\nb"));
        Assert.Equal([("x-sum", "7")], await seen.Task.WaitAsync(wire.Cancellation));
        using var client = Client(gateway, "http");
        seen = new TaskCompletionSource<List<(string Name, string Value)>>();
        using var answer = await client.PostAsync("/", new StreamContent(new MemoryStream([1, 2, 3])) { Headers = { ContentLength = null } }, Cancellation);
        Assert.Equal("ok", await answer.Content.ReadAsStringAsync(Cancellation));
        Assert.Equal(["0"], answer.TrailingHeaders.GetValues("grpc-status"));
    }

    [Fact]
    public async Task BothDirectionsStream_AtTheSameTime()
    {
        await using var upstream = new WireUpstream(async call =>
        {
            await call.WriteAsync("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
            while (await call.Reader.ReadChunkSizeAsync(call.Cancellation) is > 0 and var size)
            {
                string text = Encoding.Latin1.GetString(await call.Reader.ReadExactlyAsync(size, call.Cancellation));
                await call.Reader.ReadLineAsync(call.Cancellation);
                await call.WriteAsync($"{size:x}\r\n{text}\r\n");
            }

            await call.Reader.ReadFieldsAsync(call.Cancellation);
            await call.WriteAsync("0\r\n\r\n");
        });
        await using var gateway = await TestGateway.StartAsync(upstream);
        using var wire = await Http2Wire.ConnectAsync(gateway.Address);
        await wire.SendHeadersAsync(1, isEnd: false, Http2Wire.Request("POST"));
        Assert.Equal(200, (await wire.ReadUntilAsync(Http2Frame.Headers))!.Status);
        foreach (string text in (string[])["one", "two", "three"])
        {
            await wire.SendAsync(Http2Frame.Data, 0, 1, Encoding.ASCII.GetBytes(text));
            Assert.Equal(text, Encoding.ASCII.GetString((await wire.ReadUntilAsync(Http2Frame.Data))!.Payload));
        }

        await wire.SendAsync(Http2Frame.Data, Http2Frame.EndStream, 1, []);
        Assert.Equal(Http2Frame.EndStream, (await wire.ReadUntilAsync(Http2Frame.Data))!.Flags);
    }

    [Fact]
    public async Task HeadAndEmptyAnswers_HaveNoBody_AndCookiesBecomeOneField()
    {
        await using var upstream = new WireUpstream(call => call.WriteAsync(call.Head.Method == "HEAD" ? "HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n" : "HTTP/1.1 204 No Content\r\n\r\n"));
        await using var gateway = await TestGateway.StartAsync(upstream);
        using var client = Client(gateway, "http");
        using var head = await client.SendAsync(new HttpRequestMessage(HttpMethod.Head, "/") { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact }, Cancellation);
        Assert.Equal(99, head.Content.Headers.ContentLength);
        using var empty = await client.DeleteAsync("/", Cancellation);
        Assert.Equal(HttpStatusCode.NoContent, empty.StatusCode);
        using var wire = await Http2Wire.ConnectAsync(gateway.Address);
        await wire.SendHeadersAsync(1, isEnd: true, Http2Wire.Request("GET", "/", ("cookie", "a=1"), ("cookie", "b=2"), ("te", "trailers"), ("host", "other")));
        Assert.Equal(204, (await wire.ReadUntilAsync(Http2Frame.Headers))!.Status);
        Assert.Equal(("a=1; b=2", "test"), (upstream.Received.Last()["cookie"], upstream.Received.Last()["host"]));
    }

    [Fact]
    public async Task SlowReader_HoldsTheUpstreamBack()
    {
        long written = 0;
        await using var upstream = new WireUpstream(async call =>
        {
            byte[] piece = new byte[64 << 10];
            await call.WriteAsync($"HTTP/1.1 200 OK\r\ncontent-length: {1L << 30}\r\n\r\n");
            for (int count = 0; count < 1 << 14; count++)
            {
                await call.Connection.WriteAsync(piece, call.Cancellation);
                Interlocked.Add(ref written, piece.Length);
            }
        });
        await using var gateway = await TestGateway.StartAsync(upstream);
        using var wire = await Http2Wire.ConnectAsync(gateway.Address);
        await wire.SendHeadersAsync(1, isEnd: true, Http2Wire.Request());
        Assert.Equal(200, (await wire.ReadUntilAsync(Http2Frame.Headers))!.Status);

        // The client's window is 64 KiB, and it opens it no further.
        Assert.True(await Standstill.OfAsync(() => Interlocked.Read(ref written)) < 64 << 20);
    }

    [Fact]
    public async Task Drain_SaysGoAway_AndFinishesWhatIsUnderWay()
    {
        var release = new TaskCompletionSource();
        await using var upstream = new WireUpstream(async call =>
        {
            await release.Task;
            await call.WriteAsync(Ok);
        });
        await using var gateway = await TestGateway.StartAsync(upstream);
        using var wire = await Http2Wire.ConnectAsync(gateway.Address);
        await wire.SendHeadersAsync(1, isEnd: true, Http2Wire.Request());
        while (upstream.Received.IsEmpty) await Task.Delay(5, Cancellation);
        var stopping = gateway.Host.StopAsync(TimeSpan.FromSeconds(30));
        Assert.NotNull(await wire.ReadUntilAsync(Http2Frame.GoAway));
        release.SetResult();
        Assert.Equal(200, (await wire.ReadUntilAsync(Http2Frame.Headers))!.Status);
        Assert.Equal("ok", Encoding.ASCII.GetString((await wire.ReadUntilAsync(Http2Frame.Data))!.Payload));
        await stopping.WaitAsync(wire.Cancellation);
        Assert.Contains("\"status\":200", gateway.AccessLog, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("x-a", "b\r\nx-b: c")]
    [InlineData("x-a", "b\0c")]
    [InlineData("x-a", "b\nc")]
    [InlineData("x a", "b")]
    [InlineData("x-a:", "b")]
    [InlineData("x-a\r\nx-b", "c")]
    [InlineData("X-Upper", "b")]
    [InlineData("transfer-encoding", "chunked")]
    [InlineData("connection", "keep-alive")]
    [InlineData("upgrade", "h2c")]
    [InlineData("te", "gzip")]
    [InlineData("content-length", "5")]
    [InlineData("content-length", "+0")]
    [InlineData(":authority", "other")]
    [InlineData(":path", "/ HTTP/1.1\r\nhost: evil\r\n\r\nGET /b")]
    [InlineData(":path", "http://other/")]
    [InlineData(":method", "GET / HTTP/1.1\r\nx: ")]
    [InlineData(":method", "CONNECT")]
    [InlineData(":scheme", "https")]
    [InlineData(":unknown", "b")]
    public async Task FieldsThatAnotherVersionWouldReadDifferently_AreRefused(string name, string value)
    {
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await TestGateway.StartAsync(upstream);
        using var wire = await Http2Wire.ConnectAsync(gateway.Address);
        var fields = Http2Wire.Request("POST");
        int known = Array.FindIndex(fields, field => field.Item1 == name && name != ":authority");
        if (known >= 0) fields[known] = (name, value);
        else fields = [.. fields, (name, value)];
        await wire.SendHeadersAsync(1, isEnd: true, fields);
        var answer = await wire.ReadUntilAsync(Http2Frame.Headers, Http2Frame.Reset, Http2Frame.GoAway);
        if (answer?.Type == Http2Frame.Headers) Assert.Equal(400, answer.Status);
        Assert.Empty(upstream.Received);
        Assert.DoesNotContain("failed inside", gateway.Log);
    }

    [Fact]
    public async Task BodyThatDiffersFromItsLength_IsNotTakenForWhole()
    {
        await using var upstream = WireUpstream.ReadingBodies((call, _) => call.WriteAsync(Ok));
        await using var gateway = await TestGateway.StartAsync(upstream);
        using var wire = await Http2Wire.ConnectAsync(gateway.Address);
        await wire.SendHeadersAsync(1, isEnd: false, Http2Wire.Request("POST", "/", ("content-length", "5")));
        await wire.SendAsync(Http2Frame.Data, Http2Frame.EndStream, 1, "abc"u8.ToArray());
        var answer = await wire.ReadUntilAsync(Http2Frame.Headers, Http2Frame.Reset, Http2Frame.GoAway);
        if (answer?.Type == Http2Frame.Headers) Assert.NotEqual(200, answer.Status);
    }

    [Fact]
    public async Task RapidReset_EndsTheConnection_AndOthersAreServed()
    {
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await TestGateway.StartAsync(upstream);
        using var wire = await Http2Wire.ConnectAsync(gateway.Address);
        var reading = wire.ReadUntilAsync(Http2Frame.GoAway);
        try
        {
            for (int stream = 1; stream < 40_000 && !reading.IsCompleted; stream += 2)
            {
                await wire.SendHeadersAsync(stream, isEnd: false, Http2Wire.Request());
                await wire.SendAsync(Http2Frame.Reset, 0, stream, [0, 0, 0, 8]);
            }
        }
        catch (IOException)
        {
            // The gateway has had enough.
        }

        Assert.NotEqual(0, (await reading)?.ErrorCode ?? -1); // a GOAWAY that is not polite, or the end
        Assert.Equal("hello", (await gateway.GetAsync("/")).Text);
    }

    [Fact]
    public async Task ContinuationsWithoutEnd_EndTheConnection_AndOthersAreServed()
    {
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await TestGateway.StartAsync(upstream);
        using var wire = await Http2Wire.ConnectAsync(gateway.Address);
        var reading = wire.ReadUntilAsync(Http2Frame.GoAway);
        byte[] block = Http2Wire.Fields([.. Enumerable.Range(0, 100).Select(number => ("x-" + number, new string('v', 100)))]);
        int sent = 0;
        try
        {
            await wire.SendAsync(Http2Frame.Headers, Http2Frame.EndStream, 1, Http2Wire.Fields(Http2Wire.Request()));
            for (; sent < 5_000 && !reading.IsCompleted; sent++) await wire.SendAsync(Http2Frame.Continuation, 0, 1, block);
        }
        catch (IOException)
        {
            // Closed.
        }

        await reading;
        Assert.True(sent < 5_000, "the connection was never closed");
        Assert.Equal("hello", (await gateway.GetAsync("/")).Text);
        Assert.Single(upstream.Received);
    }

    private static Task<TestGateway> StartAsync(WireUpstream upstream, Func<ListenerConfig, ListenerConfig> change) =>
        TestGateway.StartAsync(new Uri($"http://127.0.0.1:{upstream.Port}"), config => config with { Listeners = [.. config.Listeners.Select(change)] });

    private static HttpClient Client(TestGateway gateway, string scheme)
    {
        var handler = new SocketsHttpHandler();
#pragma warning disable CA5359 // The certificate is not what these tests are about.
        handler.SslOptions.RemoteCertificateValidationCallback = static (_, _, _, _) => true;
#pragma warning restore CA5359
        return new HttpClient(handler)
        {
            BaseAddress = new Uri($"{scheme}://127.0.0.1:{gateway.Address.Port}"),
            DefaultRequestVersion = HttpVersion.Version20,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Timeout = TimeSpan.FromSeconds(30),
        };
    }
}
