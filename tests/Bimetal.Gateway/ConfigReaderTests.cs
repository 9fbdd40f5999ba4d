// The configuration: what is read, and that every mistake is reported with its line, its key and a way out.

using System.Text;
using Bimetal.Gateway.Configuration;
using Bimetal.Plugins;
using Bimetal.Testing;

namespace Bimetal.Gateway.Tests;

public sealed class ConfigReaderTests
{
    [Fact(Timeout = 60_000)]
    public async Task FilesThatWantToBreakTheReader_AreErrorsWithTheirLine()
    {
        string aliases = "x0: &x0 [a,a,a,a,a,a,a,a,a]\n" + string.Concat(Enumerable.Range(1, 9).Select(level => $"x{level}: &x{level} [{string.Join(',', Enumerable.Repeat($"*x{level - 1}", 9))}]\n"));
        string[] texts =
        [
            "admin: " + new string('[', 1_000_000),
            "admin: " + string.Concat(Enumerable.Repeat("{a: ", 100_000)),
            aliases + "? [*x8]\n: c\n",
            aliases + "plugins: { p: { bundle: /bin/sh, config: { a: *x9 } } }\n",
            "plugins: { p: { bundle: \"a\\0b\" } }\n",
            "plugins: { \"a\\nb\": { bundle: /bin/sh } }\n",
            "telemetry: { access_log: { path: \"\\0\" } }\n",
        ];
        foreach (string text in texts)
        {
            var result = await Task.Run(() => ConfigReader.Parse(text, "f", "/tmp"), TestContext.Current.CancellationToken);
            Assert.Null(result.Config);
            Assert.Contains(result.Errors, error => error.Line > 0);
        }
    }

    private const string Head = """
        listeners: [ { address: 127.0.0.1:8080 } ]
        upstreams:
          api: { endpoints: [http://127.0.0.1:9000] }

        """;

    private const string Routes = "routes: [ { match: { path: \"/{rest...}\" }, upstream: api } ]\n";

    [Fact]
    public void Read_WholeFile_GivesEveryKey()
    {
        var config = Good("""
            listeners: [ { address: 127.0.0.1:8080 }, { address: "[::1]:8443" } ]
            admin: { address: 127.0.0.1:9901 }
            telemetry: { access_log: { path: "-", format: json } }
            upstreams:
              api: { endpoints: [http://127.0.0.1:9000, "http://[::1]:9001"], balance: round-robin, timeouts: { connect: 250ms, headers: none, idle: 2m } }
            plugins:
              device-tag:
                bundle: device.wasm
                config: '{"header":"x-device"}'
              token-auth:
                bundle: .
                trust: first-party
                metal: auto
                latency_budget: 500us
                instance: shared
                config: { key: "0123", depth: 3, on: true, list: [a, 1.5, null], "quoted": "7" }
                limits: { cpu: 1.5ms, cpu_stream: none, start: 3s, pause: none, memory: 32MiB, instances: 16, body_buffer: 64KiB, shared_keys: 7, held_bodies: 2MiB }
                on_error: { load: open, trap: closed, timeout: open, memory: closed }
            routes:
              - match: { host: "*.Example.com", path: "/api/{id}/{rest...}", method: [GET, HEAD] }
                latency_budget: 10ms
                filters: [ { request_id: { keep: true } }, { plugin: token-auth }, { headers: { response: { set: { x-frame-options: DENY }, remove: [server] } } } ]
                upstream: api
            """);
        Assert.Equal(["127.0.0.1:8080", "[::1]:8443"], config.Listeners.Select(listener => listener.Address.ToString()));
        Assert.Equal(9901, config.Admin!.Address.Port);
        Assert.Equal("-", config.Telemetry.AccessLog!.Path);
        var upstream = config.Upstreams["api"];
        Assert.Equal(["http://127.0.0.1:9000/", "http://[::1]:9001/"], upstream.Endpoints.Select(endpoint => endpoint.ToString()));
        Assert.Equal(new UpstreamTimeouts { Connect = TimeSpan.FromMilliseconds(250), Headers = null, Idle = TimeSpan.FromMinutes(2) }, upstream.Timeouts);
        var auth = config.Plugins["token-auth"];
        Assert.Equal(Trust.FirstParty, auth.Trust);
        Assert.Equal(MetalChoice.Auto, auth.Metal);
        Assert.Equal(TimeSpan.FromMicroseconds(500), auth.LatencyBudget);
        Assert.Equal("""{"key":"0123","depth":3,"on":true,"list":["a",1.5,null],"quoted":"7"}""", Encoding.UTF8.GetString(auth.Configuration.Span));
        Assert.Equal(TimeSpan.FromMicroseconds(1500), auth.Limits.CpuPerCallback);
        Assert.Null(auth.Limits.Pause);
        Assert.Equal(32 << 20, auth.Limits.MemoryBytes);
        Assert.Equal(64 << 10, auth.Limits.BodyBufferBytes);
        Assert.Equal(new PluginQuotas { SharedKeys = 7, HeldBodyBytes = 2 << 20 }, auth.Limits.Quotas);
        Assert.True(auth.OnError.LoadOpen && auth.OnError.TimeoutOpen && !auth.OnError.TrapOpen && !auth.OnError.MemoryOpen);
        var tag = config.Plugins["device-tag"];
        Assert.Equal("""{"header":"x-device"}""", Encoding.UTF8.GetString(tag.Configuration.Span));
        Assert.Equal(Path.Combine(Folder, "device.wasm"), tag.Bundle);
        Assert.Equal((Trust.ThirdParty, InstancePolicy.PerRequest), (tag.Trust, tag.EffectiveInstance));
        Assert.Equal(new PluginLimits(), tag.Limits);
        var route = Assert.Single(config.Routes);
        Assert.Equal("GET|HEAD *.example.com/api/{id}/{rest...}", route.Match.ToString());
        Assert.Equal(TimeSpan.FromMilliseconds(10), route.LatencyBudget);
        Assert.IsType<RequestIdFilterConfig>(route.Filters[0]);
        Assert.Equal(new PluginFilterConfig("token-auth"), route.Filters[1]);
        Assert.Equal("server", Assert.Single(Assert.IsType<HeadersFilterConfig>(route.Filters[2]).Response.Remove));
    }

