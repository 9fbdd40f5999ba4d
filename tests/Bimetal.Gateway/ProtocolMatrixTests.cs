// What HTTP promises whatever its version: HEAD, ranges, trailers and 100-continue through every pair of versions, with and without TLS.

using System.Net;
using System.Net.Http.Headers;
using Bimetal.Gateway.Tests.Support;

namespace Bimetal.Gateway.Tests;

public sealed class ProtocolMatrixTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false, false, false)]
    [InlineData(false, false, true)]
    [InlineData(false, true, false)]
    [InlineData(false, true, true)]
    [InlineData(true, false, false)]
    [InlineData(true, false, true)]
    [InlineData(true, true, false)]
    [InlineData(true, true, true)]
    public async Task HeadRangesTrailersAndExpect_Pass(bool isEncrypted, bool isHttp2, bool isUpstreamHttp2)
    {
        await using var old = isUpstreamHttp2 ? null : new WireUpstream(AnswerAsync);
        await using var node = isUpstreamHttp2 ? await NodeHttp2Upstream.StartAsync() : null;
        await using var pair = await ProtocolPair.StartAsync(isEncrypted, isHttp2, old?.Port ?? node!.Port, isUpstreamHttp2);

        using var head = await pair.Client.SendAsync(Ask(pair, HttpMethod.Head, "/facts"), Cancellation);
        Assert.True(head.Content.Headers.ContentLength > 0);
        Assert.Empty(await head.Content.ReadAsByteArrayAsync(Cancellation));

        var ranged = Ask(pair, HttpMethod.Get, "/range");
        ranged.Headers.Range = new RangeHeaderValue(1, 2);
        using var part = await pair.Client.SendAsync(ranged, Cancellation);
        Assert.Equal((HttpStatusCode.PartialContent, "bytes 1-2/5", "bc"), (part.StatusCode, part.Content.Headers.ContentRange!.ToString(), await part.Content.ReadAsStringAsync(Cancellation)));
        Assert.Equal(["bytes=1-2"], part.Headers.GetValues("x-range"));

        using var echo = await pair.Client.PostAsync("/echo", new StringContent("body"), Cancellation);
        Assert.Equal("body", await echo.Content.ReadAsStringAsync(Cancellation));

        // A client of HTTP/1.1 gets trailers when it says that it takes them, which .NET's does not.
        if (isHttp2) Assert.Equal(["0"], echo.TrailingHeaders.GetValues("grpc-status"));

        var asking = Ask(pair, HttpMethod.Post, "/expect");
        asking.Headers.ExpectContinue = true;
        asking.Content = new StringContent("asked first");
        using var expected = await pair.Client.SendAsync(asking, Cancellation);
        Assert.Equal("asked first", await expected.Content.ReadAsStringAsync(Cancellation));
    }

    private static HttpRequestMessage Ask(ProtocolPair pair, HttpMethod method, string path) =>
        new(method, path) { Version = pair.Client.DefaultRequestVersion, VersionPolicy = pair.Client.DefaultVersionPolicy };

    // What node's upstream answers as well.
    private static async Task AnswerAsync(UpstreamCall call)
    {
        switch (call.Head.Target)
        {
            case "/facts":
                await call.WriteAsync("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n");
                break;
            case "/range":
                await call.WriteAsync($"HTTP/1.1 206 Partial Content\r\ncontent-range: bytes 1-2/5\r\nx-range: {call.Head["range"]}\r\ncontent-length: 2\r\n\r\nbc");
                break;
            default:
                if (call.Head["expect"] == "100-continue") await call.WriteAsync("HTTP/1.1 100 Continue\r\n\r\n");
                byte[] body = await call.ReadBodyAsync();
                await call.WriteAsync($"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: grpc-status\r\n\r\n{body.Length:x}\r\n{System.Text.Encoding.ASCII.GetString(body)}\r\n0\r\ngrpc-status: 0\r\n\r\n");
                break;
        }
    }
}
