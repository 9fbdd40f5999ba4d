// One configuration at work: routes, upstreams, plugins. Immutable; GatewayHost publishes it, and an exchange keeps the one it began with.

using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Filters;
using Bimetal.Gateway.Pipeline;
using Bimetal.Gateway.Routing;
using Bimetal.Gateway.Upstreams;
using Bimetal.Plugins;

namespace Bimetal.Gateway;

/// <summary>A plugin that was loaded for this model, with its configuration. <see cref="Plugin"/> is null when it could not be loaded and <c>on_error.load</c> is open.</summary>
internal sealed record LoadedPlugin(PluginConfig Config, Plugin? Plugin, string Problem);

internal sealed class GatewayModel : IAsyncDisposable
{
    private readonly Route[] _routes;
    private readonly Dictionary<string, Upstream> _upstreams;

    /// <param name="plugins">Owned by the model from now on.</param>
    public GatewayModel(GatewayConfig config, IReadOnlyList<LoadedPlugin> plugins)
    {
        Config = config;
        Plugins = plugins;
        _upstreams = config.Upstreams.ToDictionary(pair => pair.Key, pair => new Upstream(pair.Value, new SocketsUpstreamClient(pair.Value.Timeouts)));
        var filters = new FilterMaker(plugins);
        _routes = [.. config.Routes.Select(route => new Route(route, [.. route.Filters.Select(filters.Make)], _upstreams[route.Upstream]))];
        Routes = new RouteTable([.. config.Routes.Select(route => route.Match)]);
    }

    public GatewayConfig Config { get; }

    public RouteTable Routes { get; }

    public IReadOnlyList<LoadedPlugin> Plugins { get; }

    public Route RouteAt(int index) => _routes[index];

    public async ValueTask DisposeAsync()
    {
        foreach (var upstream in _upstreams.Values) upstream.Dispose();
        foreach (var loaded in Plugins)
        {
            if (loaded.Plugin is not null) await loaded.Plugin.DisposeAsync();
        }
    }
}
