// The filter body_limit: announced and counted lengths, in both directions.

using Bimetal.Gateway.Tests.Support;

namespace Bimetal.Gateway.Tests.Filters;

public sealed class BodyLimitFilterTests
{
    [Theory]
    [InlineData(10, 200)]
    [InlineData(11, 413)]
    [InlineData(0, 200)]
    public async Task AnnouncedRequest_IsJudgedByItsLength_AndKeepsIt(int length, int status)
    {
        await using var upstream = WireUpstream.ReadingBodies((call, message) => call.WriteAsync($"HTTP/1.1 200 OK\r\ncontent-length: {message.Body.Length}\r\n\r\n{message.Text}"));
        await using var gateway = await TestGateway.WithFiltersAsync(upstream, "[ { body_limit: { request: 10B } } ]");
        var answer = await gateway.PostAsync("/", new string('x', length));
        Assert.Equal(status, answer.Status);
        if (status != 200) Assert.Contains("body-too-large", answer.Text);
        Assert.All(upstream.Received, received => Assert.Equal(length.ToString(), received["content-length"]));
        Assert.Equal(status == 200 ? 1 : 0, upstream.Received.Count);
    }

    [Fact]
    public async Task AnnouncedTooLarge_IsRefusedBeforeTheBodyComes()
    {
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await TestGateway.WithFiltersAsync(upstream, "[ { body_limit: { request: 10B } } ]");
        using var client = await gateway.ConnectAsync();
        var answer = await client.ExchangeAsync("POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 1000000000000\r\n\r\n");
        Assert.Equal(413, answer.Status);
    }

    [Theory]
    [InlineData(3, 200)]
    [InlineData(4, 413)]
    public async Task ChunkedRequest_IsCounted(int chunks, int status)
    {
        await using var upstream = WireUpstream.ReadingBodies((call, message) => call.WriteAsync($"HTTP/1.1 200 OK\r\ncontent-length: {message.Body.Length}\r\n\r\n{message.Text}"));
        await using var gateway = await TestGateway.WithFiltersAsync(upstream, "[ { body_limit: { request: 10B } } ]");
        using var client = await gateway.ConnectAsync();
        string body = string.Concat(Enumerable.Repeat("3\r\nabc\r\n", chunks));
        var answer = await client.ExchangeAsync($"POST / HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n{body}0\r\n\r\n");
        Assert.Equal(status, answer.Status);
        if (status == 200) Assert.Equal(string.Concat(Enumerable.Repeat("abc", chunks)), answer.Text);
    }

    [Theory]
    [InlineData("content-length: 10\r\n\r\n0123456789", 200)]
    [InlineData("content-length: 11\r\n\r\n0123456789a", 502)]
    [InlineData("transfer-encoding: chunked\r\n\r\n5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n", 200)]
    [InlineData("transfer-encoding: chunked\r\n\r\nb\r\n0123456789a\r\n0\r\n\r\n", 502)]
    public async Task Response_IsJudged(string response, int status)
    {
        await using var upstream = new WireUpstream(call => call.WriteAsync("HTTP/1.1 200 OK\r\n" + response));
        await using var gateway = await TestGateway.WithFiltersAsync(upstream, "[ { body_limit: { response: 10B } } ]");
        var answer = await gateway.GetAsync("/");
        if (status == 200)
        {
            Assert.Equal(200, answer.Status);
            Assert.Equal("0123456789", answer.Text);
            return;
        }

        Assert.Equal(502, answer.Status);
        Assert.DoesNotContain("0123456789a", answer.Text);
    }

    [Fact]
    public async Task AnswerToHead_MayAnnounceMore()
    {
        await using var upstream = WireUpstream.Answering(new string('x', 100));
        await using var gateway = await TestGateway.WithFiltersAsync(upstream, "[ { body_limit: { response: 10B } } ]");
        using var client = await gateway.ConnectAsync();
        Assert.Equal(200, (await client.ExchangeAsync("HEAD / HTTP/1.1\r\nhost: test\r\n\r\n", hasBody: false)).Status);
    }
}
