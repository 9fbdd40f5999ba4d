// A YAML mapping of a plugin folder (plugin.yaml, cases) while it is read. The first mistake ends the reading, with its file and line.

using System.Globalization;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Bimetal.Plugins.Bundles;

/// <summary>Typed getters over one mapping; <see cref="Finish"/> refuses the keys that nobody asked for.</summary>
internal sealed class BundleMapping
{
    private const int MaximumFileBytes = 1 << 20;

    private readonly YamlMappingNode _node;
    private readonly List<string> _known = [];

    private BundleMapping(YamlMappingNode node, string file)
    {
        _node = node;
        File = file;
    }

    /// <summary>The file that the mapping stands in.</summary>
    public string File { get; }

    /// <summary>Reads a file whose only document is a mapping.</summary>
    /// <exception cref="PluginLoadException">It cannot be read or is something else.</exception>
    public static BundleMapping Load(string file)
    {
        try
        {
            if (new FileInfo(file).Length > MaximumFileBytes) throw new PluginLoadException($"{file}: is longer than {MaximumFileBytes} bytes");
            using var text = new StreamReader(file);
            var yaml = new YamlStream();
            yaml.Load(new DepthLimitedParser(text));
            if (yaml.Documents.Count == 1 && yaml.Documents[0].RootNode is YamlMappingNode mapping) return new BundleMapping(mapping, file);
            throw new PluginLoadException($"{file}: must be one mapping of keys to values");
        }
        catch (YamlException exception)
        {
            throw new PluginLoadException($"{file}:{exception.Start.Line}: is not YAML: {exception.Message}", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new PluginLoadException($"{file}: cannot be read: {exception.Message}", exception);
        }
    }

    public PluginLoadException Error(string key, string message) =>
        new($"{File}:{(Find(key) ?? _node).Start.Line}: {key}: {message}");

    public bool Has(string key) => Find(key) is not null;

    public string? Text(string key) => Take(key) switch
    {
        null => null,
        YamlScalarNode { Value: { } text } => text,
        _ => throw Error(key, "must be a text"),
    };

    public string RequiredText(string key) =>
        Text(key) is { Length: > 0 } text ? text : throw Error(key, Has(key) ? "must not be empty" : "is required");

    public IReadOnlyList<string> Texts(string key) => Take(key) switch
    {
        null => [],
        YamlSequenceNode sequence => [.. sequence.Children.Select(item => (item as YamlScalarNode)?.Value ?? throw Error(key, "must be a list of texts"))],
        _ => throw Error(key, "must be a list of texts"),
    };

    public int? Number(string key, int minimum, int maximum)
    {
        if (Text(key) is not { } text) return null;
        bool isNumber = int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int number);
        return isNumber && number >= minimum && number <= maximum ? number : throw Error(key, $"must be a whole number from {minimum} to {maximum}");
    }

    /// <summary>A duration such as 500us, 10ms or 2s.</summary>
    public TimeSpan? Duration(string key)
    {
        if (Text(key) is not { } text) return null;
        foreach (var (suffix, ticks) in new[] { ("us", TimeSpan.TicksPerMicrosecond), ("ms", TimeSpan.TicksPerMillisecond), ("s", TimeSpan.TicksPerSecond) })
        {
            if (!text.EndsWith(suffix, StringComparison.Ordinal)) continue;
            if (!double.TryParse(text.AsSpan(0, text.Length - suffix.Length), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double count)) break;
            if (count > 0 && count * ticks < TimeSpan.TicksPerDay) return TimeSpan.FromTicks((long)(count * ticks));
        }

        throw Error(key, $"'{text}' is not a duration; write a number with us, ms or s, such as 500us");
    }

    public BundleMapping? Mapping(string key) => Take(key) switch
    {
        null => null,
        YamlMappingNode mapping => new BundleMapping(mapping, File),
        _ => throw Error(key, "must be a mapping of keys to values"),
    };

    public IReadOnlyList<BundleMapping> Mappings(string key) => Take(key) switch
    {
        null => [],
        YamlSequenceNode sequence => [.. sequence.Children.Select(item => ItemOf(key, item))],
        _ => throw Error(key, "must be a list of mappings"),
    };

    /// <summary>A mapping of names that the author chooses; a list of texts as a value stands for that many entries, null for <c>~</c>.</summary>
    public IReadOnlyList<(string Name, string? Value)> Pairs(string key)
    {
        if (Take(key) is not { } node) return [];
        if (node is not YamlMappingNode mapping) throw Error(key, "must be a mapping of names to texts");
        var pairs = new List<(string, string?)>();
        foreach (var (nameNode, value) in mapping.Children)
        {
            string name = (nameNode as YamlScalarNode)?.Value ?? throw Error(key, "must have texts as names");
            foreach (var item in value is YamlSequenceNode sequence ? sequence.Children : [value])
                pairs.Add((name, item is YamlScalarNode scalar ? TextOf(scalar) : throw Error(key, $"{name} must be a text or a list of texts")));
        }

        return pairs;
    }

    /// <summary>Refuses unknown keys.</summary>
    public void Finish()
    {
        foreach (var key in _node.Children.Keys)
        {
            string name = (key as YamlScalarNode)?.Value ?? "?";
            if (_known.Contains(name)) continue;
            throw new PluginLoadException($"{File}:{key.Start.Line}: unknown key '{name}'; allowed: {string.Join(", ", _known.Distinct())}");
        }
    }

    private static string? TextOf(YamlScalarNode scalar) => scalar.Style == ScalarStyle.Plain && scalar.Value is "~" or "null" or "" ? null : scalar.Value;

    private BundleMapping ItemOf(string key, YamlNode item) =>
        item is YamlMappingNode mapping ? new BundleMapping(mapping, File) : throw Error(key, "must be a list of mappings");

    private YamlNode? Take(string key)
    {
        _known.Add(key);
        return Find(key);
    }

    private YamlNode? Find(string key) =>
        _node.Children.FirstOrDefault(entry => entry.Key is YamlScalarNode scalar && scalar.Value == key).Value;
}
