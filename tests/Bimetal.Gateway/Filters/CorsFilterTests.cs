// The filter cors: which origins are let in, and what browsers and caches are told.

using Bimetal.Gateway.Filters;
using Bimetal.Gateway.Tests.Support;

namespace Bimetal.Gateway.Tests.Filters;

public sealed class CorsFilterTests
{
    private const string Policy = "[ { cors: { origins: [https://app.example, \"https://*.example.com\"], methods: [GET, PUT], headers: [content-type, authorization], expose: [x-total], credentials: true, max_age: 10m } } ]";

    [Theory]
    [InlineData("https://app.example", "https://app.example", true)]
    [InlineData("https://app.example", "https://app.example:443", false)]
    [InlineData("https://app.example", "http://app.example", false)]
    [InlineData("https://app.example", "https://app.example.evil.test", false)]
    [InlineData("https://app.example", "https://APP.example", false)]
    [InlineData("https://*.example.com", "https://a.example.com", true)]
    [InlineData("https://*.example.com", "https://a.b.example.com", true)]
    [InlineData("https://*.example.com", "https://example.com", false)]
    [InlineData("https://*.example.com", "https://.example.com", false)]
    [InlineData("https://*.example.com", "https://evilexample.com", false)]
    [InlineData("https://*.example.com", "https://evil.test/.example.com", false)]
    [InlineData("https://*.example.com", "https://evil.test#.example.com", false)]
    [InlineData("https://*.example.com", "https://user@a.example.com", false)]
    [InlineData("https://*.example.com", "https://a.example.com.evil.test", false)]
    [InlineData("https://*.example.com", "https://a.example.com:8443", false)]
    [InlineData("https://*.example.com:8443", "https://a.example.com:8443", true)]
    [InlineData("http://localhost:3000", "http://localhost:3000", true)]
    [InlineData("http://localhost:3000", "null", false)]
    public void Origins_AreComparedExactly(string pattern, string origin, bool expected) =>
        Assert.Equal(expected, OriginPattern.TryParse(pattern)!.Matches(System.Text.Encoding.Latin1.GetBytes(origin)));

    [Theory]
    [InlineData("null")]
    [InlineData("app.example")]
    [InlineData("https://app.example/")]
    [InlineData("https://app.example:443")]
    [InlineData("HTTPS://app.example")]
    [InlineData("https://App.example")]
    [InlineData("https://a.*.example")]
    [InlineData("https://*")]
    [InlineData("*.example")]
    [InlineData("ftp://app.example")]
    [InlineData("https://user@app.example")]
    public void Patterns_ThatNoBrowserSends_AreRefused(string pattern) => Assert.Null(OriginPattern.TryParse(pattern));

    [Fact]
    public async Task Preflight_IsAnsweredHere()
    {
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await TestGateway.WithFiltersAsync(upstream, Policy);
        using var client = await gateway.ConnectAsync();
        var answer = await client.ExchangeAsync("OPTIONS /x HTTP/1.1\r\nhost: test\r\norigin: https://a.example.com\r\naccess-control-request-method: PUT\r\n\r\n");
        Assert.Equal(204, answer.Status);
        Assert.Equal("https://a.example.com", answer["access-control-allow-origin"]);
        Assert.Equal("GET, PUT", answer["access-control-allow-methods"]);
        Assert.Equal("content-type, authorization", answer["access-control-allow-headers"]);
        Assert.Equal("true", answer["access-control-allow-credentials"]);
        Assert.Equal("600", answer["access-control-max-age"]);
        Assert.Contains("origin", answer["vary"]);
        var refused = await client.ExchangeAsync("OPTIONS /x HTTP/1.1\r\nhost: test\r\norigin: https://evil.test\r\naccess-control-request-method: PUT\r\n\r\n");
        Assert.Equal(403, refused.Status);
        Assert.False(refused.Has("access-control-allow-origin"));
        Assert.Empty(upstream.Received);

        // No preflight: the upstream's business.
        Assert.Equal(200, (await client.ExchangeAsync("OPTIONS /x HTTP/1.1\r\nhost: test\r\norigin: https://a.example.com\r\n\r\n")).Status);
        Assert.Single(upstream.Received);
    }

    [Fact]
    public async Task Responses_CarryThisPolicy_NotTheUpstreams()
    {
        await using var upstream = WireUpstream.Answering(fields: "access-control-allow-origin: *\r\naccess-control-allow-credentials: true\r\naccess-control-expose-headers: x-secret\r\nvary: accept\r\n");
        await using var gateway = await TestGateway.WithFiltersAsync(upstream, Policy);
        var good = await gateway.GetAsync("/", "origin: https://app.example\r\n");
        Assert.Equal("https://app.example", good["access-control-allow-origin"]);
        Assert.Equal("true", good["access-control-allow-credentials"]);
        Assert.Equal("x-total", good["access-control-expose-headers"]);
        foreach (string fields in (string[])["origin: https://evil.test\r\n", "origin: null\r\n", ""])
        {
            var other = await gateway.GetAsync("/", fields);
            Assert.Equal(200, other.Status);
            Assert.DoesNotContain(other.Fields, field => field.Name.StartsWith("access-control-", StringComparison.OrdinalIgnoreCase));
            Assert.Contains("origin", other.Fields.Where(field => field.Name.Equals("vary", StringComparison.OrdinalIgnoreCase)).Select(field => field.Value));
        }
    }

    [Fact]
    public async Task AnswersOfLaterFilters_CarryThePolicyToo()
    {
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await TestGateway.WithFiltersAsync(upstream, """[ { cors: { origins: "*" } }, { ip_filter: { deny: [127.0.0.0/8] } } ]""");
        var answer = await gateway.GetAsync("/", "origin: https://any.example\r\n");
        Assert.Equal(403, answer.Status);
        Assert.Equal("*", answer["access-control-allow-origin"]);
        Assert.False(answer.Has("vary"));
    }
}
