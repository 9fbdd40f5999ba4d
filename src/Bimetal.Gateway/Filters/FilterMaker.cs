// Makes the filters of a model from their configuration, and ends those that work in the background. A plugin has one filter, however many routes use it.

using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Filters.Events;
using Bimetal.Gateway.Filters.Images;
using Bimetal.Gateway.Filters.Jwt;
using Bimetal.Gateway.Filters.RateLimits;
using Bimetal.Gateway.Pipeline;
using Bimetal.Gateway.Redis;
using Microsoft.Extensions.Logging;

namespace Bimetal.Gateway.Filters;

internal sealed class FilterMaker(IReadOnlyList<LoadedPlugin> plugins, RedisConfig? redis, ILogger log)
{
    private readonly Dictionary<string, Filter> _pluginFilters = plugins.ToDictionary(
        loaded => loaded.Config.Name,
        loaded => loaded.Plugin is null ? new AbsentPluginFilter(loaded.Config.Name) : (Filter)new PluginFilter(loaded.Plugin, loaded.Config, loaded.Budget, loaded.Shadow, log));

    private readonly Dictionary<(string Name, RateLimitPolicy Policy, RateLimitKeyKind Key), BucketTable> _sharedBuckets = [];
    private readonly List<IAsyncDisposable> _working = [];
    private RedisClient? _redis;

    public Filter Make(FilterConfig config)
    {
        Filter filter = config switch
        {
            PluginFilterConfig plugin => _pluginFilters[plugin.Plugin],
            ApiKeyFilterConfig apiKey => new ApiKeyFilter(apiKey),
            BasicAuthFilterConfig basicAuth => new BasicAuthFilter(basicAuth),
            BodyLimitFilterConfig bodyLimit => new BodyLimitFilter(bodyLimit),
            CorsFilterConfig cors => new CorsFilter(cors),
            EventWindowFilterConfig eventWindow => new EventWindowFilter(eventWindow),
            HeadersFilterConfig headers => new HeadersFilter(headers),
            ImageMetaFilterConfig imageMeta => new ImageMetaFilter(imageMeta),
            IpFilterConfig ipFilter => new IpFilter(ipFilter),
            JwtFilterConfig jwt => new JwtFilter(jwt, log),
            RateLimitFilterConfig rateLimit => new RateLimitFilter(rateLimit, BucketsOf(rateLimit), SharedOf(rateLimit)),
            RedirectFilterConfig redirect => new RedirectFilter(redirect),
            RequestIdFilterConfig requestId => new RequestIdFilter(requestId),
            _ => throw new InvalidOperationException("No filter is known for " + config),
        };
        if (filter is IAsyncDisposable working) _working.Add(working);
        return filter;
    }

    // A connection is made when a filter needs it.
    private SharedBuckets? SharedOf(RateLimitFilterConfig config) =>
        config.Shared is null ? null : new SharedBuckets(_redis ??= new RedisClient(redis!, log, TimeProvider.System), config.Policy, config.Name);

    private BucketTable BucketsOf(RateLimitFilterConfig config)
    {
        if (config.Name.Length == 0) return Make();
        var (name, policy, key) = (config.Name, config.Policy, config.Key.Kind);
        return _sharedBuckets.TryGetValue((name, policy, key), out var shared) ? shared : _sharedBuckets[(name, policy, key)] = Make();

        BucketTable Make() => new(config.Policy, config.MaximumKeys, TimeProvider.System);
    }

    /// <summary>Ends what filters do in the background; they are not used any more.</summary>
    public async Task EndAsync()
    {
        foreach (var working in _working) await working.DisposeAsync();
        if (_redis is not null) await _redis.DisposeAsync();
    }
}
