// What survives a reload: upstreams and routes by their names, addresses of names. GatewayHost owns it; each model takes what it needs.

using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Routing;
using Bimetal.Gateway.Transport;
using Microsoft.Extensions.Logging;

namespace Bimetal.Gateway.Upstreams;

/// <summary>Thread-safe; lives as long as the gateway.</summary>
internal sealed class UpstreamStates(TimeProvider time, ILogger log, Func<UpstreamConfig, UpstreamClient> makeClient, EventLoops? loops = null, NameLookup? lookup = null)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, UpstreamState> _upstreams = [];
    private readonly Dictionary<string, WeakReference<RouteState>> _routes = [];

    public TimeProvider Time => time;

    public ILogger Log => log;

    /// <summary>Where the gateway's own requests run; null only where nothing is sent.</summary>
    public EventLoops? Loops => loops;

    public ResolvedNames Names { get; } = new(lookup ?? ResolvedNames.SystemLookup, time, log);

    /// <summary>An upstream of a new model. It begins with what earlier ones of its name know, and must be disposed.</summary>
    public Upstream Take(UpstreamConfig config)
    {
        lock (_gate)
        {
            if (!_upstreams.TryGetValue(config.Name, out var state)) _upstreams[config.Name] = state = new UpstreamState(config.Name, time, makeClient);
            return new Upstream(config, state, this);
        }
    }

    public void Release(Upstream upstream)
    {
        lock (_gate)
        {
            if (upstream.State.Leave(upstream)) _upstreams.Remove(upstream.Name);
        }
    }

    /// <summary>The counts of a route by what it matches. They live as long as a model has the route.</summary>
    public RouteState RouteStateOf(string name)
    {
        lock (_gate)
        {
            if (_routes.TryGetValue(name, out var known) && known.TryGetTarget(out var state)) return state;
            foreach (var (gone, _) in _routes.Where(pair => !pair.Value.TryGetTarget(out _)).ToList()) _routes.Remove(gone);
            state = new RouteState();
            _routes[name] = new WeakReference<RouteState>(state);
            return state;
        }
    }
}
