// A gateway with fake plugins in front of one upstream, on free loopback ports.

using System.Net;
using System.Text;
using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Telemetry;
using Bimetal.Gateway.Upstreams;
using Bimetal.Plugins;

namespace Bimetal.Gateway.Tests.Support;

internal sealed class TestGateway : IAsyncDisposable
{
    private readonly MemoryStream _accessLog = new();
    private readonly LogText _log;

    private TestGateway(GatewayHost host, MemoryStream accessLog, LogText log, GatewayOptions options)
    {
        Host = host;
        PluginStates = options.PluginServices.States;
        Logger = options.Log;
        _accessLog = accessLog;
        _log = log;
    }

    public GatewayHost Host { get; }

    public Bimetal.Plugins.ProxyWasm.State.PluginStates PluginStates { get; }

    public Microsoft.Extensions.Logging.ILogger Logger { get; }

    public IPEndPoint Address => Host.Listeners[0].Address;

    public string Log => _log.ToString();

    /// <summary>Complete only after the gateway was stopped.</summary>
    public string AccessLog => Encoding.UTF8.GetString(_accessLog.ToArray());

    /// <summary>One route for everything, through the plugins in this order.</summary>
    public static Task<TestGateway> StartAsync(WireUpstream upstream, params FakePlugin[] plugins) =>
        StartAsync(new Uri($"http://127.0.0.1:{upstream.Port}"), null, plugins);

    public static async Task<TestGateway> StartAsync(Uri upstream, Func<GatewayConfig, GatewayConfig>? change, params FakePlugin[] plugins)
    {
        var config = new GatewayConfig
        {
            Listeners = [new ListenerConfig("listeners[0]", new IPEndPoint(IPAddress.Loopback, 0))],
            Admin = new AdminConfig(new IPEndPoint(IPAddress.Loopback, 0)),
            Telemetry = new TelemetryConfig { AccessLog = new AccessLogConfig("-") },
            Upstreams = new Dictionary<string, UpstreamConfig> { ["up"] = new() { Name = "up", Endpoints = [upstream] } },
            Plugins = plugins.ToDictionary(plugin => plugin.Name, plugin => new PluginConfig { Name = plugin.Name, Bundle = "/" + plugin.Name }),
            Routes = [new RouteConfig { Upstream = "up", Filters = [.. plugins.Select(plugin => new PluginFilterConfig(plugin.Name))] }],
        };
        return await StartAsync(change?.Invoke(config) ?? config, plugins);
    }

    /// <summary>One route for everything, with filters as a configuration file writes them: a YAML list in brackets.</summary>
    /// <param name="head">Further top-level keys.</param>
    public static Task<TestGateway> WithFiltersAsync(WireUpstream upstream, string filters, string head = "")
    {
        var (config, errors) = ConfigReader.Parse(
            $$"""
            listeners: [ { address: 127.0.0.1:0 } ]
            telemetry: { access_log: { path: "-", format: json } }
            upstreams: { up: { endpoints: [http://127.0.0.1:{{upstream.Port}}] } }
            {{head}}
            routes: [ { match: { path: "/{rest...}" }, upstream: up, filters: {{filters}} } ]
            """,
            "test.yaml", "/");
        Assert.Empty(errors);
        return StartAsync(config!);
    }

    public static async Task<TestGateway> StartAsync(GatewayConfig config, params FakePlugin[] plugins)
    {
        var accessLog = new MemoryStream();
        var log = new LogText();
        var options = new GatewayOptions
        {
            Log = new LineLog(log),
            AccessLogOutput = accessLog,
            LoadPlugin = (plugin, _) => Task.FromResult<Plugin>(plugins.Single(fake => fake.Name == plugin.Name)),
        };
        return new TestGateway(await GatewayHost.StartAsync(config, options), accessLog, log, options);
    }

    /// <summary>Waits until that many exchanges are counted: a client can have its answer a moment before.</summary>
    public async Task SettleAsync(long exchanges)
    {
        while (Host.Model.Traffic.Used.Sum(traffic => traffic.Read().Requests) < exchanges) await Task.Delay(5, TestContext.Current.CancellationToken);
    }

    /// <summary>Whether every exchange has ended, those whose clients are gone included, and so many connections are left; waits for that a while.</summary>
    public async Task<bool> IsIdleAsync(int connections = 0)
    {
        var time = System.Diagnostics.Stopwatch.StartNew();
        while (!IsIdle() && time.Elapsed < TimeSpan.FromSeconds(10)) await Task.Delay(5, TestContext.Current.CancellationToken);
        return IsIdle();
        bool IsIdle() => Host.Model.ActiveExchanges == 0 && Host.OpenConnections == connections;
    }

    public UpstreamReport Upstream(string name) => UpstreamReport.Of(Host.Model.Upstreams.Single(upstream => upstream.Name == name));

    public Task<WireClient> ConnectAsync() => WireClient.ConnectAsync(Address);

    public async Task<WireMessage> GetAsync(string target, string fields = "")
    {
        using var client = await ConnectAsync();
        return await client.GetAsync(target, fields);
    }

    public async Task<WireMessage> PostAsync(string target, string body, string fields = "")
    {
        using var client = await ConnectAsync();
        return await client.PostAsync(target, body, fields);
    }

    public async ValueTask DisposeAsync()
    {
        await Host.DisposeAsync();
        TestContext.Current.TestOutputHelper?.WriteLine(Log + AccessLog);
    }
}
