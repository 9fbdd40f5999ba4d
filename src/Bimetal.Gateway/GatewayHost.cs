// A running gateway: loads the plugins, opens the listeners, publishes the model, and replaces it when the configuration changes; drains and
// closes in reverse.

using System.Diagnostics;
using System.Net;
using Bimetal.Gateway.Admin;
using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Limits;
using Bimetal.Gateway.Listeners;
using Bimetal.Gateway.Operation;
using Bimetal.Gateway.Telemetry;
using Bimetal.Gateway.Transport;
using Bimetal.Gateway.Upstreams;
using Bimetal.Gateway.Upstreams.Http2;
using Bimetal.Plugins;
using Bimetal.Plugins.Callouts;
using Bimetal.Plugins.ProxyWasm.State;

namespace Bimetal.Gateway;

/// <summary>Started by <see cref="StartAsync"/>; stop it with <see cref="StopAsync"/> or by disposing it.</summary>
public sealed class GatewayHost : IAsyncDisposable
{
    private readonly GatewayOptions _options;
    private readonly EventLoops _loops = new(Environment.ProcessorCount);
    private readonly GatewayServices _services;
    private readonly Reloader _reloader;
    private readonly UpstreamStates _upstreams;
    private readonly UpstreamHttpCaller _callouts;
    private readonly PluginStates _pluginStates;
    private readonly SemaphoreSlim _changing = new(1, 1);
    private readonly CancellationTokenSource _stopping = new();

    // Of what is retired: ends the waiting for exchanges that do not come to an end.
    private readonly CancellationTokenSource _giveUp = new();
    private readonly RetiredModels _retired = new();
    private volatile GatewayModel? _model;
    private volatile ListenerSet _traffic = ListenerSet.Empty;
    private volatile ListenerSet _admin = ListenerSet.Empty;
    private int _isStopped;
    private Task _polls = Task.CompletedTask;

    private GatewayHost(GatewayOptions options)
    {
        _callouts = new UpstreamHttpCaller(_loops);
        _options = options with { PluginServices = options.PluginServices with { HttpCaller = _callouts } };
        _services = new GatewayServices(_loops, options.Time, options.Log, options.NewErrorId ?? (static () => Random.Shared.NextInt64().ToString("x16")));
        _upstreams = new UpstreamStates(options.Time, options.Log, static upstream => upstream.Http2 ? new Http2UpstreamClient(upstream) : new Http1UpstreamClient(upstream), _loops);
        _pluginStates = options.PluginServices.States;
        _reloader = new Reloader(options.ReadConfiguration, ChangeAsync, () => Model.Generation, options.Notify, options.Time, options.Log);
    }

    /// <summary>The traffic listeners with their real ports, in the order of the configuration.</summary>
    public IReadOnlyList<BoundListener> Listeners => _traffic.Bound;

    /// <summary>The admin listener, if there is one.</summary>
    public IPEndPoint? AdminAddress => _admin.Bound is [var admin, ..] ? admin.Address : null;

    /// <summary>The loaded plugins by name; for the meter and for tests.</summary>
    public IReadOnlyDictionary<string, Plugin> Plugins =>
        Model.Plugins.Where(loaded => loaded.Plugin is not null).ToDictionary(loaded => loaded.Config.Name, loaded => loaded.Plugin!);

    /// <summary>Closes the file of the access log and opens its name again, after it was renamed.</summary>
    public void ReopenLogs() => _model?.Telemetry.AccessLog?.Reopen();

    internal GatewayModel Model => _model ?? throw new InvalidOperationException("The gateway has not started.");

    /// <summary>Of clients, on all traffic listeners.</summary>
    internal int OpenConnections => _services.OpenConnections;

    internal Reloader Reloader => _reloader;

    /// <summary>What makes the requests of plugins.</summary>
    internal IHttpCaller HttpCaller => _callouts;

    internal int RetiredModelCount => _retired.Count;

    /// <summary>Starts a gateway; when this returns it takes traffic.</summary>
    /// <exception cref="GatewayStartException">An address cannot be bound or plugins cannot be loaded; nothing is left running.</exception>
    public static async Task<GatewayHost> StartAsync(GatewayConfig config, GatewayOptions options, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(options);
        long started = Stopwatch.GetTimestamp();
        var host = new GatewayHost(options);
        try
        {
            await host.ChangeAsync(config, cancellation);
        }
        catch
        {
            await host.ReleaseAsync();
            throw;
        }

        var polls = new BundlePoll(() => host.Model.Config, options.PluginServices.Bundles, () => host._reloader.ReloadAsync("registry"), options.Time, options.Log);
        host._polls = Task.Run(() => polls.RunAsync(host._stopping.Token), CancellationToken.None);
        GatewayLog.Started(
            options.Log, config.Routes.Count, config.Upstreams.Count, config.Plugins.Count, (long)Stopwatch.GetElapsedTime(started).TotalMilliseconds);
        return host;
    }

    /// <summary>Makes a configuration the one in force, as a whole: requests in flight end on the one before.</summary>
    /// <exception cref="GatewayStartException">An address cannot be bound or plugins cannot be loaded; nothing has changed.</exception>
    public Task ReloadAsync(GatewayConfig config, CancellationToken cancellation = default) => ChangeAsync(config, cancellation);

    /// <summary>Says in <c>/readyz</c> that no more traffic is wanted, and asks clients with each response to close their connection. Takes new ones still.</summary>
    public void BeginDrain() => _services.IsDraining = true;

