// One YAML mapping while it is read: typed getters that report what is wrong with its line, and a check for keys that nobody asked for.
// When a configuration is described instead of read (ConfigSchema), the getters note what they are asked for, and give what an absent key gives.

using YamlDotNet.RepresentationModel;

namespace Bimetal.Gateway.Configuration;

/// <summary>A mapping node, its key path and the keys that have been asked for. Call <see cref="Finish"/> at the end.</summary>
internal sealed class ConfigMapping
{
    private const string NotYet = "this version of Bimetal does not implement it yet";

    private readonly YamlMappingNode _node;
    private readonly ConfigReport _report;
    private readonly SchemaNode? _schema;
    private readonly List<string> _known = [];
    private readonly List<string> _refused = [];

    private ConfigMapping(YamlMappingNode node, string path, ConfigReport report)
    {
        _schema = report.Survey?.SchemaOf(node);
        _schema?.BecomeMapping();
        _node = node;
        _report = report;
        Path = path;
    }

    public string Path { get; }

    public long Line => _node.Start.Line;

    /// <summary>The entries in the order of the file; for mappings whose keys are names that the user chooses.</summary>
    public IEnumerable<(string Name, YamlNode Value)> Entries
    {
        get
        {
            if (_schema is not null) yield return ("NAME", _report.Survey!.NodeFor(_schema.ItemsOf(SchemaKind.Any)));
            foreach (var (key, value) in _node.Children)
            {
                if (key is YamlScalarNode { Value: { Length: > 0 } name } && !name.Any(char.IsControl)) yield return (name, value);
                else _report.Error(key.Start.Line, Path, "a key must be a plain word");
            }
        }
    }

    /// <summary>Takes a node as a mapping; null, and reported, when it is something else.</summary>
    public static ConfigMapping? From(YamlNode node, string path, ConfigReport report)
    {
        if (node is YamlMappingNode mapping) return new ConfigMapping(mapping, path, report);
        report.Error(node.Start.Line, path, "must be a mapping of keys to values");
        return null;
    }

    public string KeyPath(string key) => Path.Length == 0 ? key : Path + "." + key;

    public bool Has(string key) => Find(key) is not null;

    /// <summary>Line of a key's value, or of the mapping when the key is absent.</summary>
    public long LineOf(string key) => Find(key)?.Start.Line ?? Line;

    public void Error(string key, string message, string remedy = "") => _report.Error(LineOf(key), KeyPath(key), message, remedy);

    public void Warn(string key, string message, string remedy = "") => _report.Warn(LineOf(key), KeyPath(key), message, remedy);

    /// <summary>The value of a key that the caller reads itself; null when absent.</summary>
    public YamlNode? Take(string key)
    {
        _known.Add(key);
        _schema?.Add(key, new SchemaNode(SchemaKind.Any));
        return Find(key);
    }

    public ConfigMapping? Mapping(string key)
    {
        if (_schema is not null) return From(_report.Survey!.NodeFor(_schema.Add(key, new SchemaNode(SchemaKind.Mapping))), KeyPath(key), _report);
        return Take(key) is { } node ? From(node, KeyPath(key), _report) : null;
    }

    /// <param name="isTextOrMapping">An item can be either; otherwise it is what the reader takes it for.</param>
    public IEnumerable<(string Path, YamlNode Value)> Sequence(string key, string remedy, bool isTextOrMapping = false)
    {
        if (_schema is not null)
        {
            var items = _schema.Add(key, new SchemaNode(SchemaKind.List)).ItemsOf(SchemaKind.Any);
            items.IsTextAllowed |= isTextOrMapping;
            yield return (KeyPath(key), _report.Survey!.NodeFor(items));
        }

        if (Take(key) is not { } node) yield break;
        if (node is not YamlSequenceNode sequence)
        {
            _report.Error(node.Start.Line, KeyPath(key), "must be a list", remedy);
            yield break;
        }

        int index = 0;
        foreach (var item in sequence.Children) yield return ($"{KeyPath(key)}[{index++}]", item);
    }

    public IEnumerable<(string Path, YamlNode Value)> RequiredSequence(string key, string remedy, bool isTextOrMapping = false)
    {
        _schema?.Require(key);
        if (!Has(key)) Error(key, "is required", remedy);
        return Sequence(key, remedy, isTextOrMapping);
    }

