// What `bimetal compile` says of a compilation, as text and as JSON.

using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Bimetal.Wasm.Engine.Compile;

/// <summary>One stage of a compilation; LLVM's two stages run on all cores and are told apart by their shares of the time.</summary>
public sealed record CompileStage(string Stage, double Ms);

/// <summary>A finished compilation.</summary>
public sealed record CompileReport
{
    public string Schema { get; init; } = "bimetal.compile/1";

    public required string Module { get; init; }

    public required long ModuleBytes { get; init; }

    public required int Functions { get; init; }

    public required int Imports { get; init; }

    public required int Exports { get; init; }

    public required long CodeBytes { get; init; }

    /// <summary>Where the code went; null: nowhere but the cache.</summary>
    public string? Output { get; init; }

    public required string Options { get; init; }

    public required string CacheKey { get; init; }

    public required bool FromCache { get; init; }

    public required IReadOnlyList<CompileStage> Stages { get; init; }

    /// <summary>Elapsed time of all stages.</summary>
    public required double Seconds { get; init; }

    /// <summary>CPU time of this process and its children meanwhile.</summary>
    public required double CpuSeconds { get; init; }

    public int Cores { get; init; } = Environment.ProcessorCount;

    /// <summary>Megabytes of wasm for each second of CPU time; null when the code came from the cache.</summary>
    public double? MegabytesPerCoreSecond => FromCache || CpuSeconds <= 0 ? null : ModuleBytes / 1e6 / CpuSeconds;

    /// <summary>Writes it for people.</summary>
    public void WriteText(TextWriter output)
    {
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"module     {ModuleBytes,10:N0} bytes, {Functions} functions, {Imports} imports, {Exports} exports"));
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"code       {CodeBytes,10:N0} bytes{(Output is null ? "" : " in " + Output)}"));
        output.WriteLine($"options    {Options}");
        output.WriteLine($"cache key  {CacheKey}{(FromCache ? " (found in the cache)" : "")}");
        foreach (var (stage, ms) in Stages) output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{stage,-10} {ms,10:f2} ms"));
        if (MegabytesPerCoreSecond is { } speed)
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"speed      {speed,10:f3} MB of wasm per second and core ({CpuSeconds:f2} s of CPU time in {Seconds:f2} s, {Cores} cores)"));
    }

    /// <summary>Writes it for programs.</summary>
    public void WriteJson(TextWriter output) => output.WriteLine(JsonSerializer.Serialize(this, CompileJson.Default.CompileReport));
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(CompileReport))]
internal sealed partial class CompileJson : JsonSerializerContext;
