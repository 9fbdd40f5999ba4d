// rate_limit with store: redis against a real server: exact over two gateways, and what happens when the server is away.

using System.Diagnostics;
using Bimetal.Gateway.Tests.Support;

namespace Bimetal.Gateway.Tests.Filters;

public sealed class SharedRateLimitTests
{
    [Fact]
    public async Task TwoGateways_ShareOneLimit_Exactly()
    {
        await using var server = await RedisServer.StartAsync();
        await using var upstream = WireUpstream.Answering();
        string filters = "[ { rate_limit: { requests: 30, per: 1h, store: redis, name: both, on_unavailable: closed } } ]";
        await using var first = await StartAsync(upstream, server, filters);
        await using var second = await StartAsync(upstream, server, filters);
        await UntilConnectedAsync(first);
        await UntilConnectedAsync(second);
        var statuses = await Task.WhenAll(Enumerable.Range(0, 8).Select(async client =>
        {
            using var connection = await (client % 2 == 0 ? first : second).ConnectAsync();
            var got = new List<int>();
            for (int request = 0; request < 10; request++) got.Add((await connection.GetAsync("/")).Status);
            return got;
        }));

        // The first request of each gateway, by which it was seen to be there, took one as well.
        Assert.Equal(28, statuses.Sum(got => got.Count(status => status == 200)));
        Assert.All(statuses.SelectMany(got => got), status => Assert.True(status is 200 or 429));
        Assert.Equal(30, upstream.Received.Count);
    }

    [Fact]
    public async Task Answer_SaysWhatIsLeft()
    {
        await using var server = await RedisServer.StartAsync();
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await StartAsync(upstream, server, "[ { rate_limit: { requests: 2, per: 1h, store: redis, name: few, on_unavailable: closed, key: { header: x-key } } } ]");
        await UntilConnectedAsync(gateway);
        var first = await gateway.GetAsync("/", "x-key: a\r\n");
        Assert.Equal("1", first["ratelimit-remaining"]);
        Assert.InRange(int.Parse(first["ratelimit-reset"]!), 1799, 1800);
        await gateway.GetAsync("/", "x-key: a\r\n");
        var refused = await gateway.GetAsync("/", "x-key: a\r\n");
        Assert.Equal(429, refused.Status);
        Assert.InRange(int.Parse(refused["retry-after"]!), 1700, 1800);
    }

    [Theory]
    [InlineData("closed", 503)]
    [InlineData("open", 200)]
    [InlineData("local", 429)]
    public async Task ServerAway_IsHandledAsStated_AndTakenUpAgain(string onUnavailable, int status)
    {
        await using var server = await RedisServer.StartAsync();
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await StartAsync(upstream, server, $"[ {{ rate_limit: {{ requests: 1, per: 1h, store: redis, name: one, on_unavailable: {onUnavailable}, key: {{ header: x-key }} }} }} ]");
        await server.KillAsync();
        var clock = Stopwatch.StartNew();
        int got = 0;
        while (got != status && clock.Elapsed < TimeSpan.FromSeconds(20)) got = (await gateway.GetAsync("/", "x-key: a\r\n")).Status;
        Assert.Equal(status, got);
        Assert.Equal(status, (await gateway.GetAsync("/", "x-key: a\r\n")).Status);

        // Back: it is the server that counts, and it knows nothing of before.
        await server.StartAgainAsync();
        clock.Restart();
        while (!gateway.Log.Contains("is back", StringComparison.Ordinal)) Assert.True(clock.Elapsed < TimeSpan.FromSeconds(20));
        Assert.Equal(200, (await gateway.GetAsync("/", "x-key: b\r\n")).Status);
        Assert.Equal(429, (await gateway.GetAsync("/", "x-key: b\r\n")).Status);
    }

    [Fact]
    public async Task ValuesOfSomebodyElse_DoNotBreakTheLimit()
    {
        await using var server = await RedisServer.StartAsync();
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await StartAsync(upstream, server, "[ { rate_limit: { requests: 3600, per: 1h, burst: 1, store: redis, name: odd, on_unavailable: closed, key: { header: x-key } } } ]");
        await UntilConnectedAsync(gateway);
        await using var client = new Gateway.Redis.RedisClient(new Configuration.RedisConfig(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, server.Port), "test") { Timeout = TimeSpan.FromSeconds(5) }, new Telemetry.LineLog(new StringWriter()), TimeProvider.System);
        while (await client.SendAsync(Gateway.Redis.RespCommand.Of("SET", "bimetal:rate:odd:1000000/1:text", "not a number")) is null) await Task.Delay(10);
        await client.SendAsync(Gateway.Redis.RespCommand.Of("SET", "bimetal:rate:odd:1000000/1:future", "9999999999999999"));
        await client.SendAsync(Gateway.Redis.RespCommand.Of("LPUSH", "bimetal:rate:odd:1000000/1:list", "x"));
        Assert.Equal(200, (await gateway.GetAsync("/", "x-key: text\r\n")).Status);
        Assert.Equal(200, (await gateway.GetAsync("/", "x-key: future\r\n")).Status);
        Assert.Equal(503, (await gateway.GetAsync("/", "x-key: list\r\n")).Status);
    }

    private static Task<TestGateway> StartAsync(WireUpstream upstream, RedisServer server, string filters) =>
        TestGateway.WithFiltersAsync(upstream, filters, $"redis: {{ address: {server.Address}, timeout: 5s }}");

    /// <summary>Asks until the gateway has its connection: until the status is 200 or 429.</summary>
    private static async Task UntilConnectedAsync(TestGateway gateway)
    {
        var clock = Stopwatch.StartNew();
        int status = 0;
        while (status is not (200 or 429))
        {
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(20), $"last status {status}");
            status = (await gateway.GetAsync("/")).Status;
        }
    }
}
