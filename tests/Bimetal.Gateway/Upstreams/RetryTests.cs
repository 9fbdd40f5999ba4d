// When a request is sent again, over real connections: only where that is safe, within the budget, and what the client gets then.

using System.Net;
using System.Net.Sockets;
using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Tests.Support;

namespace Bimetal.Gateway.Tests.Upstreams;

public sealed class RetryTests
{
    private const string Empty = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

    [Theory]
    [InlineData("GET", "")]
    [InlineData("POST", "a body")]
    public async Task NoConnection_GoesToAnotherEndpoint_WhateverTheMethod(string method, string body)
    {
        await using var upstream = Reading((call, _) => call.WriteAsync(Empty));
        await using var gateway = await StartAsync(new RetryConfig(), DeadPort(), upstream.Port);
        for (int request = 0; request < 4; request++)
        {
            using var client = await gateway.ConnectAsync();
            Assert.Equal(200, (await client.ExchangeAsync($"{method} / HTTP/1.1\r\nhost: test\r\ncontent-length: {body.Length}\r\n\r\n{body}")).Status);
        }

        Assert.Equal(4, upstream.Received.Count);
    }

    [Theory]
    [InlineData("GET", 0, 200, 2)]
    [InlineData("PUT", 10, 200, 2)]
    [InlineData("PUT", 100_000, 502, 1)]
    [InlineData("POST", 10, 502, 1)]
    public async Task ResetBeforeTheResponse_IsTriedAgain_IfTheMethodAndTheBufferAllowIt(string method, int bodyBytes, int status, int received)
    {
        int calls = 0;
        await using var upstream = Reading(async (call, message) =>
        {
            Assert.Equal(bodyBytes, message.Body.Length);
            if (Interlocked.Increment(ref calls) == 1) call.Connection.Close();
            else await call.WriteAsync(Empty);
        });
        await using var gateway = await StartAsync(new RetryConfig { BufferBytes = 1000 }, upstream.Port);
        using var client = await gateway.ConnectAsync();
        Assert.Equal(status, (await client.ExchangeAsync($"{method} / HTTP/1.1\r\nhost: test\r\ncontent-length: {bodyBytes}\r\n\r\n{new string('x', bodyBytes)}")).Status);
        Assert.Equal(received, calls);
    }

    [Fact]
    public async Task StreamedBody_IsSentAgainFromItsBeginning()
    {
        var firstHalf = new TaskCompletionSource();
        int calls = 0;
        var bodies = new List<string>();
        await using var upstream = new WireUpstream(async call =>
        {
            if (Interlocked.Increment(ref calls) == 1)
            {
                await call.Reader.ReadExactlyAsync(3, call.Cancellation);
                firstHalf.SetResult();
                call.Connection.Close();
                return;
            }

            bodies.Add(System.Text.Encoding.ASCII.GetString(await call.ReadBodyAsync()));
            await call.WriteAsync(Empty);
        });
        await using var gateway = await StartAsync(new RetryConfig { Attempts = 2 }, upstream.Port);
        using var client = await gateway.ConnectAsync();
        await client.SendAsync("PUT / HTTP/1.1\r\nhost: test\r\ncontent-length: 6\r\n\r\nabc");
        await firstHalf.Task.WaitAsync(client.Cancellation);
        await Task.Delay(50, client.Cancellation);
        await client.SendAsync("def");
        Assert.Equal(200, (await client.ReceiveAsync()).Status);
        Assert.Equal("abcdef", Assert.Single(bodies));
    }

    [Theory]
    [InlineData(RetryCauses.Status503, 503, 200)]
    [InlineData(RetryCauses.Status502, 503, 503)]
    [InlineData(RetryCauses.Status503, 500, 500)]
    public async Task Statuses_AreTriedAgain_WhereTheyAreCauses(RetryCauses causes, int first, int expected)
    {
        int calls = 0;
        await using var upstream = new WireUpstream(call => call.WriteAsync(Interlocked.Increment(ref calls) == 1 ? $"HTTP/1.1 {first} x\r\ncontent-length: 2\r\nx-try: 1\r\n\r\nno" : Empty));
        await using var gateway = await StartAsync(new RetryConfig { On = causes }, upstream.Port);
        var answer = await gateway.GetAsync("/");
        Assert.Equal((expected, expected == 200), (answer.Status, !answer.Has("x-try")));
    }

    [Fact]
    public async Task PerTry_EndsATryThatHangs()
    {
        int calls = 0;
        await using var upstream = new WireUpstream(async call =>
        {
            if (Interlocked.Increment(ref calls) == 1) await Task.Delay(Timeout.Infinite, call.Cancellation);
            await call.WriteAsync(Empty);
        });
        await using var gateway = await StartAsync(new RetryConfig { On = RetryCauses.Timeout, PerTry = TimeSpan.FromMilliseconds(300) }, upstream.Port);
        Assert.Equal(200, (await gateway.GetAsync("/")).Status);
        Assert.Equal(2, calls);
    }

