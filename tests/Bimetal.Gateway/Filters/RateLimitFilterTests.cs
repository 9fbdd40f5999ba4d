// The filter rate_limit: the bucket's arithmetic on a clock that the test moves, the bound on keys, and what clients see.

using System.Text;
using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Filters.RateLimits;
using Bimetal.Gateway.Tests.Support;

namespace Bimetal.Gateway.Tests.Filters;

public sealed class RateLimitFilterTests
{
    [Fact]
    public void Bucket_LetsABurstPass_ThenTheRate()
    {
        var clock = new TestClock();
        var buckets = new BucketTable(new RateLimitPolicy(10, TimeSpan.FromSeconds(1), 5), 10, clock);
        Assert.Equal([4, 3, 2, 1, 0], Enumerable.Range(0, 5).Select(_ => buckets.Take("a"u8).Remaining));
        var refused = buckets.Take("a"u8);
        Assert.False(refused.IsAllowed);
        Assert.Equal(100_000_000, refused.RetryNs);
        Assert.Equal(500_000_000, refused.ResetNs);
        Assert.True(buckets.Take("b"u8).IsAllowed);
        clock.Move(TimeSpan.FromMilliseconds(99));
        Assert.False(buckets.Take("a"u8).IsAllowed);
        clock.Move(TimeSpan.FromMilliseconds(1));
        Assert.True(buckets.Take("a"u8).IsAllowed);
        Assert.False(buckets.Take("a"u8).IsAllowed);
        clock.Move(TimeSpan.FromHours(1));
        Assert.Equal(5, Enumerable.Range(0, 20).Count(_ => buckets.Take("a"u8).IsAllowed));
    }

    [Fact]
    public void OverAnyTime_NoMoreThanBurstAndRatePass()
    {
        var clock = new TestClock();
        var random = new Random(5);
        var buckets = new BucketTable(new RateLimitPolicy(50, TimeSpan.FromSeconds(1), 20), 10, clock);
        int passed = 0;
        double seconds = 0;
        for (int round = 0; round < 20_000; round++)
        {
            double step = random.NextDouble() * 0.01;
            clock.Move(TimeSpan.FromSeconds(step));
            seconds += step;
            if (buckets.Take("a"u8).IsAllowed) passed++;
            Assert.True(passed <= 20 + (50 * seconds) + 1);
        }

        Assert.True(passed >= 50 * seconds * 0.98, $"{passed} in {seconds} s");
    }

    [Fact]
    public void Keys_AreBounded_AndTheBucketsThatMatterStay()
    {
        var clock = new TestClock();
        var buckets = new BucketTable(new RateLimitPolicy(1, TimeSpan.FromSeconds(1), 100), 64, clock);
        for (int round = 0; round < 100; round++) Assert.True(buckets.Take("victim"u8).IsAllowed);
        for (int number = 0; number < 10_000; number++) buckets.Take(Encoding.ASCII.GetBytes("made up " + number));
        Assert.Equal(64, buckets.Count);
        Assert.False(buckets.Take("victim"u8).IsAllowed);
    }

