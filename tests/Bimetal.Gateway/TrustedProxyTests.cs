// Whose word about the client counts.

using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Tests.Support;

namespace Bimetal.Gateway.Tests;

public sealed class TrustedProxyTests
{
    [Theory]
    [InlineData("[10.0.0.0/8]", "x-forwarded-for: 1.2.3.4\r\nx-forwarded-proto: https\r\nx-forwarded-host: bank\r\nx-forwarded-port: 443\r\nforwarded: for=1.2.3.4\r\n", "127.0.0.1", "127.0.0.1", "http", "test", null)]
    [InlineData("[127.0.0.1]", "", "127.0.0.1", "127.0.0.1", "http", "test", null)]
    [InlineData("[127.0.0.1]", "x-forwarded-for: 1.2.3.4\r\nx-forwarded-proto: https\r\nx-forwarded-host: bank.test\r\n", "1.2.3.4", "1.2.3.4, 127.0.0.1", "https", "bank.test", null)]
    [InlineData("[127.0.0.1]", "x-forwarded-for: 6.6.6.6, 1.2.3.4\r\n", "1.2.3.4", "6.6.6.6, 1.2.3.4, 127.0.0.1", "http", "test", null)]
    [InlineData("[127.0.0.1, 10.0.0.0/8]", "x-forwarded-for: 6.6.6.6, 1.2.3.4\r\nx-forwarded-for: 10.1.1.1\r\n", "1.2.3.4", "6.6.6.6, 1.2.3.4, 10.1.1.1, 127.0.0.1", "http", "test", null)]
    [InlineData("[127.0.0.1, 10.0.0.0/8]", "x-forwarded-for: 10.2.2.2, 10.1.1.1\r\n", "10.2.2.2", "10.2.2.2, 10.1.1.1, 127.0.0.1", "http", "test", null)]
    [InlineData("[127.0.0.1, 10.0.0.0/8]", "x-forwarded-for: 1.2.3.4, unknown, 10.1.1.1\r\n", "10.1.1.1", "1.2.3.4, unknown, 10.1.1.1, 127.0.0.1", "http", "test", null)]
    [InlineData("[127.0.0.1]", "x-forwarded-for: 1.2.3.4:5678\r\n", "1.2.3.4", "1.2.3.4:5678, 127.0.0.1", "http", "test", null)]
    [InlineData("[127.0.0.1]", "x-forwarded-for: 2001:db8::7\r\n", "2001:db8::7", "2001:db8::7, 127.0.0.1", "http", "test", null)]
    [InlineData("[127.0.0.1]", "x-forwarded-proto: gopher\r\nx-forwarded-host: a b\r\n", "127.0.0.1", "127.0.0.1", "http", "test", null)]
    [InlineData("[127.0.0.1]", "forwarded: for=6.6.6.6, For=\"[2001:db8::7]:99\";proto=https\r\n", "2001:db8::7", "127.0.0.1", "http", "test", "for=6.6.6.6, For=\"[2001:db8::7]:99\";proto=https, for=127.0.0.1;proto=http;host=\"test\"")]
    [InlineData("[127.0.0.1]", "forwarded: for=_hidden\r\n", "127.0.0.1", "127.0.0.1", "http", "test", "for=_hidden, for=127.0.0.1;proto=http;host=\"test\"")]
    public async Task Client_IsWhoTheTrustedProxiesSay(string trust, string fields, string client, string forwardedFor, string proto, string host, string? forwarded)
    {
        await using var upstream = WireUpstream.Answering();
        var (config, errors) = ConfigReader.Parse(
            $$"""
            listeners: [ { address: 127.0.0.1:0, trusted_proxies: {{trust}} } ]
            telemetry: { access_log: { path: "-", format: json } }
            upstreams: { up: { endpoints: [http://127.0.0.1:{{upstream.Port}}] } }
            routes:
              - match: { path: "/{rest...}" }
                filters: [ { ip_filter: { allow: [{{client}}] } } ]
                upstream: up
            """,
            "test.yaml", "/");
        Assert.Empty(errors);
        await using var gateway = await TestGateway.StartAsync(config!);
        Assert.Equal(200, (await gateway.GetAsync("/", fields)).Status);
        var received = Assert.Single(upstream.Received);
        Assert.Equal((forwardedFor, proto, host, forwarded), (received["x-forwarded-for"], received["x-forwarded-proto"], received["x-forwarded-host"], received["forwarded"]));
        Assert.False(trust == "[10.0.0.0/8]" && received.Has("x-forwarded-port"));
        await gateway.Host.StopAsync(TimeSpan.FromSeconds(5));
        Assert.Contains($"\"client\":\"{(client.Contains(':') ? $"[{client}]" : client)}:", gateway.AccessLog, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[10]", "'10' is not an address")]
    [InlineData("[10.0.0.1/8]", "'10.0.0.1/8' has bits set behind its prefix of 8")]
    public void WrongNetworks_AreNamed(string trust, string problem)
    {
        var (_, errors) = ConfigReader.Parse(
            $$"""
            listeners: [ { address: 127.0.0.1:0, trusted_proxies: {{trust}} } ]
            routes: [ { match: { path: / }, response: { status: 204 } } ]
            """,
            "test.yaml", "/");
        Assert.Contains(problem, Assert.Single(errors).ToString(), StringComparison.Ordinal);
    }
}
