// Stands for a plugin that could not be loaded and whose on_error.load is open: requests pass without it.

using Bimetal.Gateway.Pipeline;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Filters;

internal sealed class AbsentPluginFilter(string name) : Filter
{
    public override string Name => name;

    public override FilterStream? Begin(HttpStream stream, out GatewayError? error)
    {
        error = null;
        return null;
    }
}
