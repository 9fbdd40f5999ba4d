// Reads the JSON that wast2json makes of a script.

using System.Collections.Immutable;
using System.Text.Json;
using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Engine.Wast;

internal static class WastScriptReader
{
    /// <summary>Reads a script; its modules lie beside the file.</summary>
    /// <exception cref="WastException">The file is not what wast2json writes.</exception>
    internal static WastScript Read(string jsonPath)
    {
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(jsonPath));
            var root = document.RootElement;
            string folder = Path.GetDirectoryName(Path.GetFullPath(jsonPath))!;
            return new WastScript(
                Path.GetFileName(root.GetProperty("source_filename").GetString()!),
                [.. root.GetProperty("commands").EnumerateArray().Select(command => ReadCommand(command, folder))]);
        }
        catch (Exception exception) when (exception is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new WastException($"{jsonPath}: not a script made by wast2json: {exception.Message}");
        }
    }

    private static WastCommand ReadCommand(JsonElement command, string folder)
    {
        string? file = Text(command, "filename");
        return new WastCommand(
            Text(command, "type") ?? throw new FormatException("a command without a type"),
            command.GetProperty("line").GetInt32(),
            Text(command, "name"),
            Text(command, "as"),
            file is null ? null : Path.Combine(folder, file),
            IsText: Text(command, "module_type") == "text",
            Text(command, "text") ?? "",
            command.TryGetProperty("action", out var action) ? ReadAction(action) : null,
            ReadValues(command, "expected"));
    }

    private static WastAction ReadAction(JsonElement action) =>
        new(Text(action, "type") == "get", Text(action, "module"), Text(action, "field") ?? "", ReadValues(action, "args"));

    private static ImmutableArray<WastValue> ReadValues(JsonElement owner, string property) =>
        owner.TryGetProperty(property, out var values) ? [.. values.EnumerateArray().Select(ReadValue)] : [];

    private static WastValue ReadValue(JsonElement element)
    {
        string typeName = Text(element, "type") ?? "";
        string laneType = Text(element, "lane_type") ?? typeName;
        ImmutableArray<string> lanes = [];
        if (element.TryGetProperty("value", out var value))
            lanes = value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray().Select(lane => lane.GetString()!)] : [value.GetString()!];
        return new WastValue(TypeOf(typeName), LaneBitsOf(laneType), laneType is "f32" or "f64", lanes);
    }

    private static ValueType TypeOf(string name) => name switch
    {
        "i32" => ValueType.I32,
        "i64" => ValueType.I64,
        "f32" => ValueType.F32,
        "f64" => ValueType.F64,
        "v128" => ValueType.V128,
        "funcref" => ValueType.FuncRef,
        "externref" => ValueType.ExternRef,
        _ => throw new FormatException($"a value of type \"{name}\""),
    };

    private static int LaneBitsOf(string type) => type switch
    {
        "i8" => 8,
        "i16" => 16,
        "i32" or "f32" => 32,
        _ => 64,
    };

    private static string? Text(JsonElement element, string property) =>
        element.TryGetProperty(property, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