    /// <summary>Takes no new connections, waits for requests in flight at most <paramref name="drain"/>, then closes everything. Once.</summary>
    public async Task StopAsync(TimeSpan drain)
    {
        if (Interlocked.Exchange(ref _isStopped, 1) != 0) return;
        GatewayLog.Draining(_options.Log, drain.TotalSeconds);
        BeginDrain();
        await _stopping.CancelAsync();

        // A reload that is under way ends first; a later one is refused.
        await _polls;
        await _changing.WaitAsync();
        _changing.Release();
        using var deadline = new CancellationTokenSource(drain);
        await _traffic.CloseAsync(deadline.Token);
        await _admin.CloseAsync(new CancellationToken(canceled: true));
        await ReleaseAsync();
        GatewayLog.Stopped(_options.Log);
    }

    public async ValueTask DisposeAsync() => await StopAsync(TimeSpan.Zero);

    private Task<int> ChangeAsync(GatewayConfig config) => ChangeAsync(config, CancellationToken.None);

    private async Task<int> ChangeAsync(GatewayConfig config, CancellationToken cancellation)
    {
        if (config.Listeners.Count == 0) throw new GatewayStartException("listeners: at least one is required");
        await _changing.WaitAsync(cancellation);
        try
        {
            if (_isStopped != 0) throw new GatewayStartException("the gateway is stopping");
            using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellation, _stopping.Token);
            var next = await MakeModelAsync(config, linked.Token);
            try
            {
                await PublishAsync(next, linked.Token);
            }
            catch
            {
                // A listener of it may have taken requests already.
                _retired.Add(next.RetireAsync(_giveUp.Token));
                throw;
            }

            return next.Generation;
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            throw new GatewayStartException("the gateway is stopping");
        }
        finally
        {
            _callouts.Settle();
            _pluginStates.Memory.LimitBytes = (_model?.Config ?? config).PluginMemoryBytes;
            _changing.Release();
        }
    }

    private async Task<GatewayModel> MakeModelAsync(GatewayConfig config, CancellationToken cancellation)
    {
        var previous = _model;
        _callouts.Expect(config);
        _pluginStates.Memory.LimitBytes = config.PluginMemoryBytes;
        var plugins = await PluginStart.LoadAllAsync(config, previous?.Plugins ?? [], _options, cancellation);
        TelemetryModel? telemetry = null;
        try
        {
            telemetry = TelemetryModel.Open(config.Telemetry, previous?.Telemetry, _options, () => _model is null ? [] : Plugins.Values);
            return new GatewayModel((previous?.Generation ?? 0) + 1, config, plugins, telemetry, _upstreams, previous?.Traffic, _options.Log);
        }
        catch
        {
            if (telemetry is not null) await telemetry.ReleaseAsync();
            await PluginStart.ReleaseAllAsync(plugins);
            throw;
        }
    }

    /// <summary>Opens what is new, publishes, closes what is gone. Until the first of these steps has succeeded nothing has changed.</summary>
    private async Task PublishAsync(GatewayModel next, CancellationToken cancellation)
    {
        // A new listener serves the new model from its first connection on.
        GatewayModel Current() => _model is { } published && published.Generation >= next.Generation ? published : next;
        IReadOnlyList<ListenerConfig> adminConfig = next.Config.Admin is { } admin ? [new ListenerConfig("admin", admin.Address)] : [];
        var newAdmin = await _admin.ChangeAsync(adminConfig, async (listener, _) => await HttpServer.StartAsync([(listener.Name, listener.Address)], new AdminApplication(new AdminContext(Current, _services, _reloader, () => RetiredModelCount, _pluginStates)), cancellation));
        ListenerSet newTraffic;
        try
        {
            newTraffic = await _traffic.ChangeAsync(next.Config.Listeners, async (listener, shares) => await TrafficServer.StartAsync(listener, _loops, new GatewayApplication(Current, _services), _options.Log, shares));
        }
        catch
        {
            await newAdmin.CloseWithoutAsync(_admin, new CancellationToken(canceled: true));
            throw;
        }

        foreach (var bound in newTraffic.Bound.Except(_traffic.Bound).Concat(newAdmin.Bound.Except(_admin.Bound)))
            GatewayLog.Listening(_options.Log, bound.Name, SchemeOf(bound, next), bound.Address.ToString());
        var (previous, oldTraffic, oldAdmin) = (_model, _traffic, _admin);
        (_model, _traffic, _admin) = (next, newTraffic, newAdmin);
        newTraffic.Apply();
        _services.Memory.LimitBytes = next.Config.MemoryBytes;
        _callouts.Publish(next);
        if (previous is null) return;
        _retired.Add(CloseOldAsync(oldTraffic.CloseWithoutAsync, newTraffic, previous.Config.Shutdown.Drain));
        _retired.Add(CloseOldAsync(oldAdmin.CloseWithoutAsync, newAdmin, GatewayLimits.AdminDrain));
        _retired.Add(previous.RetireAsync(_giveUp.Token));
    }

    private static string SchemeOf(BoundListener bound, GatewayModel model) => model.Config.Listeners.Any(listener => listener.Name == bound.Name && listener.Tls is not null) ? "https" : "http";

    private async Task CloseOldAsync(Func<ListenerSet, CancellationToken, Task> closeWithout, ListenerSet next, TimeSpan drain)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
        deadline.CancelAfter(drain);
        await closeWithout(next, deadline.Token);
    }

    /// <summary>The end: nothing takes requests any more, so what is in use is in use by exchanges whose connections are broken.</summary>
    private async Task ReleaseAsync()
    {
        if (_model is { } last) _retired.Add(last.RetireAsync(_giveUp.Token));
        _giveUp.CancelAfter(GatewayLimits.LastExchanges);
        await _retired.WaitAsync();
        _services.Memory.Dispose();
        _loops.Dispose();
        _giveUp.Dispose();
        _reloader.Dispose();
    }
}
