// Holding and releasing: what a plugin that pauses sees, what the other side gets meanwhile, and how long.

using System.Text;
using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Tests.Support;
using Bimetal.Plugins;
using Bimetal.Plugins.Failure;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Tests;

public sealed class PauseTests
{
    [Fact]
    public async Task RequestHeaders_HeldUntilTheBodyIsSeen_CarryWhatThePluginLearned()
    {
        var plugin = new FakePlugin
        {
            Name = "measure",
            RequestHeaders = static _ => FilterAction.Pause,
            RequestBody = static call =>
            {
                if (!call.EndOfStream) return FilterAction.Pause;
                call.SetRequest("x-length", call.Stream.RequestBody.Length.ToString());
                return FilterAction.Continue;
            },
        };
        await using var upstream = WireUpstream.ReadingBodies((call, message) => call.WriteAsync($"HTTP/1.1 200 OK\r\ncontent-length: {message.Body.Length}\r\n\r\n{message.Text}"));
        await using var gateway = await TestGateway.StartAsync(upstream, plugin);
        string body = string.Concat(Enumerable.Repeat("0123456789", 3000));
        var answer = await gateway.PostAsync("/", body);
        Assert.Equal(body, answer.Text);
        var received = Assert.Single(upstream.Received);
        Assert.Equal("30000", received["x-length"]);
        Assert.Equal("30000", received["content-length"]);
    }

    [Fact]
    public async Task ResponseHeaders_HeldForSomeBytes_ThenTheRestStreams()
    {
        var plugin = new FakePlugin
        {
            Name = "peek",
            ResponseHeaders = static _ => FilterAction.Pause,
            ResponseBody = static call =>
            {
                if (call.View.IsHeld(isRequest: false) && call.Stream.ResponseBody.Length < 4) return FilterAction.Pause;
                if (call.View.IsHeld(isRequest: false)) call.SetResponse("x-magic", Encoding.ASCII.GetString(call.Stream.ResponseBody.Span[..4]));
                return FilterAction.Continue;
            },
        };
        var rest = new TaskCompletionSource();
        await using var upstream = new WireUpstream(async call =>
        {
            await call.WriteAsync("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nGI\r\n");
            await Task.Delay(50);
            await call.WriteAsync("4\r\nF89a\r\n");
            await rest.Task;
            await call.WriteAsync("3\r\nend\r\n0\r\n\r\n");
        });
        await using var gateway = await TestGateway.StartAsync(upstream, plugin);
        using var client = await gateway.ConnectAsync();
        await client.SendAsync("GET / HTTP/1.1\r\nhost: test\r\n\r\n");
        var head = await client.Reader.ReadHeadAsync(client.Cancellation);
        Assert.Equal("GIF8", head!["x-magic"]);
        Assert.Equal(6, await client.Reader.ReadChunkSizeAsync(client.Cancellation));
        Assert.Equal("GIF89a", Encoding.ASCII.GetString(await client.Reader.ReadExactlyAsync(6, client.Cancellation)));
        rest.SetResult();
        await client.Reader.ReadLineAsync(client.Cancellation);
        Assert.Equal(3, await client.Reader.ReadChunkSizeAsync(client.Cancellation));
    }

    [Fact]
    public async Task ReplacedBody_GetsItsOwnLength()
    {
        var plugin = new FakePlugin
        {
            Name = "replace",
            ResponseHeaders = static _ => FilterAction.Pause,
            ResponseBody = static call =>
            {
                if (!call.EndOfStream) return FilterAction.Pause;
                call.Stream.ResponseBody.TryReplace(0, call.Stream.ResponseBody.Length, "short"u8);
                return FilterAction.Continue;
            },
        };
        await using var upstream = WireUpstream.Answering(new string('x', 5000));
        await using var gateway = await TestGateway.StartAsync(upstream, plugin);
        var answer = await gateway.GetAsync("/");
        Assert.Equal("short", answer.Text);
        Assert.Equal("5", answer["content-length"]);
        Assert.False(answer.IsChunked);
    }

    [Fact]
    public async Task StreamedChanges_AreChunked_BothWays()
    {
        var plugin = new FakePlugin { Name = "double", RequestBody = Double(isRequest: true), ResponseBody = Double(isRequest: false) };
        await using var upstream = WireUpstream.ReadingBodies((call, message) => call.WriteAsync($"HTTP/1.1 200 OK\r\ncontent-length: {message.Body.Length}\r\n\r\n{message.Text}"));
        await using var gateway = await TestGateway.StartAsync(upstream, plugin);
        var answer = await gateway.PostAsync("/", "abc");
        Assert.True(Assert.Single(upstream.Received).IsChunked);
        Assert.True(answer.IsChunked);
        Assert.Equal("aabbcc", string.Concat(answer.Text.Where((_, index) => index % 2 == 0)));
    }

