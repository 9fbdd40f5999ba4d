// A plugin's configuration written as a YAML mapping goes to the plugin as JSON; plain scalars keep their type, quoted ones are strings.

using System.Buffers;
using System.Globalization;
using System.Text.Json;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Bimetal.Gateway.Configuration;

internal static class YamlToJson
{
    private const int MaximumDepth = 64;

    // Aliases repeat what they name, so a short file can mean a huge document.
    private const int MaximumBytes = 1 << 20;

    public static ReadOnlyMemory<byte> Convert(YamlNode node, string path, ConfigReport report)
    {
        var output = new ArrayBufferWriter<byte>();
        using var writer = new Utf8JsonWriter(output);
        if (TryWrite(node, writer, 0, report, path)) writer.Flush();
        return output.WrittenMemory;
    }

    private static bool TryWrite(YamlNode node, Utf8JsonWriter writer, int depth, ConfigReport report, string path)
    {
        if (depth > MaximumDepth || writer.BytesCommitted + writer.BytesPending > MaximumBytes)
        {
            report.Error(node.Start.Line, path, $"is nested deeper than {MaximumDepth} or larger than {MaximumBytes} bytes of JSON");
            return false;
        }

        switch (node)
        {
            case YamlMappingNode mapping: return TryWriteMapping(mapping, writer, depth, report, path);
            case YamlSequenceNode sequence:
                writer.WriteStartArray();
                foreach (var item in sequence.Children)
                {
                    if (!TryWrite(item, writer, depth + 1, report, path)) return false;
                }

                writer.WriteEndArray();
                return true;
            default:
                WriteScalar((YamlScalarNode)node, writer);
                return true;
        }
    }

    private static bool TryWriteMapping(YamlMappingNode mapping, Utf8JsonWriter writer, int depth, ConfigReport report, string path)
    {
        writer.WriteStartObject();
        foreach (var (key, value) in mapping.Children)
        {
            if (key is not YamlScalarNode { Value: { } name })
            {
                report.Error(key.Start.Line, path, "a key must be a plain word, to be a key in JSON");
                return false;
            }

            writer.WritePropertyName(name);
            if (!TryWrite(value, writer, depth + 1, report, $"{path}.{name}")) return false;
        }

        writer.WriteEndObject();
        return true;
    }

    private static void WriteScalar(YamlScalarNode scalar, Utf8JsonWriter writer)
    {
        string text = scalar.Value ?? "";
        if (scalar.Style is not (ScalarStyle.Plain or ScalarStyle.Any)) writer.WriteStringValue(text);
        else if (text is "true" or "false") writer.WriteBooleanValue(text == "true");
        else if (text is "" or "null" or "~") writer.WriteNullValue();
        else if (IsJsonNumber(text)) writer.WriteRawValue(text);
        else writer.WriteStringValue(text);
    }

    // JSON's own grammar, so that "1_000", ".5", "0x10" and version numbers such as 1.2.3 stay strings.
    private static bool IsJsonNumber(string text)
    {
        if (!char.IsAsciiDigit(text[^1]) || !(text[0] == '-' || char.IsAsciiDigit(text[0]))) return false;
        ReadOnlySpan<char> digits = text.AsSpan(text[0] == '-' ? 1 : 0);
        if (digits.Length == 0 || !char.IsAsciiDigit(digits[0]) || (digits[0] == '0' && digits.Length > 1 && char.IsAsciiDigit(digits[1]))) return false;
        int point = digits.IndexOf('.');
        if (point >= 0 && !char.IsAsciiDigit(digits[point + 1])) return false;
        return double.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out double value)
            && double.IsFinite(value);
    }
}