    [Theory]
    [InlineData("listners: []\n", 5, "listners: unknown key; did you mean 'listeners'?")]
    [InlineData("plugins:\n  x:\n    bundle: .\n    limits: { cpuu: 1ms }\n", 8, "plugins.x.limits.cpuu: unknown key; did you mean 'cpu'?")]
    [InlineData("plugins:\n  x: { bundle: ., limits: { cpu: 5 } }\n", 6, "plugins.x.limits.cpu: '5' is not a duration; write a number with us, ms, s, m or h")]
    [InlineData("plugins:\n  x: { bundle: ., limits: { memory: 16 } }\n", 6, "plugins.x.limits.memory: '16' is not a size; write a number with B, KiB, MiB or GiB")]
    [InlineData("plugins:\n  x: { bundle: ., limits: { memory: 1KiB } }\n", 6, "plugins.x.limits.memory: 1KiB is out of range")]
    [InlineData("plugins:\n  x: { bundle: ., limits: { instances: 0 } }\n", 6, "plugins.x.limits.instances: '0' is not a count")]
    [InlineData("plugins:\n  x: { bundle: ., trust: firstparty }\n", 6, "plugins.x.trust: 'firstparty' is not known here; did you mean 'first-party'?")]
    [InlineData("plugins:\n  x: { bundle: ., metal: native }\n", 6, "plugins.x.metal: a third-party plugin never runs native")]
    [InlineData("plugins:\n  x: { trust: first-party }\n", 6, "plugins.x.bundle: is required")]
    [InlineData("plugins:\n  x: { bundle: nowhere.wasm }\n", 6, "plugins.x.bundle: there is no file or folder")]
    [InlineData("plugins:\n  x: { bundle: oci://x/y }\n", 6, "plugins.x.bundle: 'oci://x/y' is not a reference to a registry")]
    [InlineData("plugins:\n  x: { bundle: \"oci://h/y:1\", pull: { interval: 10ms } }\n", 6, "plugins.x.pull.interval: is too short; write 1s or more, or none")]
    [InlineData("plugins:\n  x: { bundle: \"oci://h/y:1\", pull: { policy: never, interval: 5m } }\n", 6, "plugins.x.pull.interval: stands beside policy: never")]
    [InlineData("signatures: { require: true }\n", 5, "signatures.require: is true, and there is no key, so no bundle could ever be loaded")]
    [InlineData("signatures: { builders: [/nowhere/key.pem] }\n", 5, "signatures.builders: /nowhere/key.pem: cannot be read")]
    [InlineData("plugins:\n  x: { bundle: ., shadow: { metal: native } }\n", 6, "plugins.x.shadow: a third-party plugin never runs native")]
    [InlineData("redis: { address: nowhere }\n", 5, "redis.address: 'nowhere' is not a host and a port")]
    [InlineData("redis: { address: 127.0.0.1:6379, timeout: 5m }\n", 5, "redis.timeout: is out of range")]
    [InlineData("redis: { address: 127.0.0.1:6379, user: u }\n", 5, "redis.user: needs a password")]
    [InlineData("admin: { address: 0.0.0.0:9901 }\n", 5, "admin.address: an admin listener that others can reach needs a token")]
    [InlineData("telemetry: { otlp: x }\n", 5, "telemetry.otlp: 'x' is not an http URL")]
    public void Mistake_IsReportedWithItsLineAndKey(string text, int line, string message)
    {
        var error = Assert.Single(Bad(Head + Routes + text));
        Assert.Equal(line, error.Line);
        Assert.StartsWith($"gateway.yaml:{line}: {message}", error.ToString());
    }

