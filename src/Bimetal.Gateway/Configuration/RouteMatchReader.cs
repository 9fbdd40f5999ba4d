// match: of a route.

using Bimetal.Gateway.Pipeline;
using Bimetal.Gateway.Routing;
using YamlDotNet.RepresentationModel;

namespace Bimetal.Gateway.Configuration;

internal static class RouteMatchReader
{
    private const string ConditionRemedy = "write a value, or one of { prefix: … }, { suffix: … }, { present: true }, { present: false }";

    public static (RouteMatchConfig Match, PathPattern? Pattern) Read(ConfigMapping route, ConfigReport report)
    {
        var defaults = new RouteMatchConfig();
        if (route.RequiredMapping("match", "write match: { path: /{rest...} }") is not { } match) return (defaults, null);
        string host = match.Text("host")?.ToLowerInvariant() ?? defaults.Host;
        if (!HostPattern.IsValid(host)) match.Error("host", $"'{host}' is not a host pattern", "write a host name without port, *.example.com or *");
        string path = match.Text("path") ?? defaults.Path;
        if (!PathPattern.TryParse(path, out var pattern, out string problem)) match.Error("path", $"'{path}' is not a path pattern: {problem}", "write segments such as /api/{id}/{rest...}");
        var read = new RouteMatchConfig
        {
            Host = host,
            Path = pattern?.Text ?? path,
            Methods = ReadMethods(match, report),
            Headers = ReadConditions(match, "headers", report, CheckHeader),
            Query = ReadConditions(match, "query", report, static (_, _) => null),
        };
        match.Finish();
        return (read, pattern);
    }

    private static List<string> ReadMethods(ConfigMapping match, ConfigReport report)
    {
        var methods = new List<string>();
        foreach (var (path, node) in match.OneOrMore("method", "write methods in upper case, such as GET or [GET, POST]"))
        {
            string method = (node as YamlScalarNode)?.Value ?? "";
            if (method.Length is 0 or > 32 || !method.All(char.IsAsciiLetterUpper) || methods.Contains(method))
                report.Error(node.Start.Line, path, $"'{method}' is not a method, or stands there twice", "write methods in upper case, such as GET or [GET, POST]");
            else
                methods.Add(method);
        }

        return methods;
    }

    private static List<ValueCondition> ReadConditions(ConfigMapping match, string key, ConfigReport report, Func<string, ValueCondition, string?> check)
    {
        var conditions = new List<ValueCondition>();
        if (match.Mapping(key) is not { } section) return conditions;
        foreach (var (name, node) in section.EntriesOfTextOrMapping())
        {
            if (ReadCondition(name, node, section.KeyPath(name), report) is not { } condition) continue;
            if (key == "headers") condition = condition with { Name = name.ToLowerInvariant() };
            if (check(name, condition) is { } problem) report.Error(node.Start.Line, section.KeyPath(name), problem, ConditionRemedy);
            else if (conditions.Exists(other => other.Name == condition.Name)) report.Error(node.Start.Line, section.KeyPath(name), "stands there twice", ConditionRemedy);
            else conditions.Add(condition);
        }

        return conditions;
    }

    private static ValueCondition? ReadCondition(string name, YamlNode node, string path, ConfigReport report)
    {
        if (node is YamlScalarNode scalar) return new ValueCondition(name, ConditionKind.Exact, scalar.Value ?? "");
        if (ConfigMapping.From(node, path, report) is not { } mapping) return null;
        ValueCondition? condition = null;
        if (mapping.Text("exact") is { } exact) condition = new ValueCondition(name, ConditionKind.Exact, exact);
        if (mapping.Text("prefix") is { } prefix) condition = new ValueCondition(name, ConditionKind.Prefix, prefix);
        if (mapping.Text("suffix") is { } suffix) condition = new ValueCondition(name, ConditionKind.Suffix, suffix);
        bool isPresent = mapping.Flag("present", absent: true);
        if (mapping.Has("present")) condition = new ValueCondition(name, isPresent ? ConditionKind.Present : ConditionKind.Absent, "");
        mapping.Finish();
        if (mapping.HasOneKey()) return condition;
        report.Error(node.Start.Line, path, "a condition has exactly one key", ConditionRemedy);
        return null;
    }

    // A route with a condition that no request can meet would never match.
    private static string? CheckHeader(string name, ValueCondition condition)
    {
        if (FieldRules.IsHostOrExpect(name)) return $"'{name}' is not a field that routes see; use match.host";
        if (!FieldRules.MayBeSet(name) && !name.Equals("content-length", StringComparison.OrdinalIgnoreCase)) return $"never matches: '{name}' is no field name, or one that belongs to the connection";
        if (condition.Value.Trim() != condition.Value && condition.Kind == ConditionKind.Exact) return "never matches: field values have no spaces around them";
        return FieldRules.IsValue(condition.Value) ? null : "is not a field value: visible ASCII only";
    }
}
