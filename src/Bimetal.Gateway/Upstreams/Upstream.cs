// One upstream of one model: its configuration at work on the state that all models share.

using Bimetal.Gateway.Configuration;

namespace Bimetal.Gateway.Upstreams;

/// <summary>Thread-safe.</summary>
internal sealed class Upstream : IDisposable
{
    private readonly UpstreamStates _states;
    private readonly Balancer _balancer;
    private readonly (EndpointConfig Config, ResolvedName? Name)[] _endpoints;
    private readonly HealthChecks? _checks;
    private readonly Lock _gate = new();
    private volatile EndpointSet _set = EndpointSet.Empty;

    /// <summary>Made by <see cref="UpstreamStates.Take"/>.</summary>
    public Upstream(UpstreamConfig config, UpstreamState state, UpstreamStates states)
    {
        Config = config;
        State = state;
        _states = states;
        _balancer = Balancer.Of(config.Balance.Kind);
        Client = state.ClientFor(config);
        _endpoints = [.. config.Endpoints.Select(endpoint => (endpoint, UpstreamEndpoint.LiteralAddress(endpoint.Address) is null ? states.Names.Take(endpoint.Address.IdnHost, config.ResolveInterval) : null))];
        foreach (var (_, resolved) in _endpoints)
        {
            if (resolved is not null) resolved.Changed += Rebuild;
        }

        state.Join(this);
        Rebuild();
        if (config.Health.Active is { } active) _checks = new HealthChecks(this, active, states);
        else foreach (var (endpoint, _) in _set.Endpoints) endpoint.ForgetChecks();
    }

    public UpstreamConfig Config { get; }

    public UpstreamState State { get; }

    public string Name => Config.Name;

    public UpstreamClient Client { get; }

    public EndpointSet Endpoints => _set;

    public TimeProvider Time => _states.Time;

    public bool Has(EndpointState state) => Array.Exists(_set.Endpoints, endpoint => endpoint.State == state);

    /// <summary>Waits for the first lookup of names when there is no address at all yet.</summary>
    public Task FirstLookupAsync(CancellationToken cancellation) => _set.Endpoints.Length > 0
        ? Task.CompletedTask
        : Task.WhenAll(_endpoints.Select(endpoint => endpoint.Name?.First ?? Task.CompletedTask)).WaitAsync(cancellation);

    /// <summary>The endpoint for the next try, counted in there; null when every one has as many tries as it may have, or there is none.</summary>
    /// <param name="tried">Where the request has been: chosen again only when nothing else is left.</param>
    public EndpointState? TryBegin(ulong? key, List<EndpointState>? tried)
    {
        var set = _set;
        if (set.Endpoints.Length == 0) return null;
        long now = Time.GetTimestamp();
        bool isPanic = set.IsPanic(now, Config.Health.Panic);
        var filter = new EndpointFilter(now, isPanic, tried, Config.Limits.Connections);

        // Between choosing and counting another request can take the last place.
        for (int attempt = 0; attempt < 3; attempt++)
        {
            var picked = _balancer.Pick(set, key, filter);
            if (picked is null && filter.Tried is not null)
            {
                filter = filter with { Tried = null };
                picked = _balancer.Pick(set, key, filter);
            }

            if (picked is null)
            {
                // Full, or the last one was taken out at this moment.
                if (Config.Limits.Connections is not null || filter.IsPanic) return null;
                filter = filter with { IsPanic = true };
                continue;
            }

            if (picked.TryBegin(Config.Limits.Connections)) return picked;
        }

        return null;
    }

    public void NoteFailure(EndpointState endpoint, string reason)
    {
        if (Config.Health.Passive is not { } passive || endpoint.NoteFailure(passive) != HealthChange.Ejected) return;
        UpstreamLog.Ejected(_states.Log, Name, endpoint.Endpoint.Name, Math.Round(endpoint.EjectedFor.TotalSeconds, 1), reason);
    }

    public void Dispose()
    {
        _checks?.Dispose();
        foreach (var (_, resolved) in _endpoints)
        {
            if (resolved is null) continue;
            resolved.Changed -= Rebuild;
            _states.Names.Release(resolved);
        }

        _states.Release(this);
    }

    private void Rebuild()
    {
        lock (_gate)
        {
            var endpoints = new Dictionary<UpstreamEndpoint, WeightedEndpoint>();
            foreach (var (config, resolved) in _endpoints)
            {
                var addresses = resolved?.Addresses ?? [UpstreamEndpoint.LiteralAddress(config.Address)!];
                foreach (var address in addresses)
                {
                    var endpoint = new UpstreamEndpoint(config.Address, new System.Net.IPEndPoint(address, config.Address.Port));
                    endpoints[endpoint] = new WeightedEndpoint(State.StateOf(endpoint), config.Weight);
                }
            }

            _set = new EndpointSet([.. endpoints.Values], Config.Balance.Kind);
        }

        State.PruneEndpoints();
    }
}
