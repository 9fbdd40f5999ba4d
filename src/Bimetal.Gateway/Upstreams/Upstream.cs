// One upstream while the gateway runs: its endpoints, taken in turn, and its client.

using Bimetal.Gateway.Configuration;

namespace Bimetal.Gateway.Upstreams;

/// <summary>One address of an upstream.</summary>
internal sealed record UpstreamEndpoint(Uri Address)
{
    /// <summary>Host and port: what a request without a host gets.</summary>
    public string Authority { get; } = Address.Authority;
}

/// <summary>Thread-safe.</summary>
internal sealed class Upstream(UpstreamConfig config, UpstreamClient client) : IDisposable
{
    private readonly UpstreamEndpoint[] _endpoints = [.. config.Endpoints.Select(address => new UpstreamEndpoint(address))];
    private uint _turn;

    public UpstreamConfig Config => config;

    public string Name => config.Name;

    public UpstreamClient Client => client;

    /// <summary>Round robin; a turn is one exchange, whatever came of it.</summary>
    public UpstreamEndpoint NextEndpoint() => _endpoints.Length == 1 ? _endpoints[0] : _endpoints[(Interlocked.Increment(ref _turn) - 1) % (uint)_endpoints.Length];

    public void Dispose() => client.Dispose();
}