    /// <summary>Some of a few words, as one or as a list; the caller reads them.</summary>
    public IEnumerable<(string Path, YamlNode Value)> OneOf(string key, IReadOnlyList<string> words)
    {
        _schema?.Add(key, new SchemaNode(SchemaKind.List) { IsTextAllowed = true }.WithItems(new SchemaNode(SchemaKind.Words) { Words = words }));
        return OneOrMore(key, "allowed: " + string.Join(", ", words));
    }

    /// <summary>One value, or a list of them.</summary>
    public IEnumerable<(string Path, YamlNode Value)> OneOrMore(string key, string remedy)
    {
        _schema?.Add(key, new SchemaNode(SchemaKind.List) { IsTextAllowed = true });
        if (Take(key) is not { } node) yield break;
        if (node is not YamlSequenceNode sequence)
        {
            yield return (KeyPath(key), node);
            yield break;
        }

        if (sequence.Children.Count == 0) _report.Error(node.Start.Line, KeyPath(key), "is empty", remedy);
        foreach (var item in sequence.Children) yield return (KeyPath(key), item);
    }

    /// <summary>The entries of a mapping from names that the user chooses to texts.</summary>
    public IEnumerable<(string Name, string Value)> EntriesOfText()
    {
        if (_schema is not null)
        {
            _schema.ItemsOf(SchemaKind.Text);
            yield break;
        }

        foreach (var (name, node) in Entries)
        {
            if (node is YamlScalarNode { Value: { } text } && !text.Any(char.IsControl)) yield return (name, text);
            else _report.Error(node.Start.Line, KeyPath(name), "must be a text of one line");
        }
    }

    /// <summary>The entries of a mapping from names that the user chooses to texts or mappings.</summary>
    public IEnumerable<(string Name, YamlNode Value)> EntriesOfTextOrMapping()
    {
        if (_schema is not null) _schema.ItemsOf(SchemaKind.Any).IsTextAllowed = true;
        return Entries;
    }

    /// <summary>Whether it has exactly one key, as the caller expects.</summary>
    public bool HasOneKey()
    {
        if (_schema is not null) _schema.HasExactlyOneKey = true;
        return _node.Children.Count == 1;
    }

    public ConfigMapping? RequiredMapping(string key, string remedy)
    {
        _schema?.Require(key);
        if (!Has(key)) Error(key, "is required", remedy);
        return Mapping(key);
    }

    public string? Text(string key)
    {
        _schema?.Add(key, new SchemaNode(SchemaKind.Text));
        if (Take(key) is not { } node) return null;
        if (node is YamlScalarNode { Value: { Length: > 0 } text } && !text.Any(char.IsControl)) return text;
        _report.Error(node.Start.Line, KeyPath(key), "must be a text of one line");
        return null;
    }

    /// <summary>A text, or a list of texts; empty when the key is absent. What is wrong is reported.</summary>
    public IReadOnlyList<string> Texts(string key, string remedy)
    {
        _schema?.Add(key, new SchemaNode(SchemaKind.List) { IsTextAllowed = true });
        if (Take(key) is not { } node) return [];
        var nodes = node is YamlSequenceNode sequence ? sequence.Children : [node];
        var texts = new List<string>();
        foreach (var item in nodes)
        {
            if (item is YamlScalarNode { Value: { Length: > 0 } text } && !text.Any(char.IsControl)) texts.Add(text);
            else _report.Error(item.Start.Line, KeyPath(key), "must be a text, or a list of texts", remedy);
        }

        if (nodes.Count == 0) _report.Error(node.Start.Line, KeyPath(key), "is empty", remedy);
        return texts;
    }

    /// <summary>The content of a file that a key names, relative to the configuration's folder; null, and reported, when it cannot be read.</summary>
    public byte[]? FileBytes(string key, int maximumBytes)
    {
        if (FilePath(key) is not { } path) return null;
        try
        {
            if (new FileInfo(path) is { Exists: true } file && file.Length <= maximumBytes) return File.ReadAllBytes(path);
            Error(key, File.Exists(path) ? $"{path} is larger than {maximumBytes} bytes" : $"there is no file {path}");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Error(key, $"{path} cannot be read: {exception.Message}");
        }

        return null;
    }

    /// <summary>The absolute path that a key names; null when absent.</summary>
    public string? FilePath(string key) => Text(key) is { } text ? System.IO.Path.GetFullPath(text, _report.Folder) : null;

    public string RequiredText(string key, string remedy)
    {
        _schema?.Require(key);
        if (!Has(key))
        {
            _known.Add(key);
            _schema?.Add(key, new SchemaNode(SchemaKind.Text));
            _report.Error(Line, KeyPath(key), "is required", remedy);
            return "";
        }

        return Text(key) ?? "";
    }