    [Theory]
    [InlineData("endpoints: []", "endpoints: is empty")]
    [InlineData("balance: round-robin", "endpoints: is required")]
    [InlineData("endpoints: [http://a, http://a]", "endpoints[1]: http://a/ stands there twice")]
    [InlineData("endpoints: [ { url: http://a, weight: 0 } ]", "endpoints[0].weight: '0' is not a count")]
    [InlineData("endpoints: [http://a], balance: weighted", "balance: 'weighted' is not known here")]
    [InlineData("endpoints: [http://a], balance: consistent-hash", "balance: consistent-hash needs a key")]
    [InlineData("endpoints: [http://a], hash: { header: x }", "hash: has a meaning with balance: consistent-hash only")]
    [InlineData("endpoints: [http://a], balance: consistent-hash, hash: { header: x, cookie: y }", "hash: has exactly one key")]
    [InlineData("endpoints: [http://a], health: { interval: 1s }", "health.interval: has a meaning for checks only")]
    [InlineData("endpoints: [http://a], health: { path: /a/../b }", "health.path: '/a/../b' is not a path in normal form")]
    [InlineData("endpoints: [http://a], health: { path: /, status: 299-200 }", "health.status: '299-200' is not a status")]
    [InlineData("endpoints: [http://a], health: { panic: 0.5 }", "health.panic: '0.5' is not a share")]
    [InlineData("endpoints: [http://a], retries: { on: [reset] }", "retries.on: 'reset' is not known here; allowed: connect-failure")]
    [InlineData("endpoints: [http://a], retries: { atempts: 1 }", "retries.atempts: unknown key; did you mean 'attempts'? (allowed: attempts, on, per_try, buffer, backoff, budget)")]
    [InlineData("endpoints: [http://a], retries: { attempts: 11 }", "retries.attempts: '11' is not a count")]
    [InlineData("endpoints: [http://a], limits: { connections: 0 }", "limits.connections: '0' is not a count")]
    [InlineData("endpoints: [http://a], tls: {}", "tls: no endpoint speaks TLS")]
    public void MistakeInAnUpstream_IsReported(string upstream, string message)
    {
        var error = Assert.Single(Bad($"listeners: [ {{ address: 127.0.0.1:8080 }} ]\nupstreams:\n  api: {{ {upstream} }}\nroutes: [ {{ match: {{ path: / }}, upstream: api }} ]\n"));
        Assert.StartsWith($"gateway.yaml:3: upstreams.api.{message}", error.ToString());
    }

