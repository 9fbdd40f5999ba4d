// The configuration file as JSON for the admin listener, without what is secret in it: by the names of keys, and by what plugins are given,
// of which nobody but the plugin knows what it is.

using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using YamlDotNet.RepresentationModel;

namespace Bimetal.Gateway.Configuration;

internal static class RedactedText
{
    public const string Redacted = "(redacted)";

    private const int MaximumDepth = 64;

    // The same bound as for the file: aliases repeat what they name.
    private const int MaximumBytes = ConfigReader.MaximumFileBytes;

    // Everything below these keys is secret, whatever it looks like.
    private static readonly HashSet<string> SecretTrees = new(StringComparer.OrdinalIgnoreCase)
    {
        "config", "secret", "secrets", "password", "passwords", "users", "credentials", "keys", "key", "token", "tokens",
    };

    // A text under a key that contains one of these is secret, but for the name of a file.
    private static readonly string[] SecretWords =
        ["secret", "password", "passwd", "token", "credential", "authorization", "cookie", "api-key", "api_key", "apikey", "private"];

    /// <summary>The whole document; empty when it is larger than the limit.</summary>
    public static ReadOnlyMemory<byte> Of(YamlNode document)
    {
        var output = new ArrayBufferWriter<byte>(4096);
        using var writer = new Utf8JsonWriter(output, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
        if (!TryWrite(document, writer, "", 0)) return default;
        writer.Flush();
        return output.WrittenMemory;
    }

    private static bool TryWrite(YamlNode node, Utf8JsonWriter writer, string key, int depth)
    {
        if (depth > MaximumDepth || writer.BytesCommitted + writer.BytesPending > MaximumBytes) return false;
        switch (node)
        {
            case YamlMappingNode mapping:
                writer.WriteStartObject();
                foreach (var (name, value) in mapping.Children)
                {
                    string text = (name as YamlScalarNode)?.Value ?? "";
                    writer.WritePropertyName(text);
                    bool isName = depth == 1 && key is ("plugins" or "upstreams");
                    if (!isName && IsSecretTree(text, value)) writer.WriteStringValue(Redacted);
                    else if (!TryWrite(value, writer, text, depth + 1)) return false;
                }

                writer.WriteEndObject();
                return true;
            case YamlSequenceNode sequence:
                writer.WriteStartArray();
                foreach (var item in sequence.Children)
                {
                    if (!TryWrite(item, writer, key, depth + 1)) return false;
                }

                writer.WriteEndArray();
                return true;
            default:
                writer.WriteStringValue(IsSecretText(key) ? Redacted : WithoutUser(((YamlScalarNode)node).Value ?? ""));
                return true;
        }
    }

    private static bool IsSecretTree(string key, YamlNode value) => SecretTrees.Contains(key) && value is not YamlScalarNode { Value: null or "" };

    private static bool IsSecretText(string key) =>
        !key.EndsWith("_file", StringComparison.Ordinal) && SecretWords.Any(word => key.Contains(word, StringComparison.OrdinalIgnoreCase));

    // http://user:password@host
    private static string WithoutUser(string text)
    {
        int scheme = text.IndexOf("://", StringComparison.Ordinal);
        if (scheme < 0) return text;
        int at = text.IndexOf('@', scheme);
        return at < 0 ? text : $"{text[..(scheme + 3)]}{Redacted}{text[at..]}";
    }
}
