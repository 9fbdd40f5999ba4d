// Upstreams that frame their answers badly, or close instead of answering.

using Bimetal.Gateway.Tests.Support;

namespace Bimetal.Gateway.Tests;

public sealed class HostileUpstreamTests
{
    [Theory]
    [InlineData("content-length: +5\r\n\r\nhello")]
    [InlineData("content-length: -5\r\n\r\nhello")]
    [InlineData("content-length: 5, 5\r\n\r\nhello")]
    [InlineData("content-length: 5\r\ncontent-length: 3\r\n\r\nhello")]
    [InlineData("content-length: abc\r\n\r\nhello")]
    [InlineData("content-length: 99999999999999999999\r\n\r\nhello")]
    [InlineData("transfer-encoding: gzip\r\n\r\nhello")]
    [InlineData("transfer-encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")]
    public async Task LengthThatNobodyCanTell_Is502(string rest)
    {
        await using var upstream = new WireUpstream(call => call.WriteAsync("HTTP/1.1 200 OK\r\n" + rest));
        await using var gateway = await TestGateway.StartAsync(upstream);
        Assert.Equal(502, (await gateway.GetAsync("/")).Status);
    }

    [Theory]
    [InlineData(5)]
    [InlineData(50)]
    public async Task ChunkedBody_WithAContentLengthBesideIt_IsPassedOnAsAWhole(int claimed)
    {
        await using var upstream = new WireUpstream(call =>
            call.WriteAsync($"HTTP/1.1 200 OK\r\ncontent-length: {claimed}\r\ntransfer-encoding: chunked\r\n\r\nb\r\nhello world\r\n0\r\n\r\n"));
        await using var gateway = await TestGateway.StartAsync(upstream);
        var answer = await gateway.GetAsync("/");
        Assert.True(answer.IsChunked);
        Assert.False(answer.Has("content-length"));
        Assert.Equal("hello world", answer.Text);
    }

    [Theory]
    [InlineData("x-a: b\rset-cookie: c\r\n")]
    [InlineData("x-a: b\0c\r\n")]
    [InlineData("x-a: b\r\n folded\r\n")]
    public async Task ControlCharactersInAField_NeverReachTheClient(string field)
    {
        await using var upstream = WireUpstream.Answering("x", field);
        await using var gateway = await TestGateway.StartAsync(upstream);
        var answer = await gateway.GetAsync("/");
        Assert.False(answer.Has("set-cookie"));
        Assert.True(answer.Status == 502 || !answer["x-a"]!.AsSpan().ContainsAnyInRange('\0', '\x1f'));
    }

    [Theory]
    [InlineData("content-length: 0\r\n", "")]
    [InlineData("", "")]
    [InlineData("content-length: 3\r\n", "abc")]
    public async Task PostThatIsNotAnswered_IsSentOnce(string fields, string body)
    {
        int requests = 0;
        await using var upstream = WireUpstream.ReadingBodies((call, _) =>
        {
            Interlocked.Increment(ref requests);
            call.Connection.Socket.Close();
            return Task.CompletedTask;
        });
        await using var gateway = await TestGateway.StartAsync(upstream);
        using var client = await gateway.ConnectAsync();
        Assert.Equal(502, (await client.ExchangeAsync($"POST /charge HTTP/1.1\r\nhost: t\r\n{fields}\r\n{body}")).Status);
        Assert.Equal(1, requests);
    }
}
