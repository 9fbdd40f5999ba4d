// What the shadows of a gateway have seen, in a file beside the profile: `bimetal plan` reads it, whether the gateway still runs or not.

using System.Text.Json;
using System.Text.Json.Serialization;

namespace Bimetal.Plugins.Profiles;

/// <summary>The file; its name is that of the profile with <c>.shadow</c> before the extension.</summary>
public sealed record ShadowDocument
{
    public const string SchemaName = "bimetal.shadow/1";

    private const int MaximumFileBytes = 1 << 20;

    public string Schema { get; init; } = "";

    public IReadOnlyList<ShadowRecord> Plugins { get; init; } = [];

    public static string PathBeside(string profile) => Path.ChangeExtension(profile, ".shadow" + Path.GetExtension(profile));

    /// <summary>Null when there is no file, or it is none of this version: nothing was seen then.</summary>
    public static ShadowDocument? TryRead(string path)
    {
        try
        {
            if (new FileInfo(path) is not { Exists: true, Length: <= MaximumFileBytes }) return null;
            var document = JsonSerializer.Deserialize(File.ReadAllBytes(path), ShadowJson.Default.ShadowDocument);
            return document?.Schema == SchemaName && document.Plugins.All(plugin => plugin is not null) ? document : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }

    /// <summary>Writes it; a reader sees the old one or the new one.</summary>
    public void Write(string path)
    {
        string temporary = path + "." + Path.GetRandomFileName();
        File.WriteAllBytes(temporary, JsonSerializer.SerializeToUtf8Bytes(this with { Schema = SchemaName }, ShadowJson.Default.ShadowDocument));
        File.Move(temporary, path, overwrite: true);
    }

    /// <summary>What was seen of a plugin as it is now; null: nothing.</summary>
    public ShadowCounts? Find(string plugin, ProfileKey key)
    {
        var found = Plugins.FirstOrDefault(one => one.Plugin == plugin && one.Key == key);
        return found is null ? null : new ShadowCounts(found.Compared, found.Different, found.Example);
    }
}

/// <summary>One plugin's.</summary>
public sealed record ShadowRecord(string Plugin, ProfileKey Key, long Compared, long Different, string? Example);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ShadowDocument))]
internal sealed partial class ShadowJson : JsonSerializerContext;
