// One entry of a route's filters: a mapping with exactly one key, the kind of filter.

using Bimetal.Gateway.Pipeline;
using Bimetal.Plugins;
using YamlDotNet.RepresentationModel;

namespace Bimetal.Gateway.Configuration;

internal static class FilterReader
{
    private static readonly string[] LaterKinds =
        ["jwt", "api_key", "basic_auth", "ip_filter", "rate_limit", "cors", "redirect", "body_limit", "image_meta", "event_window"];

    public static FilterConfig? Read(ConfigMapping mapping, IReadOnlyDictionary<string, PluginConfig> plugins, ConfigReport report)
    {
        FilterConfig?[] found = [ReadPlugin(mapping, plugins), ReadHeaders(mapping, report), ReadRequestId(mapping)];
        mapping.NotImplemented(LaterKinds);
        mapping.Finish();
        if (mapping.Entries.Count() == 1) return Array.Find(found, filter => filter is not null);
        report.Error(mapping.Line, mapping.Path, "a filter is a mapping with exactly one key, its kind", "write { plugin: NAME }, { headers: … } or { request_id: {} }");
        return null;
    }

    private static PluginFilterConfig? ReadPlugin(ConfigMapping mapping, IReadOnlyDictionary<string, PluginConfig> plugins)
    {
        if (mapping.Text("plugin") is not { } name) return null;
        if (!plugins.ContainsKey(name)) mapping.Error("plugin", $"there is no plugin '{name}'", NearestKey.Remedy(name, [.. plugins.Keys]));
        return new PluginFilterConfig(name);
    }

    private static HeadersFilterConfig? ReadHeaders(ConfigMapping mapping, ConfigReport report)
    {
        if (mapping.Mapping("headers") is not { } headers) return null;
        var filter = new HeadersFilterConfig(ReadEdits(headers.Mapping("request"), report), ReadEdits(headers.Mapping("response"), report));
        headers.Finish();
        return filter;
    }

    private static RequestIdFilterConfig? ReadRequestId(ConfigMapping mapping)
    {
        if (mapping.Mapping("request_id") is not { } requestId) return null;
        string header = requestId.Text("header") ?? "x-request-id";
        if (!FieldRules.MayBeSet(header)) requestId.Error("header", $"'{header}' cannot be set", "write a field name such as x-request-id");
        bool keep = requestId.Flag("keep", absent: false);
        requestId.Finish();
        return new RequestIdFilterConfig(header.ToLowerInvariant(), keep);
    }

    private static HeaderEdits ReadEdits(ConfigMapping? edits, ConfigReport report)
    {
        if (edits is null) return HeaderEdits.None;
        var remove = new List<string>();
        foreach (var (path, node) in edits.Sequence("remove", "write remove: [x-internal]"))
        {
            string name = (node as YamlScalarNode)?.Value ?? "";
            if (FieldRules.MayBeSet(name)) remove.Add(name.ToLowerInvariant());
            else report.Error(node.Start.Line, path, $"'{name}' is not a field that can be removed", FieldRules.SettableRemedy);
        }

        var set = new List<KeyValuePair<string, string>>();
        if (edits.Mapping("set") is { } values)
        {
            foreach (var (name, node) in values.Entries)
            {
                string? value = (node as YamlScalarNode)?.Value;
                if (!FieldRules.MayBeSet(name)) report.Error(node.Start.Line, values.KeyPath(name), $"'{name}' is not a field that can be set", FieldRules.SettableRemedy);
                else if (value is null || !FieldRules.IsValue(value)) report.Error(node.Start.Line, values.KeyPath(name), "is not a field value", "write one line of visible ASCII text");
                else set.Add(new(name.ToLowerInvariant(), value));
            }
        }

        edits.Finish();
        return new HeaderEdits(remove, set);
    }
}
