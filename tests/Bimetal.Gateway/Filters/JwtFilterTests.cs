// The filter jwt in a gateway: where tokens come from, what the upstream sees, and key sets that rotate and go away.

using System.Text;
using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Filters.Jwt;
using Bimetal.Gateway.Tests.Support;
using Bimetal.Testing;

namespace Bimetal.Gateway.Tests.Filters;

public sealed class JwtFilterTests
{
    private const string Secret = JwtMaker.Secret;

    private static string Good(string claims = "") => JwtMaker.Hs256("""{"alg":"HS256"}""", $$"""{"exp":{{DateTimeOffset.UtcNow.ToUnixTimeSeconds() + 100}},"sub":"alice","roles":["a","b"]{{claims}}}""");

    [Fact]
    public async Task GoodToken_Passes_AndItsClaimsReplaceWhatTheClientClaimed()
    {
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await TestGateway.WithFiltersAsync(upstream, $$"""[ { jwt: { algorithms: [HS256], secret: {{Secret}}, claims_to_headers: { sub: x-user, roles: X-Roles, missing: x-missing }, forward_token: false } } ]""");
        using var client = await gateway.ConnectAsync();
        for (int round = 0; round < 3; round++)
        {
            var answer = await client.GetAsync("/", $"authorization: bearer  {Good()}\r\nx-user: root\r\nX-USER: admin\r\nx-roles: all\r\nx-missing: forged\r\n");
            Assert.Equal(200, answer.Status);
        }

        Assert.All(upstream.Received, received =>
        {
            Assert.Equal("alice", received["x-user"]);
            Assert.Equal("a,b", received["x-roles"]);
            Assert.False(received.Has("x-missing"));
            Assert.False(received.Has("authorization"));
        });
    }

    [Theory]
    [InlineData("", 401, "Bearer", "token-missing")]
    [InlineData("authorization: Basic YTpi\r\n", 401, "Bearer", "token-missing")]
    [InlineData("authorization: Bearer\r\n", 401, "Bearer", "token-missing")]
    [InlineData("authorization: Bearer x.y.z\r\n", 401, "invalid_token", "token-invalid")]
    [InlineData("authorization: Bearer GOOD\r\nauthorization: Bearer GOOD\r\n", 401, "more than one", "token-invalid")]
    [InlineData("authorization: Bearer GOOD, Bearer GOOD\r\n", 401, "malformed", "token-invalid")]
    [InlineData("authorization: Bearer OTHER\r\n", 403, "insufficient_scope", "token-insufficient")]
    public async Task Refusals_SayWhy_AndNothingReachesTheUpstream(string fields, int status, string challenge, string code)
    {
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await TestGateway.WithFiltersAsync(upstream, $$"""[ { jwt: { algorithms: [HS256], secret: {{Secret}}, require: { scope: read } } } ]""");
        var answer = await gateway.GetAsync("/", fields.Replace("GOOD", Good(",\"scope\":\"write read\"")).Replace("OTHER", Good(",\"scope\":\"readonly\"")));
        Assert.Equal(status, answer.Status);
        Assert.Contains(challenge, answer["www-authenticate"]);
        Assert.Contains($"\"error\":\"{code}\"", answer.Text);
        Assert.Empty(upstream.Received);
    }

    [Theory]
    [InlineData("{ cookie: session }", "/", "cookie: a=b; session=GOOD; c=d\r\n", 200)]
    [InlineData("{ cookie: session }", "/", "cookie: xsession=GOOD\r\n", 401)]
    [InlineData("{ cookie: session }", "/", "cookie: session=GOOD; session=GOOD\r\n", 401)]
    [InlineData("{ cookie: session }", "/", "authorization: Bearer GOOD\r\n", 401)]
    [InlineData("{ query: token }", "/?a=b&token=GOOD&c", "", 200)]
    [InlineData("{ query: token }", "/?token=x&token=GOOD", "", 401)]
    [InlineData("{ query: token }", "/?Token=GOOD", "", 401)]
    [InlineData("{ header: x-token }", "/", "X-Token: GOOD\r\n", 200)]
    [InlineData("{ header: x-token, scheme: Key }", "/", "x-token: Key GOOD\r\n", 200)]
    [InlineData("{ header: x-token, scheme: Key }", "/", "x-token: KeyGOOD\r\n", 401)]
    public async Task TokensComeFromOnePlace(string from, string target, string fields, int status)
    {
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await TestGateway.WithFiltersAsync(upstream, $$"""[ { jwt: { algorithms: [HS256], secret: {{Secret}}, from: {{from}} } } ]""");
        Assert.Equal(status, (await gateway.GetAsync(target.Replace("GOOD", Good()), fields.Replace("GOOD", Good()))).Status);
    }