    [Fact]
    public void Upstream_WithEveryKey_IsRead()
    {
        var result = ConfigReader.Parse(Head.Replace("{ endpoints: [http://127.0.0.1:9000] }", string.Join("\n      ", """
            {
              endpoints: [http://127.0.0.1:9000, { url: http://b.test:81, weight: 3 }], balance: consistent-hash, hash: { cookie: session }, resolve_interval: 5s,
              health: { path: /healthz, host: a.test, interval: 2s, timeout: 300ms, healthy: 1, unhealthy: 4, status: [200, 204-206], panic: 50%, passive: { failures: 7, eject: 1s, max_eject: 9s, status: 500-599 } },
              retries: { attempts: 3, on: [connect-failure, timeout, 503], per_try: 2s, buffer: 1KiB, backoff: 5ms, budget: { share: 10%, minimum: 2 } },
              timeouts: { connect: 2s, headers: 3s, idle: 4s, total: 5s }, limits: { connections: 10, pending: 20, requests: 30 } }
            """.Split('\n')), StringComparison.Ordinal) + Routes, "gateway.yaml", Folder);
        Assert.Empty(result.Errors);
        var upstream = result.Config!.Upstreams["api"];
        Assert.Equal([new(new Uri("http://127.0.0.1:9000")), new EndpointConfig(new Uri("http://b.test:81"), 3)], upstream.Endpoints);
        Assert.Equal((new BalanceConfig(BalanceKind.ConsistentHash, HashKeyKind.Cookie, "session"), TimeSpan.FromSeconds(5)), (upstream.Balance, upstream.ResolveInterval));
        var active = upstream.Health.Active!;
        Assert.Equal(("/healthz", "a.test", 2.0, 300.0, 1, 4, 0.5), (active.Path, active.Host, active.Interval.TotalSeconds, active.Timeout.TotalMilliseconds, active.Healthy, active.Unhealthy, upstream.Health.Panic));
        Assert.Equal([new(200, 200), new StatusRange(204, 206)], active.Statuses);
        var passive = upstream.Health.Passive!;
        Assert.Equal((7, 1.0, 9.0, new StatusRange(500, 599)), (passive.Failures, passive.Eject.TotalSeconds, passive.MaximumEject.TotalSeconds, passive.Statuses.Single()));
        Assert.Equal(
            new RetryConfig
            {
                Attempts = 3, On = RetryCauses.ConnectFailure | RetryCauses.Timeout | RetryCauses.Status503, PerTry = TimeSpan.FromSeconds(2), BufferBytes = 1024,
                Backoff = TimeSpan.FromMilliseconds(5), Budget = new(0.1, 2),
            },
            upstream.Retries);
        Assert.Equal(new UpstreamLimits { Connections = 10, Pending = 20, Requests = 30 }, upstream.Limits);
        Assert.Equal(TimeSpan.FromSeconds(5), upstream.Timeouts.Total);
    }

