// One configuration at work: routes, upstreams, plugins. Immutable; GatewayHost publishes it, and an exchange keeps the one it began with.

using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Filters;
using Bimetal.Gateway.Pipeline;
using Bimetal.Gateway.Routing;
using Bimetal.Gateway.Upstreams;
using Bimetal.Plugins;
using Microsoft.Extensions.Logging;

namespace Bimetal.Gateway;

/// <summary>A plugin that was loaded for this model, with its configuration. <see cref="Plugin"/> is null when it could not be loaded and <c>on_error.load</c> is open.</summary>
internal sealed record LoadedPlugin(PluginConfig Config, Plugin? Plugin, string Problem);

internal sealed class GatewayModel : IAsyncDisposable
{
    // How long disposing waits for exchanges whose connections are broken already.
    private static readonly TimeSpan LastExchanges = TimeSpan.FromSeconds(5);

    private readonly TaskCompletionSource _isUnused = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Route[] _routes;
    private readonly Dictionary<string, Upstream> _upstreams;

    // The exchanges on this model, and one for the host that publishes it.
    private int _users = 1;

    /// <param name="plugins">Owned by the model from now on.</param>
    public GatewayModel(GatewayConfig config, IReadOnlyList<LoadedPlugin> plugins, ILogger log)
    {
        Config = config;
        Plugins = plugins;
        _upstreams = config.Upstreams.ToDictionary(pair => pair.Key, pair => new Upstream(pair.Value, new SocketsUpstreamClient(pair.Value.Timeouts)));
        var filters = new FilterMaker(plugins, log);
        _routes = [.. config.Routes.Select(route => new Route(route, [.. route.Filters.Select(filters.Make)], _upstreams[route.Upstream]))];
        Routes = new RouteTable([.. config.Routes.Select(route => route.Match)]);
    }

    public GatewayConfig Config { get; }

    public RouteTable Routes { get; }

    public IReadOnlyList<LoadedPlugin> Plugins { get; }

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

    /// <summary>Retires the model: waits for the exchanges on it, then ends its upstreams and plugins.</summary>
    public async ValueTask DisposeAsync()
    {
        Leave();
        await Task.WhenAny(_isUnused.Task, Task.Delay(LastExchanges));
        foreach (var upstream in _upstreams.Values) upstream.Dispose();
        foreach (var loaded in Plugins)
        {
            if (loaded.Plugin is not null) await loaded.Plugin.DisposeAsync();
        }
    }
}
