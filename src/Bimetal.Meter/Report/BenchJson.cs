// Writing and reading of reports without reflection.

using System.Text.Json;
using System.Text.Json.Serialization;

namespace Bimetal.Meter.Report;

/// <summary>JSON of a <see cref="BenchReport"/>.</summary>
public static class BenchJson
{
    public static string Write(BenchReport report) => JsonSerializer.Serialize(report, BenchJsonContext.Default.BenchReport) + "\n";

    /// <exception cref="JsonException">It is not such a document.</exception>
    public static BenchReport? Read(string json) => JsonSerializer.Deserialize(json, BenchJsonContext.Default.BenchReport);
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, WriteIndented = true)]
[JsonSerializable(typeof(BenchReport))]
internal sealed partial class BenchJsonContext : JsonSerializerContext;
