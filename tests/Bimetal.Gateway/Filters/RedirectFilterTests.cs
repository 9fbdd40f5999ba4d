// The filter redirect: where it leads, and that no request can choose another site.

using Bimetal.Gateway.Filters;
using Bimetal.Gateway.Tests.Support;

namespace Bimetal.Gateway.Tests.Filters;

public sealed class RedirectFilterTests
{
    [Theory]
    [InlineData("https://{host}{path}{query}", "/a/b?c=d&e", "https://shop.example/a/b?c=d&e")]
    [InlineData("https://{host}{path}", "/a?c=d", "https://shop.example/a")]
    [InlineData("https://other.example/new{path}", "/a%20b", "https://other.example/new/a%20b")]
    [InlineData("https://other.example{path}", "//evil.test/x", "https://other.example//evil.test/x")]
    [InlineData("/new{path}", "//evil.test/x", "/new//evil.test/x")]
    [InlineData("/gone", "/a", "/gone")]
    public async Task Location_IsFilledIn(string to, string target, string expected)
    {
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await TestGateway.WithFiltersAsync(upstream, $$"""[ { redirect: { to: "{{to}}", status: 301 } } ]""");
        using var client = await gateway.ConnectAsync();
        var answer = await client.ExchangeAsync($"GET {target} HTTP/1.1\r\nhost: shop.example\r\n\r\n");
        Assert.Equal(301, answer.Status);
        Assert.Equal(expected, answer["location"]);
        Assert.Empty(upstream.Received);
    }

    [Theory]
    [InlineData("{path}")]
    [InlineData("/{path}")]
    [InlineData("//other.example")]
    [InlineData("javascript:alert(1)")]
    [InlineData("https://{path}")]
    [InlineData("https://")]
    [InlineData("https://a@{host}")]
    [InlineData("https://{host}.evil.test{path}")]
    [InlineData("https://{uri}")]
    [InlineData("https://other.example/\\x")]
    [InlineData("https://other.example/ x")]
    [InlineData("other.example")]
    public void Templates_ThatLeadAnywhere_AreRefused(string to)
    {
        Assert.Null(LocationTemplate.Parse(to, out string problem));
        Assert.NotEmpty(problem);
    }

    [Theory]
    [InlineData("http", 308)]
    [InlineData("https", 200)]
    public async Task Scheme_LimitsWhatIsRedirected(string scheme, int status)
    {
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await TestGateway.WithFiltersAsync(upstream, $$"""[ { redirect: { to: "https://{host}{path}{query}", scheme: {{scheme}} } } ]""");
        Assert.Equal(status, (await gateway.GetAsync("/", "x-forwarded-proto: https\r\n")).Status);
    }

    [Fact]
    public async Task LineEndsInATarget_MakeNoField()
    {
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await TestGateway.WithFiltersAsync(upstream, """[ { redirect: { to: "https://{host}{path}{query}" } } ]""");
        var answer = await gateway.GetAsync("/%0d%0aset-cookie:%20a?%0d%0ax: y".Replace(": y", ":y"));
        Assert.Equal("https://test/%0D%0Aset-cookie:%20a?%0d%0ax:y", answer["location"], ignoreCase: true);
        Assert.False(answer.Has("set-cookie"));
    }
}
