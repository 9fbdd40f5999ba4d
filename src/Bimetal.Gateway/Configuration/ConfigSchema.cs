// The JSON Schema of the configuration, from the readers themselves: they run once on a mapping that only notes what they ask for.

using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using YamlDotNet.RepresentationModel;

namespace Bimetal.Gateway.Configuration;

/// <summary>Nodes that stand for values that are described, not read.</summary>
internal sealed class SchemaSurvey
{
    private readonly Dictionary<YamlNode, SchemaNode> _nodes = new(ReferenceEqualityComparer.Instance);

    /// <summary>An empty node for a reader to look into.</summary>
    public YamlNode NodeFor(SchemaNode schema)
    {
        var node = new YamlMappingNode();
        _nodes[node] = schema;
        return node;
    }

    public SchemaNode? SchemaOf(YamlNode node) => _nodes.GetValueOrDefault(node);
}

internal static class ConfigSchema
{
    /// <summary>The text of docs/bimetal.schema.json.</summary>
    public static string Write()
    {
        var root = new SchemaNode(SchemaKind.Mapping);
        var report = new ConfigReport("", "/") { Survey = new SchemaSurvey() };
        ConfigReader.ReadRoot(ConfigMapping.From(report.Survey.NodeFor(root), "", report)!, report);
        var output = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(output, new JsonWriterOptions { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            writer.WriteStartObject();
            writer.WriteString("$schema", "https://json-schema.org/draft/2020-12/schema");
            writer.WriteString("title", "Bimetal configuration");
            root.WriteMembers(writer);
            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(output.WrittenSpan) + "\n";
    }
}
