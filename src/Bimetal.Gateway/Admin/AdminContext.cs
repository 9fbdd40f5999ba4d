// What the pages of the admin listener look at.

using Bimetal.Gateway.Operation;
using Bimetal.Plugins.ProxyWasm.State;
using Microsoft.Extensions.Logging;

namespace Bimetal.Gateway.Admin;

/// <param name="Model">Gives the published model.</param>
/// <param name="RetiredModels">Models that were replaced and still have requests on them, or close their listeners.</param>
/// <param name="PluginStates">Metrics that plugins define.</param>
internal sealed record AdminContext(Func<GatewayModel> Model, GatewayServices Services, Reloader Reloader, Func<int> RetiredModels, PluginStates PluginStates)
{
    public DateTimeOffset StartedAt { get; } = Services.Time.GetUtcNow();

    public ILogger Log => Services.Log;
}
