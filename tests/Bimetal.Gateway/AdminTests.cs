// The admin listener: who is let in, what may change something, what its pages say and what they keep to themselves.

using System.Net;
using System.Text;
using System.Text.Json;
using Bimetal.Gateway.Admin;
using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Telemetry;
using Bimetal.Gateway.Tests.Support;
using Bimetal.Plugins;
using Bimetal.Plugins.Failure;
using Bimetal.Plugins.Streams;
using Microsoft.Extensions.Logging;

namespace Bimetal.Gateway.Tests;

public sealed class AdminTests
{
    private const string Secret = "correct-horse-battery-staple";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("127.0.0.1:9901", 200)]
    [InlineData("localhost", 200)]
    [InlineData("[::1]:80", 200)]
    [InlineData("evil.example", 403)]
    [InlineData("127.0.0.1.evil.example:9901", 403)]
    [InlineData("localhost.evil.example", 403)]
    public async Task OnLoopback_TheHostIsALoopbackName(string host, int status)
    {
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await TestGateway.StartAsync(upstream);
        using var admin = await WireClient.ConnectAsync(gateway.Host.AdminAddress!);
        Assert.Equal(status, (await admin.ExchangeAsync($"GET /config HTTP/1.1\r\nhost: {host}\r\n\r\n")).Status);
    }

    [Theory]
    [InlineData("", 409)]
    [InlineData("origin: http://localhost\r\nsec-fetch-site: same-origin\r\n", 409)]
    [InlineData("origin: http://evil.example\r\n", 403)]
    [InlineData("origin: null\r\n", 403)]
    [InlineData("sec-fetch-site: cross-site\r\n", 403)]
    [InlineData("sec-fetch-site: same-site\r\n", 403)]
    public async Task AnotherSite_CannotChangeAnything(string fields, int status)
    {
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await TestGateway.StartAsync(upstream);
        using var admin = await WireClient.ConnectAsync(gateway.Host.AdminAddress!);
        Assert.Equal(status, (await admin.ExchangeAsync($"POST /reload HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n{fields}\r\n")).Status);
    }

    [Fact]
    public async Task Reload_NeedsPost_AndBodiesAreSmall()
    {
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await TestGateway.StartAsync(upstream);
        using var admin = await WireClient.ConnectAsync(gateway.Host.AdminAddress!);
        var get = await Get(admin, "/reload");
        Assert.Equal(405, get.Status);
        Assert.Equal("POST", get["allow"]);
        using var other = await WireClient.ConnectAsync(gateway.Host.AdminAddress!);
        Assert.Equal(413, (await other.ExchangeAsync($"PUT /log-level HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5000\r\n\r\n{new string('x', 5000)}")).Status);
    }

    [Fact]
    public async Task Health_AndMetrics_TellTheStateOfEachPlugin()
    {
        await using var upstream = WireUpstream.Answering();
        FakePlugin[] plugins =
        [
            new FakePlugin { Name = "well" }, new FakePlugin { Name = "half", RunningInstances = 1, DeadInstances = 1 }, new FakePlugin { Name = "dead", DeadInstances = 2 },
        ];
        await using var gateway = await TestGateway.StartAsync(upstream, plugins);
        using var admin = await WireClient.ConnectAsync(gateway.Host.AdminAddress!);
        var health = await Get(admin, "/healthz");
        Assert.Equal(200, health.Status);
        var states = JsonDocument.Parse(health.Text).RootElement.GetProperty("plugins");
        Assert.Equal(["loaded", "degraded", "backing-off"], plugins.Select(plugin => states.GetProperty(plugin.Name).GetString()));
        string metrics = (await Get(admin, "/metrics")).Text;
        Assert.Contains("bimetal_plugin_state{plugin=\"half\",state=\"degraded\"} 1", metrics, StringComparison.Ordinal);
        Assert.Contains("bimetal_plugin_state{plugin=\"half\",state=\"loaded\"} 0", metrics, StringComparison.Ordinal);
        Assert.Equal("absent", PluginWords.StateOf(new LoadedPlugin(new PluginConfig { Name = "gone", Bundle = "gone.wasm" }, plugin: null, "not there", fingerprint: null, PluginOrigin.Unknown)));
    }

    [Fact]
    public async Task WithATokenFile_EverythingButHealthAsksForIt()
    {
        using var folder = new AdminFolder();
        await using var upstream = WireUpstream.Answering();
        await using var host = await folder.StartAsync(upstream, "token_file: token");
        using var admin = await WireClient.ConnectAsync(host.AdminAddress!);
        Assert.Equal(200, (await Get(admin, "/healthz")).Status);
        Assert.Equal(200, (await Get(admin, "/readyz")).Status);
        foreach (string page in (string[])["/metrics", "/config", "/plugins", "/upstreams", "/stats", "/log-level"])
        {
            var refused = await Get(admin, page);
            Assert.Equal(401, refused.Status);
            Assert.Equal("Bearer", refused["www-authenticate"]);
            Assert.Equal(401, (await Get(admin, page, $"authorization: Bearer {Secret}x\r\n")).Status);
            Assert.Equal(401, (await Get(admin, page, $"authorization: Basic {Secret}\r\n")).Status);
            Assert.Equal(200, (await Get(admin, page, $"authorization: Bearer {Secret}\r\n")).Status);
        }
    }

    [Fact]
    public void AddressThatOthersReach_NeedsAToken()
    {
        var result = ConfigReader.Parse("listeners: [ { address: 127.0.0.1:0 } ]\nadmin: { address: 0.0.0.0:9901 }\n", "g.yaml", "/");
        Assert.StartsWith("g.yaml:2: admin.address: an admin listener that others can reach needs a token;", result.Errors[0].ToString());
    }

    [Fact]
    public void TokenThatIsTooShort_IsAnError_AndItIsNotShown()
    {
        using var folder = new AdminFolder();
        folder.Write("token", "short");
        var result = ConfigReader.Parse(folder.Yaml(1, "token_file: token"), "g.yaml", folder.Path);
        string error = Assert.Single(result.Errors).ToString();
        Assert.StartsWith($"g.yaml:2: admin.token_file: {folder.Path}/token holds no token that can be used", error);
        Assert.DoesNotContain("short", error);
    }

    [Fact]
    public async Task Config_ShowsWhatIsInForce_WithoutSecrets_AndTheLastReload()
    {
        using var folder = new AdminFolder();
        await using var upstream = WireUpstream.Answering();
        await using var host = await folder.StartAsync(upstream, "token_file: token");
        using var admin = await WireClient.ConnectAsync(host.AdminAddress!);
        string token = $"authorization: Bearer {Secret}\r\n";
        var before = await Get(admin, "/config", token);
        Assert.DoesNotContain(Secret, before.Text);
        Assert.DoesNotContain("hush", before.Text);
        var shown = JsonDocument.Parse(before.Text).RootElement;
        Assert.Equal(1, shown.GetProperty("generation").GetInt32());
        var configuration = shown.GetProperty("configuration");
        Assert.Equal("token", configuration.GetProperty("admin").GetProperty("token_file").GetString());
        var set = configuration.GetProperty("routes")[0].GetProperty("filters")[0].GetProperty("headers").GetProperty("request").GetProperty("set");
        Assert.Equal("(redacted)", set.GetProperty("authorization").GetString());
        Assert.Equal("edge", set.GetProperty("x-team").GetString());
        folder.Write("gateway.yaml", "listeners: 7\n");
        var refused = await admin.ExchangeAsync($"POST /reload HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n{token}\r\n");
        Assert.Equal(409, refused.Status);
        string problem = JsonDocument.Parse(refused.Text).RootElement.GetProperty("problems")[0].GetString()!;
        Assert.StartsWith($"{folder.Path}/gateway.yaml:1: listeners: must be a list", problem);
        var last = JsonDocument.Parse((await Get(admin, "/config", token)).Text).RootElement.GetProperty("lastReload");
        Assert.Equal("refused", last.GetProperty("result").GetString());
        Assert.Equal(problem, last.GetProperty("problems")[0].GetString());
        folder.Write("gateway.yaml", folder.Yaml(upstream.Port, "token_file: token"));
        var applied = await admin.ExchangeAsync($"POST /reload HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n{token}\r\n");
        Assert.Equal(200, applied.Status);
        Assert.Equal(2, JsonDocument.Parse(applied.Text).RootElement.GetProperty("generation").GetInt32());
    }

    [Fact]
    public void SecretsOfEverySection_AreRedacted()
    {
        const string yaml = """
            redis: { address: 127.0.0.1:6379, password: hush }
            plugins:
              token: { bundle: x.wasm, config: { a: hush, deep: [hush] } }
              users: { bundle: y.wasm, config: hush }
            upstreams: { users: { endpoints: ["http://me:hush@127.0.0.1:1"] } }
            routes:
              - filters:
                  - jwt: { secret: hush, secrets: { k1: hush }, keys_file: visible.json, algorithms: [visible] }
                  - api_key: { keys: [hush, { hush: 1 }], header: visible }
                  - basic_auth: { users: { hush: hush } }
                  - headers: { request: { set: { Authorization: hush, cookie: hush, x-api-key: hush, x-visible: visible } } }
            """;
        var stream = new YamlDotNet.RepresentationModel.YamlStream();
        stream.Load(new StringReader(yaml));
        string shown = Encoding.UTF8.GetString(RedactedText.Of(stream.Documents[0].RootNode).Span);
        Assert.DoesNotContain("hush", shown);
        foreach (string visible in (string[])["\"visible.json\"", "[\"visible\"]", "\"header\":\"visible\"", "\"x-visible\":\"visible\""]) Assert.Contains(visible, shown);
        var root = JsonDocument.Parse(shown).RootElement;
        Assert.Equal("y.wasm", root.GetProperty("plugins").GetProperty("users").GetProperty("bundle").GetString());
        Assert.Equal("http://(redacted)@127.0.0.1:1", root.GetProperty("upstreams").GetProperty("users").GetProperty("endpoints")[0].GetString());
    }

    [Fact]
    public async Task LogLevel_IsShownAndSet()
    {
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await TestGateway.StartAsync(upstream);
        using var admin = await WireClient.ConnectAsync(gateway.Host.AdminAddress!);
        Assert.Contains("\"info\"", (await Get(admin, "/log-level")).Text);
        Assert.Contains("\"debug\"", (await Put(admin, "debug")).Text);
        Assert.True(gateway.Logger.IsEnabled(LogLevel.Debug));
        var refused = await Put(admin, "loud");
        Assert.Equal(400, refused.Status);
        Assert.Contains("trace, debug, info, warn, error, critical", refused.Text);
        Assert.Contains("log level changed from info to debug", gateway.Log);
    }

    [Fact]
    public async Task Plugins_ShowFiguresOfEachCallback_AndStatsShowTraffic()
    {
        await using var upstream = WireUpstream.Answering();
        var plugin = new FakePlugin { Name = "auth", RequestHeaders = static _ => FilterAction.Continue };
        await using var gateway = await TestGateway.StartAsync(upstream, plugin);
        const int requests = PluginStatistics.DefaultMeasureOneIn;
        for (int round = 0; round < requests; round++) await gateway.GetAsync("/");
        await gateway.SettleAsync(requests);
        using var admin = await WireClient.ConnectAsync(gateway.Host.AdminAddress!);
        var shown = JsonDocument.Parse((await Get(admin, "/plugins")).Text).RootElement.GetProperty("plugins")[0];
        Assert.Equal(requests, shown.GetProperty("calls").GetInt32());
        Assert.Equal(1, shown.GetProperty("callbacks").GetProperty("request-headers").GetProperty("samples").GetInt32());
        Assert.Equal(1, shown.GetProperty("callbacks").GetProperty("log").GetProperty("samples").GetInt32());
        var stats = JsonDocument.Parse((await Get(admin, "/stats")).Text).RootElement;
        var route = stats.GetProperty("routes")[0];
        Assert.Equal("*/{rest...}", route.GetProperty("name").GetString());
        Assert.Equal(requests, route.GetProperty("byStatus")[2].GetInt32());
        Assert.Equal(requests, route.GetProperty("buckets").EnumerateArray().Sum(bucket => bucket.GetInt32()));
        Assert.Equal(stats.GetProperty("bucketEdgesUs").GetArrayLength() + 1, route.GetProperty("buckets").GetArrayLength());
    }

    [Fact]
    public async Task UnknownPage_ListsThePages()
    {
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await TestGateway.StartAsync(upstream);
        using var admin = await WireClient.ConnectAsync(gateway.Host.AdminAddress!);
        var answer = await Get(admin, "/nothing");
        Assert.Equal(404, answer.Status);
        Assert.Contains("\"/metrics\"", answer.Text);
        Assert.Equal("nosniff", answer["x-content-type-options"]);
    }

    private static Task<WireMessage> Get(WireClient admin, string page, string fields = "") =>
        admin.ExchangeAsync($"GET {page} HTTP/1.1\r\nhost: localhost\r\n{fields}\r\n");

    private static Task<WireMessage> Put(WireClient admin, string body) =>
        admin.ExchangeAsync($"PUT /log-level HTTP/1.1\r\nhost: localhost\r\ncontent-length: {body.Length}\r\n\r\n{body}");

    /// <summary>A configuration file with a token beside it.</summary>
    private sealed class AdminFolder : IDisposable
    {
        public AdminFolder() => Write("token", Secret + "\n");

        public string Path { get; } = Directory.CreateTempSubdirectory("bimetal-admin-").FullName;

        public string Yaml(int upstreamPort, string admin) => $$"""
            listeners: [ { address: 127.0.0.1:0 } ]
            admin: { address: 127.0.0.1:0, {{admin}} }
            upstreams: { up: { endpoints: [http://127.0.0.1:{{upstreamPort}}] } }
            routes:
              - match: { path: "/{rest...}" }
                filters: [ { headers: { request: { set: { authorization: "Basic hush", x-team: edge } } } } ]
                upstream: up

            """;

        public Task<GatewayHost> StartAsync(WireUpstream upstream, string admin)
        {
            string config = System.IO.Path.Combine(Path, "gateway.yaml");
            Write("gateway.yaml", Yaml(upstream.Port, admin));
            return GatewayHost.StartAsync(ConfigReader.Read(config).Config!, new GatewayOptions { Log = new LineLog(TextWriter.Null), ReadConfiguration = () => ConfigReader.Read(config) }, Cancellation);
        }

        public void Write(string name, string text) => File.WriteAllText(System.IO.Path.Combine(Path, name), text);

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}
