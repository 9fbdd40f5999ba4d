// The entry headers: of a route's filters.

using Bimetal.Gateway.Pipeline;
using YamlDotNet.RepresentationModel;

namespace Bimetal.Gateway.Configuration;

/// <summary><c>headers:</c> sets, adds and removes fields.</summary>
public sealed record HeadersFilterConfig(HeaderEdits Request, HeaderEdits Response) : FilterConfig;

/// <summary>What <c>headers:</c> does to one message, in this order; names are in lower case.</summary>
/// <param name="Remove">Fields that are dropped.</param>
/// <param name="Set">Fields that get this one value, whatever they had.</param>
public sealed record HeaderEdits(IReadOnlyList<string> Remove, IReadOnlyList<KeyValuePair<string, string>> Set)
{
    public static HeaderEdits None { get; } = new([], []);

    /// <summary>Values that are added to those that a field has.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Add { get; init; } = [];

    /// <summary>Values for fields that are not there.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Default { get; init; } = [];

    public bool IsEmpty => Remove.Count + Set.Count + Add.Count + Default.Count == 0;
}

internal static class HeadersFilterReader
{
    public static FilterConfig Read(ConfigMapping headers, FilterSurroundings surroundings)
    {
        var filter = new HeadersFilterConfig(ReadEdits(headers.Mapping("request"), surroundings.Report), ReadEdits(headers.Mapping("response"), surroundings.Report));
        return filter;
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

        var read = new HeaderEdits(remove, ReadFields(edits, "set", report)) { Add = ReadFields(edits, "add", report), Default = ReadFields(edits, "default", report) };
        edits.Finish();
        return read;
    }

    private static List<KeyValuePair<string, string>> ReadFields(ConfigMapping edits, string key, ConfigReport report)
    {
        var fields = new List<KeyValuePair<string, string>>();
        if (edits.Mapping(key) is not { } values) return fields;
        foreach (var (name, node) in values.Entries)
        {
            string? value = (node as YamlScalarNode)?.Value;
            if (!FieldRules.MayBeSet(name)) report.Error(node.Start.Line, values.KeyPath(name), $"'{name}' is not a field that can be set", FieldRules.SettableRemedy);
            else if (value is null || !FieldRules.IsValue(value)) report.Error(node.Start.Line, values.KeyPath(name), "is not a field value", "write one line of visible ASCII text");
            else fields.Add(new(name.ToLowerInvariant(), value));
        }

        return fields;
    }
}
