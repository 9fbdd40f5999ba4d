// limits.memory: what happens to requests and to bodies that are held when the process takes more, and where the limit comes from.

using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Limits;
using Bimetal.Gateway.Tests.Support;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Tests;

public sealed class MemoryLimitTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Requests_AboveTheLimit_Are503_UntilThereIsRoom()
    {
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await TestGateway.StartAsync(upstream);
        using var client = await gateway.ConnectAsync();
        Assert.Equal(200, (await client.GetAsync("/")).Status);
        await LimitAsync(gateway, 1);
        var answer = await client.GetAsync("/");
        Assert.Equal(503, answer.Status);
        Assert.Contains("\"gateway-full\"", answer.Text);
        Assert.Single(upstream.Received);
        await LimitAsync(gateway, 1L << 44);
        Assert.Equal(200, (await client.GetAsync("/")).Status);
        Assert.Contains("limits.memory is 0 MiB: requests are answered with 503", gateway.Log);
        Assert.Contains("requests are taken again", gateway.Log);
    }

    [Fact]
    public async Task BodyThatIsHeld_AboveTheLimit_IsHeldNoFurther()
    {
        await using var upstream = WireUpstream.Answering();
        var plugin = new FakePlugin { Name = "hold", RequestHeaders = static _ => FilterAction.Pause, RequestBody = static call => call.EndOfStream ? FilterAction.Continue : FilterAction.Pause };
        await using var gateway = await TestGateway.StartAsync(upstream, plugin);
        using var client = await gateway.ConnectAsync();
        await client.SendAsync("POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 6\r\n\r\nabc");
        while (gateway.Host.Model.ActiveExchanges == 0) await Task.Delay(5, Cancellation);
        await Task.Delay(100, Cancellation);
        await LimitAsync(gateway, 1);
        await client.SendAsync("def");
        Assert.Equal(503, (await client.ReceiveAsync()).Status);
        Assert.Empty(upstream.Received);
    }

    [Fact]
    public async Task Limit_IsShownAsAMetric()
    {
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await TestGateway.StartAsync(upstream);
        await LimitAsync(gateway, 1L << 40);
        using var admin = await WireClient.ConnectAsync(gateway.Host.AdminAddress!);
        Assert.Contains("\nbimetal_memory_limit_bytes 1099511627776\n", (await admin.ExchangeAsync("GET /metrics HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n")).Text);
    }

    [Theory]
    [InlineData("limits: { memory: 64MiB }", 64L << 20)]
    [InlineData("limits: { memory: 2GiB }", 2L << 30)]
    public void Limit_IsReadFromTheConfiguration(string text, long bytes)
    {
        var result = ConfigReader.Parse(text + "\nlisteners: [ { address: 127.0.0.1:0 } ]\nroutes: [ { match: { path: / }, response: { status: 204 } } ]", "test.yaml", "/");
        Assert.Empty(result.Errors);
        Assert.Equal(bytes, result.Config!.MemoryBytes);
    }

    [Fact]
    public void Limit_SmallerThanTheProcess_IsAnError() =>
        Assert.Contains(ConfigReader.Parse("limits: { memory: 1MiB }\nlisteners: []\nroutes: []", "test.yaml", "/").Errors, error => error.ToString().Contains("limits.memory: 1MiB is out of range", StringComparison.Ordinal));

    [Theory]
    [InlineData("0::/a/b\n", "a/b/memory.max=1000 a/memory.max=max", 1000L)]
    [InlineData("0::/a/b\n", "a/b/memory.max=max a/memory.max=700 memory.max=900", 700L)]
    [InlineData("0::/\n", "memory.max=500", 500L)]
    [InlineData("0::/of/the/host\n", "memory.max=500", 500L)]
    [InlineData("0::/a\n", "a/memory.max=max", null)]
    [InlineData("3:cpu,cpuacct:/x\n2:memory:/x\n0::/\n", "memory/x/memory.limit_in_bytes=300 memory/memory.limit_in_bytes=9223372036854771712", 300L)]
    [InlineData("", "memory.max=1", null)]
    public void CgroupLimit_IsTheSmallestOnTheWayUp(string membership, string files, long? limit)
    {
        var texts = files.Split(' ').Select(file => file.Split('=')).ToDictionary(pair => pair[0], pair => pair[1] + "\n");
        Assert.Equal(limit, CgroupMemory.Limit(membership, path => texts.GetValueOrDefault(path.Trim('/').Replace("//", "/", StringComparison.Ordinal))));
    }

    private static Task LimitAsync(TestGateway gateway, long bytes) => gateway.Host.ReloadAsync(gateway.Host.Model.Config with { MemoryBytes = bytes }, Cancellation);
}