    /// <summary>One of a few words.</summary>
    public T Choice<T>(string key, T absent, params ReadOnlySpan<(string Word, T Value)> choices)
    {
        _schema?.Add(key, new SchemaNode(SchemaKind.Words) { Words = WordsOf(choices) });
        if (Text(key) is not { } text) return absent;
        var words = new List<string>();
        foreach (var (word, value) in choices)
        {
            if (word == text) return value;
            words.Add(word);
        }

        Error(key, $"'{text}' is not known here", NearestKey.Remedy(text, words));
        return absent;
    }

    public bool Flag(string key, bool absent)
    {
        _schema?.Add(key, new SchemaNode(SchemaKind.Flag));
        return Choice(key, absent, ("true", true), ("false", false));
    }

    /// <summary>A percentage, as a fraction.</summary>
    public double Share(string key, double absent)
    {
        _schema?.Add(key, new SchemaNode(SchemaKind.Share));
        if (Text(key) is not { } text) return absent;
        if (text.EndsWith('%') && double.TryParse(text.AsSpan(0, text.Length - 1), System.Globalization.NumberStyles.AllowDecimalPoint, null, out double percent) && percent <= 100) return percent / 100;
        Error(key, $"'{text}' is not a share", "write a percentage up to 100%, such as 20%");
        return absent;
    }

    /// <summary>A duration; <c>none</c> gives null.</summary>
    public TimeSpan? Duration(string key, TimeSpan? absent)
    {
        _schema?.Add(key, new SchemaNode(SchemaKind.Duration));
        if (Text(key) is not { } text) return absent;
        if (text == "none") return null;
        if (ConfigScalars.TryDuration(text, out var duration)) return duration;
        Error(key, $"'{text}' is not a duration", ConfigScalars.DurationRemedy + ", or none");
        return absent;
    }

    public long Size(string key, long absent, long minimumBytes, long maximumBytes)
    {
        _schema?.Add(key, new SchemaNode(SchemaKind.Size));
        if (Text(key) is not { } text) return absent;
        if (!ConfigScalars.TrySize(text, out long size)) Error(key, $"'{text}' is not a size", ConfigScalars.SizeRemedy);
        else if (size < minimumBytes || size > maximumBytes) Error(key, $"{text} is out of range", $"from {minimumBytes} bytes to {maximumBytes} bytes");
        else return size;
        return absent;
    }

    /// <summary>A size; null when absent.</summary>
    public long? OptionalSize(string key, long minimumBytes, long maximumBytes) => Size(key, -1, minimumBytes, maximumBytes) is >= 0 and var size ? size : null;

    /// <summary>A count; null when absent.</summary>
    public int? OptionalCount(string key, int minimum, int maximum) => Count(key, -1, minimum, maximum) is >= 0 and var count ? count : null;

    public int Count(string key, int absent, int minimum, int maximum)
    {
        _schema?.Add(key, new SchemaNode(SchemaKind.Count) { Range = (minimum, maximum) });
        if (Text(key) is not { } text) return absent;
        if (int.TryParse(text, out int count) && count >= minimum && count <= maximum) return count;
        Error(key, $"'{text}' is not a count that is possible here", $"write a whole number from {minimum} to {maximum}");
        return absent;
    }

    /// <summary>Keys of the published configuration that this version cannot obey: refused, never ignored.</summary>
    public void NotImplemented(params ReadOnlySpan<string> keys)
    {
        foreach (string key in keys)
        {
            if (Find(key) is { } node) _report.Error(node.Start.Line, KeyPath(key), NotYet, "remove the key");
            _refused.Add(key);
        }
    }

    /// <summary>Reports every key that was not asked for.</summary>
    public void Finish()
    {
        foreach (var (key, _) in _node.Children)
        {
            // Not ToString for other nodes: aliases can make a key of a few bytes mean gigabytes.
            string name = key is YamlScalarNode scalar ? scalar.Value ?? "" : "?";
            if (_known.Contains(name) || _refused.Contains(name)) continue;
            _report.Error(key.Start.Line, KeyPath(name), "unknown key", NearestKey.Remedy(name, _known));
        }
    }

    private static List<string> WordsOf<T>(ReadOnlySpan<(string Word, T Value)> choices)
    {
        var words = new List<string>();
        foreach (var (word, _) in choices) words.Add(word);
        return words;
    }

    private YamlNode? Find(string key)
    {
        foreach (var (name, value) in _node.Children)
        {
            if (name is YamlScalarNode scalar && scalar.Value == key) return value;
        }

        return null;
    }
}