    [Fact]
    public async Task HeadersTimeout_IsACause_AsWell()
    {
        int calls = 0;
        await using var upstream = new WireUpstream(async call =>
        {
            if (Interlocked.Increment(ref calls) == 1) await Task.Delay(Timeout.Infinite, call.Cancellation);
            await call.WriteAsync(Empty);
        });
        await using var gateway = await StartAsync(config => config with { Retries = new() { On = RetryCauses.Timeout }, Timeouts = new() { Headers = TimeSpan.FromMilliseconds(300) } }, upstream.Port);
        Assert.Equal(200, (await gateway.GetAsync("/")).Status);
    }

    [Fact]
    public async Task SpentBudget_LeavesTheErrorAsItIs()
    {
        await using var gateway = await StartAsync(new RetryConfig { Attempts = 10, Backoff = TimeSpan.Zero, Budget = new(Share: 0, MinimumPerSecond: 0) }, DeadPort());
        Assert.Equal(502, (await gateway.GetAsync("/")).Status);

        // A request is counted out after its answer was written.
        await gateway.Host.StopAsync(TimeSpan.FromSeconds(5));
        var report = gateway.Upstream("up");
        Assert.Equal((1, 0, 1, 0), (report.Requests, report.Retries, report.RetriesRefused, report.Active));
    }

    [Fact]
    public async Task Attempts_AreLimited_AndLogged()
    {
        var gateway = await StartAsync(new RetryConfig { Attempts = 3, Backoff = TimeSpan.FromMilliseconds(1) }, DeadPort());
        await using (gateway) Assert.Equal(502, (await gateway.GetAsync("/")).Status);
        Assert.Contains("\"retries\":3", gateway.AccessLog);
    }

    [Fact]
    public async Task FailingEndpoint_IsEjected_AndAsksNoLonger()
    {
        int dead = DeadPort();
        await using var upstream = new WireUpstream(call => call.WriteAsync(Empty));
        await using var gateway = await StartAsync(config => config with { Health = new() { Passive = new() { Failures = 2, Eject = TimeSpan.FromMinutes(10), MaximumEject = TimeSpan.FromMinutes(10) } } }, dead, upstream.Port);
        for (int request = 0; request < 20; request++) Assert.Equal(200, (await gateway.GetAsync("/")).Status);
        var endpoint = gateway.Upstream("up").Endpoints.Single(endpoint => endpoint.Endpoint.EndsWith($":{dead}", StringComparison.Ordinal));
        Assert.Equal(("ejected", 2, 2, 1), (endpoint.Health, endpoint.Requests, endpoint.Failures, endpoint.Ejections));
        Assert.Contains("is ejected for", gateway.Log);
    }

    [Fact]
    public async Task ActiveChecks_TakeAnEndpointOut_AndBringItBack()
    {
        bool isWell = true;
        await using var good = new WireUpstream(call => call.WriteAsync(Empty));
        await using var doubtful = new WireUpstream(call => call.WriteAsync(call.Head.Target == "/healthz" && !isWell ? "HTTP/1.1 500 no\r\ncontent-length: 0\r\n\r\n" : Empty));
        var active = new ActiveHealthConfig { Path = "/healthz", Host = "check.test", Interval = TimeSpan.FromMilliseconds(30), Unhealthy = 2, Healthy = 2 };
        await using var gateway = await StartAsync(config => config with { Health = new() { Active = active } }, good.Port, doubtful.Port);
        await UntilAsync("healthy", "status 200");
        isWell = false;
        await UntilAsync("unhealthy", "status 500");
        doubtful.Received.Clear();
        for (int request = 0; request < 10; request++) Assert.Equal(200, (await gateway.GetAsync("/x")).Status);
        Assert.DoesNotContain(doubtful.Received, message => message.Target == "/x");
        Assert.All(doubtful.Received, message => Assert.Equal("check.test", message["host"]));
        isWell = true;
        await UntilAsync("healthy", "status 200");

        async Task UntilAsync(string health, string check)
        {
            while (gateway.Upstream("up").Endpoints[1] is var endpoint && (endpoint.Health != health || endpoint.LastCheck != check)) await Task.Delay(10, TestContext.Current.CancellationToken);
        }
    }

    internal static WireUpstream Reading(Func<UpstreamCall, WireMessage, Task> handler) => WireUpstream.ReadingBodies(handler);

    internal static int DeadPort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static Task<TestGateway> StartAsync(RetryConfig retries, params int[] ports) => StartAsync(config => config with { Retries = retries }, ports);

    internal static Task<TestGateway> StartAsync(Func<UpstreamConfig, UpstreamConfig> change, params int[] ports) =>
        TestGateway.StartAsync(new Uri($"http://127.0.0.1:{ports[0]}"), config => config with
        {
            Upstreams = new Dictionary<string, UpstreamConfig> { ["up"] = change(new UpstreamConfig { Name = "up", Endpoints = [.. ports.Select(port => new EndpointConfig(new Uri($"http://127.0.0.1:{port}")))] }) },
        });
}
