// Upstreams that break HTTP/2, frame by frame: each way is a 502 or 504 with its reason in the log, or an answer that is visibly cut off; the gateway
// goes on serving from the same upstream, and sends again only what nobody can have acted on.

using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Tests.Support;
using Bimetal.Gateway.Transport;
using Bimetal.Gateway.Upstreams.Http2;

namespace Bimetal.Gateway.Tests.Upstreams;

public sealed class HostileHttp2UpstreamTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<string> Names => [.. HostileHttp2Case.All.Select(entry => entry.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Attack_HasItsReasonInTheLog_AndTheNextRequestsAreServed(string name)
    {
        var entry = HostileHttp2Case.All.Single(entry => entry.Name == name);
        await using var upstream = new Http2WireUpstream(entry.Send);
        await using var gateway = await StartAsync(upstream, "retries: { attempts: 0 }");
        Assert.Equal(entry.Status, await AskAsync(gateway, "GET", "/attack"));
        for (int round = 0; round < 3; round++) Assert.Equal(200, await AskAsync(gateway, "GET", "/good"));
        await gateway.SettleAsync(4);
        Assert.True(await gateway.IsIdleAsync());
        await gateway.Host.StopAsync(TimeSpan.FromSeconds(10));
        string[] lines = gateway.AccessLog.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        if (entry.Reason.Length > 0) Assert.Contains(entry.Reason, Assert.Single(lines, line => line.Contains("/attack", StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.DoesNotContain(lines, line => line.Contains("/good", StringComparison.Ordinal) && line.Contains("\"error\"", StringComparison.Ordinal));
        Assert.DoesNotContain("failed inside", gateway.Log);
    }

    // What nobody can have acted on goes out again whatever it is, and what somebody may have acted on only where twice means the same.
    [Theory]
    [InlineData("GOAWAY that has not looked", "POST", 200, 2)]
    [InlineData("GOAWAY that has not looked", "GET", 200, 2)]
    [InlineData("GOAWAY that has looked, and the end", "POST", 502, 1)]
    [InlineData("GOAWAY that has looked, and the end", "PUT", 200, 2)]
    [InlineData("reset instead of an answer", "POST", 502, 1)]
    [InlineData("reset instead of an answer", "GET", 200, 2)]
    [InlineData("the end within a frame", "POST", 502, 1)]
    [InlineData("the end within a frame", "DELETE", 200, 2)]
    [InlineData("nothing but the end", "POST", 502, 1)]
    [InlineData("a body before its headers", "GET", 502, 1)]
    [InlineData("reset in the middle of an answer", "GET", HostileHttp2Case.Cut, 1)]
    public async Task FailedRequest_IsSentAgain_OnlyWhereThatIsSafe(string name, string method, int status, int sent)
    {
        var entry = HostileHttp2Case.All.Single(entry => entry.Name == name);
        await using var upstream = new Http2WireUpstream(entry.Send, attacks: 1);
        await using var gateway = await StartAsync(upstream, "retries: { attempts: 2, backoff: 1ms }");
        Assert.Equal(status, await AskAsync(gateway, method, "/attack"));
        Assert.Equal(Enumerable.Repeat(method + " /attack", sent), upstream.Received);
    }

    [Fact]
    public async Task BodiesThatAreRefused_TakeNothingOffTheWindowOfTheConnection()
    {
        // Each is longer than it said by a whole frame; together they are more than the connections of all loops allow at a time.
        await using var upstream = new Http2WireUpstream((wire, stream) => wire.SendBytesAsync(
        [
            .. Http2Wire.Frame(Http2Frame.Headers, Http2Frame.EndHeaders, stream, Http2Wire.Fields((":status", "200"), ("content-length", "5"))),
            .. Http2Wire.Frame(Http2Frame.Data, 0, stream, new byte[16 << 10]),
        ]));
        await using var gateway = await StartAsync(upstream, "retries: { attempts: 0 }");
        for (int round = 0; round < 200; round++) Assert.Equal(HostileHttp2Case.Cut, await AskAsync(gateway, "GET", "/attack"));
        Assert.Equal(200, await AskAsync(gateway, "GET", "/good"));
        Assert.InRange(upstream.ConnectionCount, 1, Environment.ProcessorCount);
    }

    [Fact]
    public async Task UpstreamThatSendsMoreThanItsWindow_IsStopped_AndMemoryStaysFlat()
    {
        var stopped = new TaskCompletionSource<Http2Frame?>();
        await using var upstream = new Http2WireUpstream(async (wire, stream) =>
        {
            await wire.SendAsync(Http2Frame.Headers, Http2Frame.EndHeaders, stream, Http2Wire.Fields((":status", "200")));
            await wire.FloodAsync(Http2Wire.Frame(Http2Frame.Data, 0, stream, new byte[16 << 10]), 4_000);
            stopped.SetResult(await wire.ReadUntilAsync(Http2Frame.Reset, Http2Frame.GoAway));
        });
        await using var gateway = await StartAsync(upstream, "retries: { attempts: 0 }");
        long before = GC.GetTotalMemory(forceFullCollection: true);
        using var client = await gateway.ConnectAsync();
        await client.SendAsync("GET /attack HTTP/1.1\r\nhost: t\r\n\r\n");
        await stopped.Task.WaitAsync(TimeSpan.FromSeconds(30), Cancellation);
        Assert.True(GC.GetTotalMemory(forceFullCollection: true) - before < 16 << 20);
        Assert.Equal(200, await AskAsync(gateway, "GET", "/good"));
    }

    [Fact]
    public async Task UpstreamThatIsGoneWithoutAWord_LosesTheRequestsOfOneTimeout_AndNoMore()
    {
        // The first connection is taken and never heard of again, as when a machine loses its power.
        using var deaf = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        deaf.Start();
        int port = ((System.Net.IPEndPoint)deaf.LocalEndpoint).Port;
        await using var gateway = await StartAsync(port, "retries: { attempts: 0 }");
        using var client = await gateway.ConnectAsync();
        Assert.Equal(504, (await client.GetAsync("/lost")).Status);
        using var first = await deaf.AcceptTcpClientAsync(Cancellation);
        var asking = client.GetAsync("/next");
        using var second = await deaf.AcceptTcpClientAsync(Cancellation);
        using var wire = await Http2Wire.AcceptAsync(second);
        await wire!.SendAsync(Http2Frame.Settings, 0, 0, []);
        var request = await wire.ReadUntilAsync(Http2Frame.Headers);
        await wire.SendBytesAsync(Http2WireUpstream.Answer(request!.Stream, "ok"));
        Assert.Equal("ok", (await asking).Text);

        // The first one was asked with a ping, and is closed when no answer comes.
        using var old = await Http2Wire.AcceptAsync(first);
        Assert.NotNull(await old!.ReadUntilAsync(Http2Frame.Ping));
        Assert.Null(await old.ReadUntilAsync(Http2Frame.Headers));
    }

    [Fact]
    public async Task UpstreamThatIsOnlySlow_AnswersThePing_AndKeepsItsConnection()
    {
        await using var upstream = new Http2WireUpstream(async (wire, _) =>
        {
            var ping = await wire.ReadUntilAsync(Http2Frame.Ping);
            await wire.SendAsync(Http2Frame.Ping, Http2Frame.Ack, 0, ping!.Payload);
        });
        await using var gateway = await StartAsync(upstream, "retries: { attempts: 0 }");
        using var client = await gateway.ConnectAsync();
        Assert.Equal(504, (await client.GetAsync("/attack")).Status);
        await Task.Delay(1500, Cancellation);
        Assert.Equal(200, (await client.GetAsync("/good")).Status);
        Assert.Equal(1, upstream.ConnectionCount);
    }

    [Fact]
    public async Task UpstreamThatNeverPauses_LeavesTheOthersOfItsLoopTheirTurn()
    {
        using var loop = new EventLoop(0);
        var channel = new EndlessChannel(loop);
        int readsBefore = 0;
        await loop.RunAsync(() =>
        {
            loop.Post(_ => readsBefore = channel.Reads, null);
            return new Http2UpstreamConnection(channel).StartAsync();
        });
        while (!channel.IsClosed) await Task.Delay(5, Cancellation);
        Assert.InRange(readsBefore, 1, 64);
        Assert.True(channel.Reads > 1000);
    }

    private static async Task<int> AskAsync(TestGateway gateway, string method, string target)
    {
        using var client = await gateway.ConnectAsync();
        try
        {
            return (await client.ExchangeAsync($"{method} {target} HTTP/1.1\r\nhost: t\r\ncontent-length: 0\r\n\r\n")).Status;
        }
        catch (IOException)
        {
            return HostileHttp2Case.Cut;
        }
    }

    private static Task<TestGateway> StartAsync(Http2WireUpstream upstream, string further) => StartAsync(upstream.Port, further);

    private static async Task<TestGateway> StartAsync(int port, string further)
    {
        var (config, errors) = ConfigReader.Parse(
            $$"""
            listeners: [ { address: 127.0.0.1:0 } ]
            telemetry: { access_log: { path: "-", format: json } }
            upstreams: { up: { endpoints: ["http://127.0.0.1:{{port}}"], http2: true, timeouts: { connect: 5s, headers: 2s, idle: 1s }, health: { passive: { failures: 0 } }, {{further}} } }
            routes: [ { match: { path: "/{name}" }, upstream: up }, { match: { path: "/nowhere" }, response: { status: 404 } } ]
            """,
            "test.yaml", "/");
        Assert.Empty(errors);
        return await TestGateway.StartAsync(config!);
    }

    /// <summary>Every read fills its buffer at once, with frames that nobody has use for.</summary>
    private sealed class EndlessChannel(EventLoop loop) : Channel
    {
        private static readonly byte[] s_frame = Http2Wire.Frame(77, 0, 0, new byte[16 << 10]);

        private bool _isClosed;
        private int _at;

        public int Reads { get; private set; }

        public override EventLoop Loop => loop;

        public override bool IsClosed => Volatile.Read(ref _isClosed);

        public override bool IsWriting => false;

        public override IChannelWatcher? Watcher { get; set; }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer)
        {
            if (_isClosed) throw new IOException("closed");
            Reads++;
            for (int filled = 0; filled < buffer.Length; filled++, _at = (_at + 1) % s_frame.Length) buffer.Span[filled] = s_frame[_at];
            return new ValueTask<int>(buffer.Length);
        }

        public override ValueTask<int> WaitReadableAsync() => new(0);

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> bytes) => ValueTask.CompletedTask;

        public override void CancelRead() => Close();

        public override ValueTask ShutdownAsync() => ValueTask.CompletedTask;

        public override void Close() => Volatile.Write(ref _isClosed, true);

        public override void Abort() => Close();
    }
}
