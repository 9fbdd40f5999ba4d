// The filter api_key: who passes, what the upstream learns, and keys that are made to be found.

using System.Security.Cryptography;
using System.Text;
using Bimetal.Gateway.Tests.Support;
using Bimetal.Testing;

namespace Bimetal.Gateway.Tests.Filters;

public sealed class ApiKeyFilterTests
{
    private static string Hash(string key) => "sha256:" + Convert.ToHexStringLower(SHA256.HashData(Encoding.Latin1.GetBytes(key)));

    [Theory]
    [InlineData("x-api-key: key-of-mobile\r\n", 200)]
    [InlineData("X-API-Key:   key-of-mobile  \r\n", 200)]
    [InlineData("", 401)]
    [InlineData("x-api-key: \r\n", 401)]
    [InlineData("x-api-key: key-of-mobil\r\n", 401)]
    [InlineData("x-api-key: KEY-OF-MOBILE\r\n", 401)]
    [InlineData("x-api-key: HASH\r\n", 401)]
    [InlineData("x-api-key: key-of-mobile\r\nx-api-key: key-of-mobile\r\n", 401)]
    [InlineData("x-api-key: key-of-mobile, other\r\n", 401)]
    public async Task OnlyTheKeyItself_Passes(string fields, int status)
    {
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await TestGateway.WithFiltersAsync(upstream, $$"""[ { api_key: { keys: { mobile: "{{Hash("key-of-mobile")}}" }, consumer_header: x-consumer } } ]""");
        var answer = await gateway.GetAsync("/", fields.Replace("HASH", Hash("key-of-mobile")) + "x-consumer: root\r\n");
        Assert.Equal(status, answer.Status);
        if (status != 200)
        {
            Assert.Empty(upstream.Received);
            return;
        }

        var received = Assert.Single(upstream.Received);
        Assert.Equal("mobile", received["x-consumer"]);
        Assert.False(received.Has("x-api-key"));
    }

    [Fact]
    public async Task HugeKey_IsRefused()
    {
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await TestGateway.WithFiltersAsync(upstream, $$"""[ { api_key: { keys: { mobile: "{{Hash("k")}}" } } } ]""");
        Assert.Equal(401, (await gateway.GetAsync("/", $"x-api-key: {new string('k', 60_000)}\r\n")).Status);
    }

    [Fact]
    public async Task KeysOfAFile_CountByConsumer()
    {
        using var folder = new TemporaryFolder();
        string file = folder.Write("keys.txt", $"# two keys of one consumer\nmobile  {Hash("a")}\r\nmobile\t{Hash("b")}\n\npartner {Hash("c").ToUpperInvariant().Replace("SHA256", "sha256")}\n");
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await TestGateway.WithFiltersAsync(
            upstream, $$"""[ { api_key: { keys_file: {{file}}, from: { query: key } } }, { rate_limit: { requests: 1, per: 1h, key: consumer } } ]""");
        Assert.Equal(200, (await gateway.GetAsync("/?key=a")).Status);
        Assert.Equal(429, (await gateway.GetAsync("/?x=1&key=b")).Status);
        Assert.Equal(200, (await gateway.GetAsync("/?key=c")).Status);
        Assert.Equal(401, (await gateway.GetAsync("/?key=d")).Status);
    }
}
