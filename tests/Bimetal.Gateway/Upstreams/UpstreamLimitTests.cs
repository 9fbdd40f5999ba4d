// Limits of an upstream: what is refused, what waits, and that nothing is lost of the count.

using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Tests.Support;

namespace Bimetal.Gateway.Tests.Upstreams;

public sealed class UpstreamLimitTests
{
    private const string Empty = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

    [Fact]
    public async Task Requests_AboveTheLimit_Are503()
    {
        await using var hanging = new Hanging();
        await using var gateway = await RetryTests.StartAsync(config => config with { Limits = new() { Requests = 1 } }, hanging.Upstream.Port);
        var first = gateway.GetAsync("/");
        await hanging.ReachedAsync(1);
        var second = await gateway.GetAsync("/");
        Assert.Equal(503, second.Status);
        Assert.Contains("upstream-busy", second.Text);
        hanging.Release();
        Assert.Equal(200, (await first).Status);
        await UntilIdleAsync(gateway);
        Assert.Equal(200, (await gateway.GetAsync("/")).Status);
        Assert.Equal(1, gateway.Upstream("up").LimitRefusals);
    }

    [Fact]
    public async Task Connections_AboveTheLimit_WaitInLine_AndTheLineIsLimited()
    {
        await using var hanging = new Hanging();
        await using var gateway = await RetryTests.StartAsync(
            config => config with { Limits = new() { Connections = 1, Pending = 2 }, Timeouts = new() { Connect = TimeSpan.FromSeconds(15) } }, hanging.Upstream.Port);
        Task<WireMessage>[] served = [gateway.GetAsync("/"), gateway.GetAsync("/"), gateway.GetAsync("/")];
        while (gateway.Upstream("up").Pending < 2) await Task.Delay(5, TestContext.Current.CancellationToken);
        Assert.Equal(503, (await gateway.GetAsync("/")).Status);
        Assert.Single(hanging.Upstream.Received);
        hanging.Release();
        Assert.All(await Task.WhenAll(served), answer => Assert.Equal(200, answer.Status));
        await UntilIdleAsync(gateway);
    }

    [Fact]
    public async Task WaitInLine_EndsWithTheConnectTimeout()
    {
        await using var hanging = new Hanging();
        await using var gateway = await RetryTests.StartAsync(
            config => config with { Limits = new() { Connections = 1 }, Timeouts = new() { Connect = TimeSpan.FromMilliseconds(200) } }, hanging.Upstream.Port);
        var first = gateway.GetAsync("/");
        await hanging.ReachedAsync(1);
        Assert.Equal(503, (await gateway.GetAsync("/")).Status);
        hanging.Release();
        Assert.Equal(200, (await first).Status);
        Assert.Equal(0, gateway.Upstream("up").Pending);
    }

    [Fact]
    public async Task ManyRequests_ThroughFewConnections_AllGetThrough()
    {
        await using var upstream = new WireUpstream(call => call.WriteAsync(Empty));
        await using var gateway = await RetryTests.StartAsync(
            config => config with { Limits = new() { Connections = 2 }, Timeouts = new() { Connect = TimeSpan.FromSeconds(15) } }, upstream.Port);
        await Task.WhenAll(Enumerable.Range(0, 16).Select(async _ =>
        {
            using var client = await gateway.ConnectAsync();
            for (int request = 0; request < 50; request++) Assert.Equal(200, (await client.GetAsync("/")).Status);
        }));
        Assert.InRange(upstream.ConnectionCount, 1, 4);
        await UntilIdleAsync(gateway);
    }

    private static async Task UntilIdleAsync(TestGateway gateway)
    {
        while (gateway.Upstream("up") is var report && (report.Active != 0 || report.Pending != 0 || report.Endpoints[0].Active != 0)) await Task.Delay(5, TestContext.Current.CancellationToken);
    }

    private sealed class Hanging : IAsyncDisposable
    {
        private readonly TaskCompletionSource _release = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Hanging() => Upstream = new WireUpstream(async call =>
        {
            await _release.Task.WaitAsync(call.Cancellation);
            await call.WriteAsync(Empty);
        });

        public WireUpstream Upstream { get; }

        public void Release() => _release.TrySetResult();

        public async Task ReachedAsync(int requests)
        {
            while (Upstream.Received.Count < requests) await Task.Delay(5, TestContext.Current.CancellationToken);
        }

        public ValueTask DisposeAsync() => Upstream.DisposeAsync();
    }
}
