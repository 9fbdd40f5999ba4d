// `bimetal demo --once`: hundreds of requests over real connections through two gateways, one with every plugin native, one with every plugin
// on wasm. What the clients get and what the upstreams see has to be the same, byte for byte.

using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Bimetal.Gateway.Configuration;
using Bimetal.Plugins;
using Bimetal.Plugins.Bundles.Cases;

namespace Bimetal.Gateway.Demo;

public static class DemoOnce
{
    /// <summary>Fewer requests prove too little.</summary>
    public const int MinimumRequests = 400;

    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(10);

    /// <summary>Builds the plugins if needed, starts both gateways, sends everything through both and stops them.</summary>
    /// <exception cref="PluginLoadException">A plugin cannot be built or loaded.</exception>
    /// <exception cref="GatewayStartException">A gateway cannot start.</exception>
    public static async Task<DemoOnceResult> RunAsync(DemoOptions options, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        var traffic = new OnceTraffic(await options.BuildPluginsAsync(cancellation));
        options.Progress?.Report("starting two gateways: every plugin native, every plugin on wasm");
        await using var native = await OnceSide.StartAsync(Metal.Native, traffic, options, cancellation);
        await using var wasm = await OnceSide.StartAsync(Metal.Wasm, traffic, options, cancellation);
        options.Progress?.Report($"sending {traffic.Exchanges.Count} requests through both");
        long started = Stopwatch.GetTimestamp();
        var problems = new List<DemoProblem>();
        foreach (var exchange in traffic.Exchanges)
        {
            var fromNative = await native.SendAsync(exchange, AnswerLimit, cancellation);
            var fromWasm = await wasm.SendAsync(exchange, AnswerLimit, cancellation);
            if (OnceVerdict.Of(exchange, fromNative, fromWasm) is { } problem) problems.Add(new DemoProblem(exchange.Plugin, exchange.Name, problem));
        }

        var counts = traffic.Exchanges.GroupBy(exchange => (exchange.Plugin, exchange.Kind)).Select(group => new DemoCount(group.Key.Plugin, group.Key.Kind, group.Count()));
        return new DemoOnceResult([.. counts], problems, Stopwatch.GetElapsedTime(started));
    }
}

/// <summary>What came of one request on one metal; null: nothing came there.</summary>
internal sealed record OnceOutcome(OnceMessage? Answer, OnceMessage? Forwarded, bool HasSmuggled);

/// <summary>One gateway with all plugins on one metal, its upstream, and a client that keeps its connection.</summary>
internal sealed class OnceSide : IAsyncDisposable
{
    private readonly GatewayHost _host;
    private readonly OnceUpstream _upstream;
    private readonly CaseClock _clock;
    private TcpClient? _client;
    private OnceReader? _reader;

    private OnceSide(GatewayHost host, OnceUpstream upstream, CaseClock clock)
    {
        _host = host;
        _upstream = upstream;
        _clock = clock;
    }

    public static async Task<OnceSide> StartAsync(Metal metal, OnceTraffic traffic, DemoOptions options, CancellationToken cancellation)
    {
        var clock = new CaseClock();
        var upstream = new OnceUpstream(traffic.Exchanges.ToDictionary(exchange => exchange.Number));
        try
        {
            int errorCount = 0;
            var host = await GatewayHost.StartAsync(Configuration(metal, traffic, upstream.Address), options.Gateway with
            {
                PluginServices = options.Gateway.PluginServices with { Time = clock },

                // Counted, not random: both gateways give the same ids for the same errors.
                NewErrorId = () => $"demo-{Interlocked.Increment(ref errorCount):d6}",
            }, cancellation);
            return new OnceSide(host, upstream, clock);
        }
        catch
        {
            await upstream.DisposeAsync();
            throw;
        }
    }

    public async Task<OnceOutcome> SendAsync(OnceExchange exchange, TimeSpan limit, CancellationToken cancellation)
    {
        _clock.Set(exchange.Clock);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        deadline.CancelAfter(limit);
        var answer = await AnswerAsync(exchange, deadline.Token);

        // Attacks and broken answers leave the connection in a state that the next request must not inherit.
        if (exchange.Expected is null || answer is not { IsWhole: true } || answer.Values("connection") is ["close"]) Disconnect();
        bool hasSmuggled = _upstream.Received.Values.Any(request => request.StartLine.Contains("/smuggled", StringComparison.Ordinal));
        return new OnceOutcome(answer, _upstream.Received.GetValueOrDefault(exchange.Number), hasSmuggled);
    }

    public async ValueTask DisposeAsync()
    {
        Disconnect();
        await _host.DisposeAsync();
        await _upstream.DisposeAsync();
    }

    private async Task<OnceMessage?> AnswerAsync(OnceExchange exchange, CancellationToken cancellation)
    {
        try
        {
            await ConnectAsync(cancellation);
            await _client!.GetStream().WriteAsync(exchange.Request, cancellation);
            return await _reader!.ReadAsync(exchange.IsHead, cancellation);
        }
        catch (IOException)
        {
            // The gateway closed while the request was being sent; an answer may be there all the same.
            return _reader is null ? null : await _reader.ReadAsync(exchange.IsHead, cancellation);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            Disconnect();
            return new OnceMessage("no answer in time", [], [], false);
        }
    }

    private async Task ConnectAsync(CancellationToken cancellation)
    {
        if (_client is not null) return;
        var client = new TcpClient { NoDelay = true };
        await client.ConnectAsync(_host.Listeners[0].Address, cancellation);
        _client = client;
        _reader = new OnceReader(client.GetStream());
    }

    private void Disconnect()
    {
        _client?.Dispose();
        _client = null;
        _reader = null;
    }

    // As each metal is meant to be configured: native is first-party and shared, wasm gets a fresh instance per request.
    private static GatewayConfig Configuration(Metal metal, OnceTraffic traffic, IPEndPoint upstream) => new()
    {
        Listeners = [new ListenerConfig("listeners[0]", new IPEndPoint(IPAddress.Loopback, 0)) { Http2 = false }], // its preface is one of the attacks
        Upstreams = new Dictionary<string, UpstreamConfig> { ["demo"] = new() { Name = "demo", Endpoints = [new Uri($"http://{upstream}")] } },
        Plugins = traffic.Targets.ToDictionary(target => target.PluginName, target => new PluginConfig
        {
            Name = target.PluginName,
            Bundle = target.Folder.Path,
            Trust = metal == Metal.Native ? Trust.FirstParty : Trust.ThirdParty,
            Metal = metal == Metal.Native ? MetalChoice.Native : MetalChoice.Wasm,
            Configuration = Encoding.UTF8.GetBytes(target.Configuration),
        }),
        Routes = [.. traffic.Targets.Select(target => new RouteConfig
        {
            Match = new RouteMatchConfig { Host = target.Host },
            Filters = [new PluginFilterConfig(target.PluginName)],
            Upstream = "demo",
        })],
    };
}
