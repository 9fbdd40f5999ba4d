// The filter event_window: NDJSON and server-sent events become rows of figures; what is no event is counted, and no event can do harm.

using System.Text;
using Bimetal.Gateway.Filters.Events;
using Bimetal.Gateway.Tests.Support;

namespace Bimetal.Gateway.Tests.Filters;

public sealed class EventWindowFilterTests
{
    [Fact]
    public async Task Ndjson_IsCountedByEvents()
    {
        var answer = await AnswerAsync("field: ms, events: 2", "application/x-ndjson", "{\"ms\":1}\n{\"ms\":2.5,\"a\":{\"ms\":9}}\r\n\n{\"ms\":-3}\n{\"no\":1}\n");
        Assert.Equal("{\"window\":0,\"count\":2,\"min\":1,\"max\":2.5,\"sum\":3.5,\"bad\":0}\n{\"window\":1,\"count\":1,\"min\":-3,\"max\":-3,\"sum\":-3,\"bad\":1}\n", answer.Text);
        Assert.False(answer.Has("content-length") || answer.Has("etag"));
    }

    [Fact]
    public async Task Ndjson_IsCountedByTheEventsOwnTime()
    {
        var answer = await AnswerAsync("field: v, seconds: 10, time: t", "application/jsonl; charset=utf-8", "{\"v\":1,\"t\":100}\n{\"v\":2,\"t\":109.9}\n{\"v\":4,\"t\":110}\n{\"v\":1,\"t\":-5}\n{\"v\":1}\n");
        Assert.Equal("{\"window\":10,\"count\":2,\"min\":1,\"max\":2,\"sum\":3,\"bad\":0}\n{\"window\":11,\"count\":1,\"min\":4,\"max\":4,\"sum\":4,\"bad\":2}\n", answer.Text);
    }

    [Fact]
    public async Task ServerSentEvents_StayServerSentEvents()
    {
        var answer = await AnswerAsync("field: v, events: 2", "text/event-stream", ": hello\n\nevent: x\ndata: {\"v\":\ndata: 1}\n\nid: 4\r\ndata:{\"v\":3}\r\n\r\ndata: unended");
        Assert.Equal(":\n\nevent: window\ndata: {\"window\":0,\"count\":2,\"min\":1,\"max\":3,\"sum\":4,\"bad\":0}\n\n", answer.Text);
    }

    [Theory]
    [InlineData("{\"v\":1")]
    [InlineData("{\"v\":\"1\"}")]
    [InlineData("{\"v\":1e400}")]
    [InlineData("{\"v\":1000000000001}")]
    [InlineData("{\"v\":NaN}")]
    [InlineData("[{\"v\":1}]")]
    [InlineData("{\"v\":1}{\"v\":1}")]
    [InlineData("{\"v\":{\"v\":1}}")]
    [InlineData("{\"\u00ff\u00fe\":1,\"v\":[}")]
    [InlineData("nonsense")]
    public async Task WhatIsNoEvent_CountsAsBad(string line)
    {
        var answer = await AnswerAsync("field: v, events: 5", "application/x-ndjson", line + "\n{\"v\":7}\n");
        Assert.Equal("{\"window\":0,\"count\":1,\"min\":7,\"max\":7,\"sum\":7,\"bad\":1}\n", answer.Text);
    }

    [Fact]
    public async Task DeepAndLongEvents_CountAsBad_AndCostNoMore()
    {
        string deep = "{\"a\":" + new string('[', 5000) + new string(']', 5000) + ",\"v\":1}";
        string longOne = "{\"a\":\"" + new string('x', 200_000) + "\",\"v\":1}";
        var answer = await AnswerAsync("field: v, events: 5", "application/x-ndjson", $"{deep}\n{longOne}\n{{\"v\":7}}");
        Assert.Equal("{\"window\":0,\"count\":1,\"min\":7,\"max\":7,\"sum\":7,\"bad\":2}\n", answer.Text);
    }

    [Theory]
    [InlineData("application/json", "")]
    [InlineData("application/x-ndjson", "content-encoding: gzip\r\n")]
    public async Task OtherResponses_AreLeftAlone(string type, string fields)
    {
        var answer = await AnswerAsync("field: v, events: 1", type, "{\"v\":1}\n", fields);
        Assert.Equal("{\"v\":1}\n", answer.Text);
        Assert.Equal("8", answer["content-length"]);
    }

