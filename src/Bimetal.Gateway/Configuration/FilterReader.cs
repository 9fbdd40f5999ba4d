// One entry of a route's filters: a mapping with exactly one key, the kind of filter. Each kind has a reader in the folder Filters beside this file.

using Bimetal.Plugins;

namespace Bimetal.Gateway.Configuration;

/// <summary>What a filter's entry may refer to.</summary>
internal sealed record FilterSurroundings(IReadOnlyDictionary<string, PluginConfig> Plugins, ConfigReport Report);

internal static class FilterReader
{
    /// <summary>Each takes the value of the key that is the kind.</summary>
    private static readonly (string Kind, Func<ConfigMapping, FilterSurroundings, FilterConfig> Read)[] Readers =
    [
        ("api_key", ApiKeyFilterReader.Read),
        ("basic_auth", BasicAuthFilterReader.Read),
        ("body_limit", BodyLimitFilterReader.Read),
        ("cors", CorsFilterReader.Read),
        ("event_window", EventWindowFilterReader.Read),
        ("headers", HeadersFilterReader.Read),
        ("image_meta", ImageMetaFilterReader.Read),
        ("ip_filter", IpFilterReader.Read),
        ("jwt", JwtFilterReader.Read),
        ("rate_limit", RateLimitFilterReader.Read),
        ("redirect", RedirectFilterReader.Read),
        ("request_id", RequestIdFilterReader.Read),
    ];

    /// <summary>The built-in filters, as configurations call them.</summary>
    public static IEnumerable<string> Kinds => Readers.Select(reader => reader.Kind);

    public static FilterConfig? Read(ConfigMapping mapping, FilterSurroundings surroundings)
    {
        FilterConfig? found = ReadPlugin(mapping, surroundings.Plugins);
        foreach (var (kind, read) in Readers)
        {
            if (mapping.Mapping(kind) is not { } value) continue;
            found = read(value, surroundings);
            value.Finish();
        }

        mapping.Finish();
        if (mapping.HasOneKey()) return found;
        surroundings.Report.Error(mapping.Line, mapping.Path, "a filter is a mapping with exactly one key, its kind", "write { plugin: NAME }, { headers: … } or { request_id: {} }");
        return null;
    }

    private static PluginFilterConfig? ReadPlugin(ConfigMapping mapping, IReadOnlyDictionary<string, PluginConfig> plugins)
    {
        if (mapping.Text("plugin") is not { } name) return null;
        if (!plugins.ContainsKey(name)) mapping.Error("plugin", $"there is no plugin '{name}'", NearestKey.Remedy(name, [.. plugins.Keys]));
        return new PluginFilterConfig(name);
    }
}

/// <summary><c>plugin: NAME</c>, a key of <see cref="GatewayConfig.Plugins"/>.</summary>
public sealed record PluginFilterConfig(string Plugin) : FilterConfig;
