// A built-in filter without a gateway around it: the meter runs exchanges through it, beside plugins that do the same job.

using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Pipeline;
using Microsoft.Extensions.Logging.Abstractions;

namespace Bimetal.Gateway.Filters;

/// <summary>Owns one filter.</summary>
public sealed class DetachedFilter : IAsyncDisposable
{
    private readonly FilterMaker _maker = new([], redis: null, NullLogger.Instance);

    /// <param name="config">A built-in filter that needs no Redis.</param>
    /// <exception cref="ArgumentException">It is a plugin.</exception>
    public DetachedFilter(FilterConfig config)
    {
        if (config is PluginFilterConfig) throw new ArgumentException("A plugin is no built-in filter.", nameof(config));
        Filter = _maker.Make(config);
    }

    public Filter Filter { get; }

    public async ValueTask DisposeAsync() => await _maker.EndAsync();
}
