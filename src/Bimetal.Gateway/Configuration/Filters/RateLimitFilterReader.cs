// The entry rate_limit: of a route's filters.

using Bimetal.Gateway.Filters.RateLimits;
using Bimetal.Gateway.Pipeline;
using YamlDotNet.RepresentationModel;

namespace Bimetal.Gateway.Configuration;

/// <summary><c>rate_limit:</c>, checked.</summary>
internal sealed record RateLimitFilterConfig(RateLimitPolicy Policy, RateLimitKey Key) : FilterConfig
{
    /// <summary>Filters with the same name, rate and kind of key share their buckets; empty: this one shares with none.</summary>
    public string Name { get; init; } = "";

    /// <summary>Most keys that have a bucket at a time.</summary>
    public int MaximumKeys { get; init; } = 65536;

    /// <summary>Null: each gateway counts for itself.</summary>
    public SharedRateLimit? Shared { get; init; }

    /// <summary>Whether responses say how much is left.</summary>
    public bool WritesFields { get; init; } = true;
}

/// <summary><c>store: redis</c>.</summary>
/// <param name="Line">Where that is written, as <paramref name="Path"/>.</param>
internal sealed record SharedRateLimit(OnUnavailable OnUnavailable, long Line, string Path);

/// <summary>What happens while the shared store is away.</summary>
internal enum OnUnavailable
{
    /// <summary>Each gateway counts for itself.</summary>
    Local,

    /// <summary>Requests pass.</summary>
    Open,

    /// <summary>Requests are answered 503.</summary>
    Closed,
}

internal static class RateLimitFilterReader
{
    private const string KeyRemedy = "write client, consumer, route, { header: NAME } or { claim: NAME }";

    public static FilterConfig Read(ConfigMapping limit, FilterSurroundings surroundings)
    {
        if (!limit.Has("requests")) limit.Error("requests", "is required", "write requests: 100, per: 1s");
        int requests = limit.Count("requests", 1, 1, 1_000_000_000);
        var per = limit.Duration("per", TimeSpan.FromSeconds(1)) ?? TimeSpan.Zero;
        if (per < TimeSpan.FromMilliseconds(1))
        {
            limit.Error("per", "must be a millisecond or more", "write per: 1s");
            per = TimeSpan.FromSeconds(1);
        }

        var policy = new RateLimitPolicy(requests, per, limit.Count("burst", requests, 1, 1_000_000_000));
        if (policy.FillDays > RateLimitPolicy.MaximumFillDays) limit.Error("burst", "an empty bucket would need more than a year to fill", "write a smaller burst or a higher rate");
        int v6Bits = limit.Count("ipv6_prefix", 64, 8, 128);
        if (v6Bits % 8 != 0) limit.Error("ipv6_prefix", "is not a multiple of 8", "write 48, 56, 64 or 128");
        return new RateLimitFilterConfig(policy, ReadKey(limit, v6Bits))
        {
            Name = limit.Text("name") ?? "",
            MaximumKeys = limit.Count("max_keys", 65536, 1, 16 << 20),
            Shared = ReadShared(limit),
            WritesFields = limit.Flag("headers", absent: true),
        };
    }

    /// <summary>Filters can only share through a server that the configuration names.</summary>
    public static void ReportMissingRedis(IReadOnlyList<RouteConfig> routes, RedisConfig? redis, ConfigReport report)
    {
        if (redis is not null) return;
        foreach (var filter in routes.SelectMany(route => route.Filters).OfType<RateLimitFilterConfig>())
        {
            if (filter.Shared is { } shared) report.Error(shared.Line, shared.Path, "there is no section redis:", "write redis: { address: 127.0.0.1:6379 } at the top");
        }
    }

    private static SharedRateLimit? ReadShared(ConfigMapping limit)
    {
        bool isShared = limit.Choice("store", false, ("local", false), ("redis", true));
        var onUnavailable = limit.Choice("on_unavailable", OnUnavailable.Local, ("local", OnUnavailable.Local), ("open", OnUnavailable.Open), ("closed", OnUnavailable.Closed));
        if (isShared && !limit.Has("name")) limit.Error("store", "needs a name, by which other gateways know what they share", "write name: NAME");
        if (!isShared && limit.Has("on_unavailable")) limit.Error("on_unavailable", "is for store: redis", "remove the key");
        return isShared ? new SharedRateLimit(onUnavailable, limit.LineOf("store"), limit.KeyPath("store")) : null;
    }

    private static RateLimitKey ReadKey(ConfigMapping limit, int v6Bits)
    {
        if (limit.Take("key") is not YamlMappingNode)
        {
            var kind = limit.Choice("key", RateLimitKeyKind.Client, ("client", RateLimitKeyKind.Client), ("consumer", RateLimitKeyKind.Consumer), ("route", RateLimitKeyKind.Route));
            return new RateLimitKey(kind, V6PrefixBits: v6Bits);
        }

        var key = limit.Mapping("key")!;
        string? header = key.Text("header"), claim = key.Text("claim");
        key.Finish();
        if (header is null == claim is null) limit.Error("key", "names one thing to count by", KeyRemedy);
        if (header is not null && !FieldRules.IsName(header)) limit.Error("key", $"'{header}' is not a field name", KeyRemedy);
        return header is not null ? new RateLimitKey(RateLimitKeyKind.Header, header.ToLowerInvariant()) : new RateLimitKey(RateLimitKeyKind.Claim, claim ?? "");
    }
}
