// What was measured of a configuration's plugins on one machine, and what `bimetal plan` made of it: the file that metal: auto obeys.

using System.Text.Json;
using System.Text.Json.Serialization;

namespace Bimetal.Plugins.Profiles;

/// <summary>The file named by <c>profile:</c>.</summary>
public sealed record ProfileDocument
{
    public const string SchemaName = "bimetal.profile/1";

    /// <summary>Where it is looked for, beside the configuration, when <c>profile:</c> says nothing.</summary>
    public const string DefaultFileName = "bimetal.profile.json";

    private const int MaximumFileBytes = 16 << 20;

    public string Schema { get; init; } = "";

    /// <summary>Requests per second that were planned with.</summary>
    public double Rps { get; init; }

    public IReadOnlyList<PluginProfile> Plugins { get; init; } = [];

    /// <summary>Reads a profile. Null when there is no file, or it is none; <paramref name="problem"/> says why not, in words for a person.</summary>
    public static ProfileDocument? TryRead(string path, out string problem)
    {
        problem = "";
        try
        {
            var file = new FileInfo(path);
            if (!file.Exists)
            {
                problem = $"there is no profile {path}; bimetal plan CONFIG --apply writes it";
                return null;
            }

            if (file.Length > MaximumFileBytes)
            {
                problem = $"{path}: is larger than {MaximumFileBytes >> 20} MiB";
                return null;
            }

            var document = JsonSerializer.Deserialize(File.ReadAllBytes(path), ProfileJson.Default.ProfileDocument);
            if (document?.Schema == SchemaName && document.Plugins.All(plugin => plugin is not null)) return document;
            problem = $"{path}: is no profile of this version ({SchemaName}); write it anew with bimetal plan CONFIG --apply";
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or JsonException)
        {
            problem = $"{path}: cannot be read as a profile: {exception.Message.ReplaceLineEndings(" ")}";
        }

        return null;
    }

    /// <summary>Writes it; a reader sees the old one or the new one.</summary>
    public void Write(string path)
    {
        string temporary = path + "." + Path.GetRandomFileName();
        File.WriteAllBytes(temporary, JsonSerializer.SerializeToUtf8Bytes(this with { Schema = SchemaName }, ProfileJson.Default.ProfileDocument));
        File.Move(temporary, path, overwrite: true);
    }
}

/// <summary>One plugin: what was measured, under what, and the decision.</summary>
public sealed record PluginProfile
{
    /// <summary>Its key in the configuration.</summary>
    public required string Plugin { get; init; }

    /// <summary>What has to be the same for the figures to mean anything; see <see cref="ProfileKey"/>.</summary>
    public required ProfileKey Key { get; init; }

    /// <summary>UTC.</summary>
    public required string Measured { get; init; }

    /// <summary>What was run, and how often.</summary>
    public required string Input { get; init; }

    public required int Rounds { get; init; }

    public required MetalCost Native { get; init; }

    public required MetalCost Wasm { get; init; }

    /// <summary>Wasm minus native for one request, in microseconds: the median of the rounds' differences.</summary>
    public required double TaxUs { get; init; }

    /// <summary>95 % confidence interval of <see cref="TaxUs"/>: low, high.</summary>
    public required IReadOnlyList<double> TaxIntervalUs { get; init; }

    /// <summary>Every case came out the same on both metals.</summary>
    public required bool SameResult { get; init; }

    /// <summary>What shadow requests of a running gateway have seen; null: none.</summary>
    public ShadowCounts? Shadow { get; init; }
}

/// <summary>One request on one metal, in microseconds.</summary>
/// <param name="P99UpperUs">Upper end of the 95 % confidence interval of the p99.</param>
public sealed record MetalCost(double P50Us, double P99Us, double P99UpperUs);

/// <summary>Comparisons of both metals on live requests.</summary>
public sealed record ShadowCounts(long Compared, long Different, string? Example);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ProfileDocument))]
internal sealed partial class ProfileJson : JsonSerializerContext;
