// What the readers know, written down: when a configuration is described instead of read, every getter of ConfigMapping notes its key here.
// docs/bimetal.schema.json is written from this, so the schema cannot lack a key that a reader asks for.

using System.Text.Json;

namespace Bimetal.Gateway.Configuration;

internal enum SchemaKind
{
    /// <summary>Nothing is known: any value.</summary>
    Any,
    Text,
    Words,
    Flag,
    Count,
    Duration,
    Size,
    Share,
    Mapping,
    List,
}

/// <summary>One value of a configuration.</summary>
internal sealed class SchemaNode(SchemaKind kind)
{
    private readonly SortedDictionary<string, SchemaNode> _keys = new(StringComparer.Ordinal);
    private readonly SortedSet<string> _required = new(StringComparer.Ordinal);

    public SchemaKind Kind { get; private set; } = kind;

    /// <summary>Of <see cref="SchemaKind.Words"/>.</summary>
    public IReadOnlyList<string> Words { get; init; } = [];

    /// <summary>Of <see cref="SchemaKind.Count"/>.</summary>
    public (int Minimum, int Maximum) Range { get; init; }

    /// <summary>Of <see cref="SchemaKind.List"/>; of a mapping, the values of keys that the user chooses.</summary>
    public SchemaNode? Items { get; private set; }

    /// <summary>A plain value may stand in place of the mapping, or of the list.</summary>
    public bool IsTextAllowed { get; set; }

    public bool HasExactlyOneKey { get; set; }

    /// <summary>Notes a key. What says more replaces what says less, and a mapping stays the same one.</summary>
    public SchemaNode Add(string key, SchemaNode value)
    {
        if (_keys.TryGetValue(key, out var known) && known.Kind > SchemaKind.Text) return known;
        return _keys[key] = value;
    }

    public void Require(string key) => _required.Add(key);

    public SchemaNode ItemsOf(SchemaKind kind) => Items ??= new SchemaNode(kind);

    public SchemaNode WithItems(SchemaNode items)
    {
        Items = items;
        return this;
    }

    /// <summary>A reader took it as a mapping.</summary>
    public void BecomeMapping() => Kind = SchemaKind.Mapping;

    public void Write(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        WriteMembers(writer);
        writer.WriteEndObject();
    }

    public void WriteMembers(Utf8JsonWriter writer)
    {
        if (IsTextAllowed)
        {
            IsTextAllowed = false;
            writer.WriteStartArray("anyOf");
            (Kind == SchemaKind.List ? Items ?? new SchemaNode(SchemaKind.Text) : new SchemaNode(SchemaKind.Text)).Write(writer);
            Write(writer);
            writer.WriteEndArray();
            IsTextAllowed = true;
            return;
        }

        switch (Kind)
        {
            case SchemaKind.Text:
                WriteTypes(writer, "string", "number", "boolean");
                break;
            case SchemaKind.Words:
                writer.WriteStartArray("enum");
                foreach (string word in Words) WriteWord(writer, word);
                writer.WriteEndArray();
                break;
            case SchemaKind.Flag:
                writer.WriteString("type", "boolean");
                break;
            case SchemaKind.Count:
                writer.WriteString("type", "integer");
                writer.WriteNumber("minimum", Range.Minimum);
                writer.WriteNumber("maximum", Range.Maximum);
                break;
            case SchemaKind.Duration:
                WritePattern(writer, "^(none|[0-9]+(\\.[0-9]+)?(us|ms|s|m|h))$");
                break;
            case SchemaKind.Size:
                WritePattern(writer, "^[0-9]+(\\.[0-9]+)?(B|KiB|MiB|GiB)$");
                break;
            case SchemaKind.Share:
                WritePattern(writer, "^[0-9]+(\\.[0-9]+)?%$");
                break;
            case SchemaKind.List:
                writer.WriteString("type", "array");
                writer.WritePropertyName("items");
                PlainIfUnknown(Items).Write(writer);
                break;
            case SchemaKind.Mapping:
                WriteMapping(writer);
                break;
        }
    }

    private void WriteMapping(Utf8JsonWriter writer)
    {
        writer.WriteString("type", "object");
        if (_keys.Count > 0)
        {
            writer.WriteStartObject("properties");
            foreach (var (key, value) in _keys)
            {
                writer.WritePropertyName(key);
                value.Write(writer);
            }

            writer.WriteEndObject();
        }

        writer.WritePropertyName("additionalProperties");
        if (Items is null) writer.WriteBooleanValue(false);
        else PlainIfUnknown(Items).Write(writer);
        if (HasExactlyOneKey)
        {
            writer.WriteNumber("minProperties", 1);
            writer.WriteNumber("maxProperties", 1);
        }

        if (_required.Count == 0) return;
        writer.WriteStartArray("required");
        foreach (string key in _required) writer.WriteStringValue(key);
        writer.WriteEndArray();
    }

    // An item that no reader took as a mapping was looked at as a text.
    private static SchemaNode PlainIfUnknown(SchemaNode? node) => node is null or { Kind: SchemaKind.Any } ? new SchemaNode(SchemaKind.Text) : node;

    // YAML reads 301 and true as something else than text.
    private static void WriteWord(Utf8JsonWriter writer, string word)
    {
        writer.WriteStringValue(word);
        if (int.TryParse(word, out int number)) writer.WriteNumberValue(number);
    }

    private static void WriteTypes(Utf8JsonWriter writer, params ReadOnlySpan<string> types)
    {
        writer.WriteStartArray("type");
        foreach (string type in types) writer.WriteStringValue(type);
        writer.WriteEndArray();
    }

    private static void WritePattern(Utf8JsonWriter writer, string pattern)
    {
        writer.WriteString("type", "string");
        writer.WriteString("pattern", pattern);
    }
}