    [Theory]
    [InlineData("{ match: { path: /x }, upstream: apo }", "routes[0].upstream: there is no upstream 'apo'; did you mean 'api'?")]
    [InlineData("{ match: { path: x }, upstream: api }", "routes[0].match.path: 'x' is not a path pattern: it does not begin with /")]
    [InlineData("{ match: { path: \"/{rest...}/x\" }, upstream: api }", "routes[0].match.path: '/{rest...}/x' is not a path pattern: '{rest...}' is not the last segment")]
    [InlineData("{ match: { path: \"/a{b}\" }, upstream: api }", "routes[0].match.path: '/a{b}' is not a path pattern: 'a{b}': a parameter is a whole segment")]
    [InlineData("{ match: { path: \"/{a}/{a}\" }, upstream: api }", "routes[0].match.path: '/{a}/{a}' is not a path pattern: the name a stands there twice")]
    [InlineData("{ match: { path: \"/a/../b\" }, upstream: api }", "routes[0].match.path: '/a/../b' is not a path pattern")]
    [InlineData("{ match: { host: \"a.*\", path: /x }, upstream: api }", "routes[0].match.host: 'a.*' is not a host pattern")]
    [InlineData("{ match: { path: /x, method: get }, upstream: api }", "routes[0].match.method: 'get' is not a method")]
    [InlineData("{ match: { path: /x, method: [] }, upstream: api }", "routes[0].match.method: is empty")]
    [InlineData("{ match: { path: /x, headers: { host: b } }, upstream: api }", "routes[0].match.headers.host: 'host' is not a field that routes see")]
    [InlineData("{ match: { path: /x, headers: { te: b } }, upstream: api }", "routes[0].match.headers.te: never matches")]
    [InlineData("{ match: { path: /x, headers: { a: ' b' } }, upstream: api }", "routes[0].match.headers.a: never matches")]
    [InlineData("{ match: { path: /x, query: { a: { prefix: b, suffix: c } } }, upstream: api }", "routes[0].match.query.a: a condition has exactly one key")]
    [InlineData("{ match: { path: /x, query: { a: { regex: b } } }, upstream: api }", "routes[0].match.query.a.regex: unknown key")]
    [InlineData("{ match: { path: '/{id}' }, upstream: api, rewrite: { path: '/{ir}' } }", "routes[0].rewrite.path: there is no name 'ir'; known here: id")]
    [InlineData("{ match: { path: '/{id}' }, upstream: api, rewrite: { path: '/../{id}' } }", "routes[0].rewrite.path: '/../{id}' is not a path in normal form")]
    [InlineData("{ match: { path: '/{id}' }, upstream: api, rewrite: { prefix: /v2 } }", "routes[0].rewrite.prefix: replaces what stands before {rest...}")]
    [InlineData("{ match: { path: '/{r...}' }, redirect: { to: 'https://a.example{r}' } }", "routes[0].redirect.to: 'https://a.example{r}': clients could choose the host")]
    [InlineData("{ match: { path: '/{r...}' }, redirect: { to: '{r}' } }", "routes[0].redirect.to: '{r}': clients could choose the host")]
    [InlineData("{ match: { path: '/{r...}' }, redirect: { to: '//{r}' } }", "routes[0].redirect.to: '//{r}': clients could choose the host")]
    [InlineData("{ match: { path: '/{r...}' }, redirect: { to: 'https://{r}/' } }", "routes[0].redirect.to: 'https://{r}/': clients could choose the host")]
    [InlineData("{ match: { path: /x }, redirect: { to: /y, status: 200 } }", "routes[0].redirect.status: '200' is not known here")]
    [InlineData("{ match: { path: /x }, redirect: { to: /y }, upstream: api }", "routes[0].redirect: a route has one action")]
    [InlineData("{ match: { path: /x }, response: { file: nowhere } }", "routes[0].response.file: there is no file")]
    [InlineData("{ match: { path: /x }, response: { status: 204, body: x } }", "routes[0].response.status: 204 has no body")]
    [InlineData("{ match: { path: /x }, response: {}, rewrite: { host: a } }", "routes[0].rewrite: rewrites what an upstream gets")]
    [InlineData("{ match: { path: /x }, upstream: api, limits: { requests: 0 } }", "routes[0].limits.requests: '0' is not a count")]
    [InlineData("{ match: { path: /x }, upstream: api, timeouts: { connect: 1s } }", "routes[0].timeouts.connect: unknown key")]
    [InlineData("{ match: { path: /x }, upstream: api, filters: [ { plugin: no } ] }", "routes[0].filters[0].plugin: there is no plugin 'no'")]
    [InlineData("{ match: { path: /x }, upstream: api, filters: [ { event_windows: { field: a, events: 1 } } ] }", "routes[0].filters[0].event_windows: unknown key")]
    [InlineData("{ match: { path: /x }, upstream: api, filters: [ { headers: { request: { set: { host: x } } } } ] }", "routes[0].filters[0].headers.request.set.host: 'host' is not a field that can be set")]
    [InlineData("{ upstream: api }", "routes[0].match: is required")]
    [InlineData("{ match: { path: /x } }", "routes[0].upstream: is required")]
    public void MistakeInARoute_IsReported(string route, string message)
    {
        var error = Assert.Single(Bad(Head + $"routes: [ {route} ]\n"));
        Assert.StartsWith($"gateway.yaml:4: {message}", error.ToString());
    }

    [Fact]
    public void AllMistakes_AreReportedAtOnce_InOrder()
    {
        var errors = Bad("""
            listeners: [ { address: 127.0.0.1 } ]
            upstreams:
              api: { endpoints: [ftp://x], balance: fastest, retries: { tries: 3 } }
            routes:
              - match: { path: /x }
                upstream: nope
                latency_budget: soon
            """);
        Assert.Equal(
            ["1 listeners[0].address", "3 upstreams.api.endpoints[0]", "3 upstreams.api.balance", "3 upstreams.api.retries.tries", "6 routes[0].upstream", "7 routes[0].latency_budget"],
            errors.Select(error => $"{error.Line} {error.Key}"));
    }

