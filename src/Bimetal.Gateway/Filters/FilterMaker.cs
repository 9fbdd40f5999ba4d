// Makes the filters of a model from their configuration; a plugin has one filter, however many routes use it.

using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Pipeline;
using Microsoft.Extensions.Logging;

namespace Bimetal.Gateway.Filters;

internal sealed class FilterMaker(IReadOnlyList<LoadedPlugin> plugins, ILogger log)
{
    private readonly Dictionary<string, Filter> _pluginFilters = plugins.ToDictionary(
        loaded => loaded.Config.Name,
        loaded => loaded.Plugin is null ? new AbsentPluginFilter(loaded.Config.Name) : (Filter)new PluginFilter(loaded.Plugin, loaded.Config, log));

    public Filter Make(FilterConfig config) => config switch
    {
        PluginFilterConfig plugin => _pluginFilters[plugin.Plugin],
        HeadersFilterConfig headers => new HeadersFilter(headers),
        RequestIdFilterConfig requestId => new RequestIdFilter(requestId),
        _ => throw new InvalidOperationException("No filter is known for " + config),
    };
}