    [Fact]
    public async Task Upstream_IsAskedForAWholePlainStream()
    {
        await using var upstream = WireUpstream.Answering("{\"v\":1}\n", "content-type: application/x-ndjson\r\n");
        await using var gateway = await TestGateway.WithFiltersAsync(upstream, "[ { event_window: { field: v, events: 1 } } ]");
        await gateway.GetAsync("/", "accept-encoding: br\r\nrange: bytes=0-1\r\n");
        var received = Assert.Single(upstream.Received);
        Assert.Equal("identity", received["accept-encoding"]);
        Assert.False(received.Has("range"));
    }

    [Fact]
    public async Task Rows_GoOutWhileTheStreamIsOpen_AndTheLastOneBeforeTrailers()
    {
        var release = new TaskCompletionSource();
        await using var upstream = new WireUpstream(async call =>
        {
            await call.WriteAsync("HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n8\r\n{\"v\":1}\n\r\n");
            await release.Task;
            await call.WriteAsync("7\r\n{\"w\":3}\r\n0\r\nx-done: yes\r\n\r\n");
        });
        await using var gateway = await TestGateway.WithFiltersAsync(upstream, "[ { event_window: { field: v, events: 1 } } ]");
        using var client = await gateway.ConnectAsync();
        await client.SendAsync("GET / HTTP/1.1\r\nhost: test\r\nte: trailers\r\n\r\n");
        await client.Reader.ReadHeadAsync(client.Cancellation);
        int size = await client.Reader.ReadChunkSizeAsync(client.Cancellation);
        Assert.StartsWith("{\"window\":0,\"count\":1", Encoding.ASCII.GetString(await client.Reader.ReadExactlyAsync(size, client.Cancellation)));
        await client.Reader.ReadLineAsync(client.Cancellation);
        release.SetResult();
        size = await client.Reader.ReadChunkSizeAsync(client.Cancellation);
        Assert.Equal("{\"window\":1,\"count\":0,\"bad\":1}\n", Encoding.ASCII.GetString(await client.Reader.ReadExactlyAsync(size, client.Cancellation)));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Splitting_DoesNotDependOnChunks(bool isSse)
    {
        byte[] body = Encoding.UTF8.GetBytes(isSse
            ? "\uFEFFdata: a\r\ndata: b\r\rdata\n\n:c\n" + $"data: {new string('x', 40)}\n\ndata: z\r\n\r\nretry: 3\n\ndata:  y\n\n"
            : "\uFEFFa\nb\r\n\n  \n" + new string('x', 40) + "\nlast");
        var whole = Split([body]);
        var random = new Random(3);
        for (int round = 0; round < 200; round++)
        {
            var chunks = new List<byte[]>();
            for (int at = 0; at < body.Length;)
            {
                int length = Math.Min(random.Next(1, 9), body.Length - at);
                chunks.Add(body[at..(at + length)]);
                at += length;
            }

            Assert.Equal(whole, Split(chunks));
        }

        Assert.Equal(isSse ? ["a\nb", "", "(comment)", "(overlong)", "z", " y"] : ["a", "b\r", "(overlong)", "last"], whole);

        List<string> Split(IEnumerable<byte[]> chunks)
        {
            var taker = new Taker();
            var splitter = new EventSplitter(isSse, 32, taker);
            foreach (byte[] chunk in chunks) splitter.Take(chunk);
            splitter.End();
            return taker.Events;
        }
    }

    private static async Task<WireMessage> AnswerAsync(string window, string type, string body, string fields = "")
    {
        await using var upstream = WireUpstream.Answering(body, $"content-type: {type}\r\netag: \"1\"\r\n{fields}");
        await using var gateway = await TestGateway.WithFiltersAsync(upstream, $"[ {{ event_window: {{ {window} }} }} ]");
        return await gateway.GetAsync("/");
    }

    private sealed class Taker : IEventTaker
    {
        public List<string> Events { get; } = [];

        public void TakeEvent(ReadOnlySpan<byte> json) => Events.Add(Encoding.UTF8.GetString(json));

        public void TakeOverlong() => Events.Add("(overlong)");

        public void TakeComment() => Events.Add("(comment)");
    }
}