    [Fact]
    public async Task Optional_WithoutToken_Passes_WithoutTheClaimsThatTheClientMadeUp()
    {
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await TestGateway.WithFiltersAsync(upstream, $$"""[ { jwt: { algorithms: [HS256], secret: {{Secret}}, optional: true, claims_to_headers: { sub: x-user } } } ]""");
        Assert.Equal(200, (await gateway.GetAsync("/", "x-user: root\r\n")).Status);
        Assert.False(Assert.Single(upstream.Received).Has("x-user"));
        Assert.Equal(401, (await gateway.GetAsync("/", "authorization: Bearer a.b.c\r\n")).Status);
    }

    [Fact]
    public async Task KeySetOfAUrl_Rotates_AndStaysWhenItsSourceIsAway()
    {
        var first = new JwtMaker("ES256", "k1");
        var second = new JwtMaker("RS256", "k2");
        string keys = first.Jwk("k1");
        bool isAway = false;
        await using var issuer = new WireUpstream(call => isAway
            ? call.WriteAsync("HTTP/1.1 500 no\r\ncontent-length: 0\r\n\r\n")
            : call.WriteAsync($"HTTP/1.1 200 OK\r\ncontent-length: {keys.Length + 11}\r\n\r\n{{\"keys\":[{keys}]}}"));
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await TestGateway.WithFiltersAsync(upstream, $$"""[ { jwt: { algorithms: [ES256, RS256], jwks_url: "http://127.0.0.1:{{issuer.Port}}/keys", jwks_min_interval: 1ms } } ]""");
        Assert.Equal(200, (await AskAsync(gateway, first)).Status);
        Assert.Equal(200, (await AskAsync(gateway, first)).Status);
        Assert.Single(issuer.Received);

        keys = second.Jwk("k2");
        Assert.Equal(200, (await AskAsync(gateway, second)).Status);
        Assert.Equal(2, issuer.Received.Count);

        // The withdrawn key is not good any more, although its token was remembered.
        Assert.Equal(401, (await AskAsync(gateway, first)).Status);
        isAway = true;
        Assert.Equal(200, (await AskAsync(gateway, second)).Status);

        // A millisecond can be longer than a request: the source is asked again when it has passed.
        do Assert.Equal(401, (await AskAsync(gateway, first)).Status);
        while (!gateway.Log.Contains("the last keys stay", StringComparison.Ordinal));
        Assert.Equal(200, (await AskAsync(gateway, second)).Status);
    }

    [Fact]
    public async Task KeySetThatIsOldEnough_IsReadAgain_WithoutAnybodyShowingAnUnknownKey()
    {
        var first = new JwtMaker("ES256", "k1");
        string keys = first.Jwk("k1");
        await using var issuer = new WireUpstream(call => call.WriteAsync($"HTTP/1.1 200 OK\r\ncontent-length: {keys.Length + 11}\r\n\r\n{{\"keys\":[{keys}]}}"));
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await TestGateway.WithFiltersAsync(
            upstream, $$"""[ { jwt: { algorithms: [ES256], jwks_url: "http://127.0.0.1:{{issuer.Port}}/keys", jwks_refresh: 1s, jwks_min_interval: 1h } } ]""");
        Assert.Equal(200, (await AskAsync(gateway, first)).Status);
        keys = new JwtMaker("ES256", "k2").Jwk("k2");
        while ((await AskAsync(gateway, first)).Status == 200) await Task.Delay(50, TestContext.Current.CancellationToken);
        Assert.InRange(issuer.Received.Count, 2, 60);
    }