    [Fact]
    public void RoutesThatNeverMatch_AreReportedWithBothLines()
    {
        var errors = Bad(Head + """
            routes:
              - { match: { path: "/a/{x}" }, upstream: api }
              - { match: { path: "/a/{y}", method: GET }, upstream: api }
              - { match: { path: "/a/{z}" }, upstream: api }
            """);
        Assert.Equal("gateway.yaml:7: routes[2]: never matches: all its requests go to routes[0] on line 5 (*/a/{x}), or to others that come before it; remove one, or tell them apart by host, path, method, headers or query", Assert.Single(errors).ToString());
    }

    [Theory]
    [InlineData("", "gateway.yaml: has 0 YAML documents")]
    [InlineData("a: [\n", "gateway.yaml:2: not valid YAML")]
    [InlineData("a: 1\na: 2\n", "gateway.yaml:2: not valid YAML")]
    [InlineData("- a\n", "gateway.yaml:1: must be a mapping")]
    [InlineData("upstreams:\n  api: {\n  endpoints: [x],\n}\n", "gateway.yaml:")]
    [InlineData("routes: []\n", "gateway.yaml:1: listeners: at least one is required")]
    public void TextThatIsNoConfiguration_IsReported(string text, string message) => Assert.StartsWith(message, Bad(text)[0].ToString());

    [Fact]
    public void MissingFile_IsReported()
    {
        var (config, errors) = ConfigReader.Read("/nowhere/gateway.yaml");
        Assert.Null(config);
        Assert.StartsWith("/nowhere/gateway.yaml: cannot be read", Assert.Single(errors).ToString());
    }

    [Fact]
    public void AliasBomb_IsRefused()
    {
        var text = new StringBuilder("plugins:\n  x:\n    bundle: .\n    config:\n      a0: &a0 [xxxxxxxxxx, xxxxxxxxxx]\n");
        for (int level = 1; level < 30; level++) text.Append($"      a{level}: &a{level} [*a{level - 1}, *a{level - 1}, *a{level - 1}]\n");
        Assert.Contains("larger than", Assert.Single(Bad(Head + Routes + text)).Message);
    }

    [Fact]
    public void SettingsThatNativeCannotHonour_AreWarnings()
    {
        var result = ConfigReader.Parse(Head + Routes + "plugins:\n  x: { bundle: ., trust: first-party, metal: native, instance: per-request, limits: { cpu: 1ms, memory: 16MiB, pause: 1s } }\n", "gateway.yaml", Folder);
        Assert.Empty(result.Errors);
        Assert.Equal(["plugins.x.limits.cpu", "plugins.x.limits.memory", "plugins.x.instance"], result.Warnings.Select(warning => warning.Key));
        Assert.All(result.Warnings, warning => Assert.Equal(6, warning.Line));
    }

    [Fact]
    public void ExampleInTheDocument_IsValid()
    {
        string document = File.ReadAllText(Path.Combine(Repository.Root, "docs/gateway.md"));
        string example = document.Split("```yaml\n")[1].Split("```")[0];
        var (config, errors) = ConfigReader.Parse(example, "docs/gateway.md", Repository.Root);
        Assert.Empty(errors);
        Assert.Equal(new UpstreamTimeouts(), config!.Upstreams["api"].Timeouts);
    }

    private static string Folder { get; } = CreateFolder();

    private static string CreateFolder()
    {
        string folder = Path.Combine(Path.GetTempPath(), "bimetal-config-" + Path.GetRandomFileName());
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "device.wasm"), "");
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(folder, recursive: true);
        return folder;
    }

    private static GatewayConfig Good(string text)
    {
        var (config, errors) = ConfigReader.Parse(text, "gateway.yaml", Folder);
        Assert.Empty(errors);
        return config!;
    }

    private static IReadOnlyList<ConfigError> Bad(string text)
    {
        var (config, errors) = ConfigReader.Parse(text, "gateway.yaml", Folder);
        Assert.Null(config);
        Assert.NotEmpty(errors);
        return errors;
    }
}
