// One configuration at work: routes, upstreams, plugins, telemetry. Immutable; GatewayHost publishes it, and an exchange keeps the one it began with.

using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Filters;
using Bimetal.Gateway.Operation;
using Bimetal.Gateway.Routing;
using Bimetal.Gateway.Telemetry;
using Bimetal.Gateway.Upstreams;
using Microsoft.Extensions.Logging;

namespace Bimetal.Gateway;

internal sealed class GatewayModel
{
    private readonly TaskCompletionSource _isUnused = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Route[] _routes;
    private readonly Dictionary<string, Upstream> _upstreams;
    private readonly FilterMaker _filters;
    private readonly ShadowRecords? _shadowRecords;

    // The exchanges on this model, and one for the host that publishes it.
    private int _users = 1;

    /// <param name="generation">Counts the models of a host, from 1.</param>
    /// <param name="plugins">Released by the model when it is retired, like <paramref name="telemetry"/>.</param>
    public GatewayModel(int generation, GatewayConfig config, IReadOnlyList<LoadedPlugin> plugins, TelemetryModel telemetry, UpstreamStates states, TrafficStatistics? previousTraffic, ILogger log)
    {
        Generation = generation;
        Config = config;
        Plugins = plugins;
        Telemetry = telemetry;
        _upstreams = config.Upstreams.ToDictionary(pair => pair.Key, pair => states.Take(pair.Value));
        foreach (var loaded in plugins) loaded.Budget ??= telemetry.Budgets.OfPlugin(loaded.Config.Name, loaded.Config.LatencyBudget);
        _filters = new FilterMaker(plugins, config.Redis, log);
        _routes = [.. config.Routes.Select(route => new Route(route, [.. route.Filters.Select(_filters.Make)], route.Upstream is null ? null : _upstreams[route.Upstream], states.RouteStateOf(route.Match.ToString()), telemetry.Budgets.OfRoute(route.Match.ToString(), route.LatencyBudget)))];
        _shadowRecords = ShadowRecords.Begin(config.Profile, plugins, TimeProvider.System, log);
        Traffic = new TrafficStatistics(_routes.Select(route => route.Name), previousTraffic);
        Routes = new RouteTable([.. config.Routes.Select(route => route.Match)]);
    }

    public int Generation { get; }

    public GatewayConfig Config { get; }

    public RouteTable Routes { get; }

    public IReadOnlyList<LoadedPlugin> Plugins { get; }

    public TelemetryModel Telemetry { get; }

    public TrafficStatistics Traffic { get; }

    /// <summary>Requests in flight on this model.</summary>
    public int ActiveExchanges => Math.Max(0, Volatile.Read(ref _users) - 1);

    public IReadOnlyList<Route> AllRoutes => _routes;

    /// <summary>For the admin listener and the metrics; see <see cref="UpstreamReport"/>.</summary>
    public IReadOnlyCollection<Upstream> Upstreams => _upstreams.Values;

    public Route RouteAt(int index) => _routes[index];

    /// <summary>An exchange begins on this model; false when it was retired meanwhile, so there is a newer one.</summary>
    public bool TryEnter()
    {
        while (true)
        {
            int users = Volatile.Read(ref _users);
            if (users == 0) return false;
            if (Interlocked.CompareExchange(ref _users, users + 1, users) == users) return true;
        }
    }

    public void Leave()
    {
        if (Interlocked.Decrement(ref _users) == 0) _isUnused.TrySetResult();
    }

    /// <summary>
    /// Retires the model, once: waits for the exchanges on it, however long they take, or until <paramref name="giveUp"/>; then ends its filters and
    /// upstreams, and releases what it shares with others.
    /// </summary>
    public async Task RetireAsync(CancellationToken giveUp)
    {
        Leave();
        await _isUnused.Task.WaitAsync(giveUp).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _filters.EndAsync();
        _shadowRecords?.Dispose();
        foreach (var upstream in _upstreams.Values) upstream.Dispose();
        await PluginStart.ReleaseAllAsync(Plugins);
        await Telemetry.ReleaseAsync();
    }
}