    [Fact]
    public async Task UnknownKeys_DoNotMakeUsAskAgainAndAgain()
    {
        var maker = new JwtMaker("ES256", "k1");
        string set = $"{{\"keys\":[{maker.Jwk("k1")}]}}";
        await using var issuer = WireUpstream.Answering(set);
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await TestGateway.WithFiltersAsync(upstream, $$"""[ { jwt: { algorithms: [ES256], jwks_url: "http://127.0.0.1:{{issuer.Port}}/keys", jwks_min_interval: 1h } } ]""");
        Assert.Equal(200, (await AskAsync(gateway, maker)).Status);
        for (int number = 0; number < 20; number++) Assert.Equal(401, (await AskAsync(gateway, new JwtMaker("ES256", "made-up-" + number))).Status);
        Assert.Single(issuer.Received);
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")]
    [InlineData("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:9/\r\ncontent-length: 0\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n{")]
    [InlineData("nonsense\r\n\r\n")]
    [InlineData("")]
    public async Task SourceThatAnswersNonsense_Is503(string answer)
    {
        await using var issuer = new WireUpstream(call => call.WriteAsync(answer));
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await TestGateway.WithFiltersAsync(upstream, $$"""[ { jwt: { algorithms: [ES256], jwks_url: "http://127.0.0.1:{{issuer.Port}}/keys", jwks_timeout: 300ms } } ]""");
        var got = await AskAsync(gateway, new JwtMaker("ES256", "k1"));
        Assert.Equal(503, got.Status);
        Assert.Contains("keys-unavailable", got.Text);
        Assert.Empty(upstream.Received);
    }

    [Fact]
    public async Task KeysFromFiles_PemAndSet()
    {
        using var folder = new TemporaryFolder();
        var ec = new JwtMaker("ES384", "k1");
        var rsa = new JwtMaker("PS256");
        string set = Path.Combine(folder.Path, "set.json"), pem = Path.Combine(folder.Path, "key.pem");
        await File.WriteAllTextAsync(set, $"{{\"keys\":[{ec.Jwk("k1")}]}}", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(pem, JwtMaker.RsaPublicPem, TestContext.Current.CancellationToken);
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await TestGateway.WithFiltersAsync(upstream, $$"""[ { jwt: { algorithms: [ES384, PS256], jwks_file: {{set}}, public_key_file: {{pem}} } } ]""");
        Assert.Equal(200, (await AskAsync(gateway, ec)).Status);
        Assert.Equal(200, (await AskAsync(gateway, rsa)).Status);
        Assert.Equal(401, (await AskAsync(gateway, new JwtMaker("ES384", "k1"))).Status);
    }

    // Once a valid token got 401: the first fetch had ended between the look at the keys and the question whether to wait for it.
    [Fact]
    public async Task KeysThatComeWhileATokenIsJudged_AreTried()
    {
        using var folder = new TemporaryFolder();
        var ec = new JwtMaker("ES384", "k1");
        string set = folder.Write("set.json", $"{{\"keys\":[{ec.Jwk("k1")}]}}");
        var config = new JwtFilterConfig
        {
            Algorithms = [ec.Algorithm], Keys = [new JwtMaker("PS256").Key], Jwks = new JwksSource(null, set, TimeSpan.FromHours(1), TimeSpan.FromHours(1), TimeSpan.FromSeconds(30)),
        };
        await using var source = new JwtKeySource(config, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance, TimeProvider.System);
        await source.FetchAsync();
        Assert.Equal(JwtKeyHope.NewerKeys, source.HopeAfter(new JwtKeySet(config.Keys)));
        Assert.Equal(JwtKeyHope.NewerKeys, source.HopeAfter(null));
        Assert.Equal(JwtKeyHope.None, source.HopeAfter(source.Current));
    }

    private static Task<WireMessage> AskAsync(TestGateway gateway, JwtMaker maker) =>
        gateway.GetAsync("/", $"authorization: Bearer {maker.Make($$"""{"exp":{{DateTimeOffset.UtcNow.ToUnixTimeSeconds() + 100}}}""")}\r\n");
}