    [Fact]
    public async Task HeaderOnlyPlugin_LeavesTheLength()
    {
        var plugin = new FakePlugin { Name = "look", RequestHeaders = static _ => FilterAction.Continue, ResponseHeaders = static _ => FilterAction.Continue };
        await using var upstream = WireUpstream.ReadingBodies((call, _) => call.WriteAsync("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"));
        await using var gateway = await TestGateway.StartAsync(upstream, plugin);
        var answer = await gateway.PostAsync("/", "abc");
        Assert.Equal("3", Assert.Single(upstream.Received)["content-length"]);
        Assert.Equal("2", answer["content-length"]);
        Assert.DoesNotContain(plugin.Calls, call => call.Contains("Body", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Continue_FromAnotherThread_ReleasesTheRequest()
    {
        var plugin = new FakePlugin
        {
            Name = "later",
            RequestHeaders = static call =>
            {
                _ = Task.Run(async () =>
                {
                    await Task.Delay(50);
                    call.SetRequest("x-late", "yes");
                    call.View.Continue(isRequest: true);
                });
                return FilterAction.Pause;
            },
        };
        await using var upstream = WireUpstream.ReadingBodies((call, message) => call.WriteAsync($"HTTP/1.1 200 OK\r\ncontent-length: {message.Body.Length}\r\n\r\n{message.Text}"));
        await using var gateway = await TestGateway.StartAsync(upstream, plugin);
        Assert.Equal("payload", (await gateway.PostAsync("/", "payload")).Text);
        Assert.Equal("yes", Assert.Single(upstream.Received)["x-late"]);
        Assert.Equal(200, (await gateway.GetAsync("/")).Status);
    }

    [Fact]
    public async Task LocalResponse_FromAnotherThread_AnswersAHeldRequest()
    {
        var plugin = new FakePlugin
        {
            Name = "later",
            RequestHeaders = static call =>
            {
                _ = Task.Run(async () =>
                {
                    await Task.Delay(50);
                    call.Answer(403, "late no");
                });
                return FilterAction.Pause;
            },
        };
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await TestGateway.StartAsync(upstream, plugin);
        var answer = await gateway.GetAsync("/");
        Assert.Equal(403, answer.Status);
        Assert.Equal("late no", answer.Text);
        Assert.Empty(upstream.Received);
    }

    [Theory]
    [InlineData(false, 503)]
    [InlineData(true, 200)]
    public async Task PauseLimit_EndsThePause(bool isOpen, int status)
    {
        var plugin = new FakePlugin { Name = "stuck", RequestHeaders = static _ => FilterAction.Pause };
        await using var upstream = WireUpstream.ReadingBodies((call, message) => call.WriteAsync($"HTTP/1.1 200 OK\r\ncontent-length: {message.Body.Length}\r\n\r\n{message.Text}"));
        await using var gateway = await StartAsync(upstream, plugin, config => config with
        {
            Limits = new PluginLimits { Pause = TimeSpan.FromMilliseconds(100) },
            OnError = new OnErrorConfig { TimeoutOpen = isOpen },
        });
        var answer = await gateway.PostAsync("/", "body");
        Assert.Equal(status, answer.Status);
        if (isOpen) Assert.Equal("body", answer.Text);
        Assert.Equal(1, plugin.Statistics.FailuresOf(FailureKind.Pause));
    }

    [Fact]
    public async Task HeldRequest_LargerThanTheBuffer_Is413()
    {
        var plugin = new FakePlugin { Name = "hoard", BodyLimitBytes = 1000, RequestHeaders = static _ => FilterAction.Pause, RequestBody = static _ => FilterAction.Pause };
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await TestGateway.StartAsync(upstream, plugin);
        Assert.Equal(413, (await gateway.PostAsync("/", new string('x', 1001))).Status);
        Assert.Empty(upstream.Received);

        // Streams are released after the answer was written.
        await gateway.Host.StopAsync(TimeSpan.FromSeconds(5));
        Assert.Equal(1, plugin.Disposed);
    }

    [Fact]
    public async Task HeldResponse_LargerThanTheBuffer_Is500()
    {
        var plugin = new FakePlugin { Name = "hoard", BodyLimitBytes = 1000, ResponseHeaders = static _ => FilterAction.Pause, ResponseBody = static _ => FilterAction.Pause };
        await using var upstream = WireUpstream.Answering(new string('x', 1001));
        await using var gateway = await TestGateway.StartAsync(upstream, plugin);
        var answer = await gateway.GetAsync("/");
        Assert.Equal(500, answer.Status);
        Assert.Contains("plugin-failed", answer.Text);
    }

    [Fact]
    public async Task PassingBody_LargerThanTheBuffer_IsShownInPieces()
    {
        var plugin = new FakePlugin { Name = "small", BodyLimitBytes = 100, RequestBody = static call => call.Stream.RequestBody.Length <= 100 ? FilterAction.Continue : FilterAction.Pause };
        await using var upstream = WireUpstream.ReadingBodies((call, message) => call.WriteAsync($"HTTP/1.1 200 OK\r\ncontent-length: {message.Body.Length}\r\n\r\n{message.Text}"));
        await using var gateway = await TestGateway.StartAsync(upstream, plugin);
        string body = string.Concat(Enumerable.Range(0, 500).Select(number => number.ToString("D4")));
        Assert.Equal(body, (await gateway.PostAsync("/", body)).Text);
        Assert.True(plugin.Calls.Count(call => call.StartsWith("RequestBody", StringComparison.Ordinal)) >= 20);
    }

    [Fact]
    public async Task TwoPlugins_ThatHold_ReleaseOneAfterTheOther()
    {
        var first = new FakePlugin { Name = "first", RequestHeaders = static _ => FilterAction.Pause, RequestBody = HoldToEnd("x-first") };
        var second = new FakePlugin { Name = "second", RequestHeaders = static _ => FilterAction.Pause, RequestBody = HoldToEnd("x-second") };
        await using var upstream = WireUpstream.ReadingBodies((call, message) => call.WriteAsync($"HTTP/1.1 200 OK\r\ncontent-length: {message.Body.Length}\r\n\r\n{message.Text}"));
        await using var gateway = await TestGateway.StartAsync(upstream, first, second);
        using var client = await gateway.ConnectAsync();
        var answer = await client.ExchangeAsync("POST / HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n");
        Assert.Equal("abcdef", answer.Text);
        var received = Assert.Single(upstream.Received);
        Assert.Equal("6", received["x-first"]);
        Assert.Equal("6", received["x-second"]);
        Assert.Equal("6", received["content-length"]);
    }

    [Fact]
    public async Task Trailers_AreShown_AndReleaseWhatIsHeld()
    {
        var plugin = new FakePlugin
        {
            Name = "trailers",
            RequestHeaders = static _ => FilterAction.Pause,
            RequestBody = static _ => FilterAction.Pause,
            RequestTrailers = static call =>
            {
                call.Http.RequestTrailers.TryGet("x-sum"u8, out var sum);
                call.SetRequest("x-trailer", Encoding.ASCII.GetString(sum.Span));
                return FilterAction.Continue;
            },
        };
        await using var upstream = WireUpstream.ReadingBodies((call, message) => call.WriteAsync($"HTTP/1.1 200 OK\r\ncontent-length: {message.Body.Length}\r\n\r\n{message.Text}"));
        await using var gateway = await TestGateway.StartAsync(upstream, plugin);
        using var client = await gateway.ConnectAsync();
        var answer = await client.ExchangeAsync("POST / HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx-sum: 42\r\n\r\n");
        Assert.Equal("abc", answer.Text);
        Assert.Equal("42", Assert.Single(upstream.Received)["x-trailer"]);
    }

    [Fact]
    public async Task ResponseChain_RunsInReverse()
    {
        var first = new FakePlugin { Name = "first", RequestHeaders = Mark("1", isRequest: true), ResponseHeaders = Mark("1", isRequest: false) };
        var second = new FakePlugin { Name = "second", RequestHeaders = Mark("2", isRequest: true), ResponseHeaders = Mark("2", isRequest: false) };
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await TestGateway.StartAsync(upstream, first, second);
        var answer = await gateway.GetAsync("/");
        Assert.Equal("12", Assert.Single(upstream.Received)["x-order"]);
        Assert.Equal("21", answer["x-order"]);
    }

    internal static Task<TestGateway> StartAsync(WireUpstream upstream, FakePlugin plugin, Func<PluginConfig, PluginConfig> change) =>
        TestGateway.StartAsync(new Uri($"http://127.0.0.1:{upstream.Port}"), config => config with
        {
            Plugins = config.Plugins.ToDictionary(pair => pair.Key, pair => change(pair.Value)),
        }, plugin);

    private static Func<FakeCall, FilterAction> Double(bool isRequest) => call =>
    {
        var body = isRequest ? call.Stream.RequestBody : call.Stream.ResponseBody;
        byte[] doubled = [.. body.Span.ToArray().SelectMany(value => new[] { value, value })];
        body.TryReplace(0, body.Length, doubled);
        return FilterAction.Continue;
    };

    private static Func<FakeCall, FilterAction> HoldToEnd(string header) => call =>
    {
        if (!call.EndOfStream) return FilterAction.Pause;
        call.SetRequest(header, call.Stream.RequestBody.Length.ToString());
        return FilterAction.Continue;
    };

    private static Func<FakeCall, FilterAction> Mark(string mark, bool isRequest) => call =>
    {
        var headers = isRequest ? call.Http.RequestHeaders : call.Http.ResponseHeaders;
        string before = headers.TryGet("x-order"u8, out var value) ? Encoding.ASCII.GetString(value.Span) : "";
        if (isRequest) call.SetRequest("x-order", before + mark);
        else call.SetResponse("x-order", before + mark);
        return FilterAction.Continue;
    };
}
