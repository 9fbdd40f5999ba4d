// A route while the gateway runs: the configuration with its filters made and its upstream found.

using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Pipeline;
using Bimetal.Gateway.Upstreams;

namespace Bimetal.Gateway.Routing;

/// <summary>Immutable; shared by all exchanges on it.</summary>
internal sealed record Route(RouteConfig Config, Filter[] Filters, Upstream Upstream)
{
    /// <summary>What the log and plugins call it.</summary>
    public string Name { get; } = Config.Match.ToString();
}