    [Fact]
    public async Task Take_OnManyThreads_IsExact()
    {
        var buckets = new BucketTable(new RateLimitPolicy(1, TimeSpan.FromHours(1), 1000), 8192, new TestClock());
        int passed = 0;
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            for (int round = 0; round < 1000; round++)
            {
                if (buckets.Take("shared"u8).IsAllowed) Interlocked.Increment(ref passed);
            }
        })));
        Assert.Equal(1000, passed);
    }

    [Fact]
    public async Task OverTheRate_Is429_WithTheTimeToWait()
    {
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await TestGateway.WithFiltersAsync(upstream, "[ { rate_limit: { requests: 2, per: 1h } } ]");
        using var client = await gateway.ConnectAsync();
        var first = await client.GetAsync("/");
        Assert.Equal("2 1", first["ratelimit-limit"] + " " + first["ratelimit-remaining"]);
        Assert.InRange(int.Parse(first["ratelimit-reset"]!), 1799, 1800);
        await client.GetAsync("/");
        var refused = await client.GetAsync("/");
        Assert.Equal(429, refused.Status);
        Assert.InRange(int.Parse(refused["retry-after"]!), 1790, 1800);
        Assert.Equal("0", refused["ratelimit-remaining"]);
        Assert.Contains("rate-limited", refused.Text);
        Assert.Equal(2, upstream.Received.Count);
    }

    [Fact]
    public async Task ByHeader_EachValueHasItsOwnBucket_AndThoseWithoutShareOne()
    {
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await TestGateway.WithFiltersAsync(upstream, "[ { rate_limit: { requests: 1, per: 1h, key: { header: X-Key }, headers: false } } ]");
        string huge = new('k', 4000);
        foreach (string fields in (string[])["x-key: a\r\n", "x-key: b\r\n", $"x-key: {huge}1\r\n", $"x-key: {huge}2\r\n", ""])
        {
            var answer = await gateway.GetAsync("/", fields);
            Assert.Equal(200, answer.Status);
            Assert.False(answer.Has("ratelimit-limit"));
            Assert.Equal(429, (await gateway.GetAsync("/", fields)).Status);
        }
    }

    [Fact]
    public async Task ByClaim_CountsTheTokensSubject()
    {
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await TestGateway.WithFiltersAsync(
            upstream, $$"""[ { jwt: { algorithms: [HS256], secret: {{JwtMaker.Secret}} } }, { rate_limit: { requests: 1, per: 1h, key: { claim: sub } } } ]""");
        foreach (string subject in (string[])["alice", "bob"])
        {
            string token = JwtMaker.Hs256("""{"alg":"HS256"}""", $$"""{"exp":99999999999,"sub":"{{subject}}"}""");
            Assert.Equal(200, (await gateway.GetAsync("/", $"authorization: Bearer {token}\r\n")).Status);
            Assert.Equal(429, (await gateway.GetAsync("/", $"authorization: Bearer {token}\r\n")).Status);
        }
    }

    [Theory]
    [InlineData("", "2001:db8::1", "2001:db8::ffff:1", "2001:db8:0:1::1")]
    [InlineData(", ipv6_prefix: 48", "2001:db8::1", "2001:db8:0:1::1", "2001:db8:1::1")]
    public async Task ByClient_ANetworkOfIpv6IsOneClient(string prefix, string client, string neighbour, string stranger)
    {
        await using var upstream = WireUpstream.Answering();
        var (config, errors) = ConfigReader.Parse(
            $$"""
            listeners: [ { address: 127.0.0.1:0, trusted_proxies: [127.0.0.1] } ]
            upstreams: { up: { endpoints: [http://127.0.0.1:{{upstream.Port}}] } }
            routes: [ { match: { path: "/{rest...}" }, upstream: up, filters: [ { rate_limit: { requests: 1, per: 1h{{prefix}} } } ] } ]
            """,
            "test.yaml", "/");
        Assert.Empty(errors);
        await using var gateway = await TestGateway.StartAsync(config!);
        Assert.Equal(200, (await gateway.GetAsync("/", $"x-forwarded-for: {client}\r\n")).Status);
        Assert.Equal(429, (await gateway.GetAsync("/", $"x-forwarded-for: {neighbour}\r\n")).Status);
        Assert.Equal(200, (await gateway.GetAsync("/", $"x-forwarded-for: {stranger}\r\n")).Status);
    }

    [Fact]
    public async Task SameName_SharesTheBuckets()
    {
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await TestGateway.WithFiltersAsync(upstream, "[ { rate_limit: { requests: 3, per: 1h, name: all } }, { rate_limit: { requests: 3, per: 1h, name: all } } ]");
        Assert.Equal(200, (await gateway.GetAsync("/")).Status);
        Assert.Equal(429, (await gateway.GetAsync("/")).Status);
    }
}
