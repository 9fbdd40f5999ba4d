// The words of a verdict, as in the JSON and in the table.

using Bimetal.Meter.Statistics;

namespace Bimetal.Meter.Report;

public static class BenchVerdict
{
    public const string NativeFaster = "native faster";

    public const string WasmFaster = "wasm faster";

    /// <summary>The interval of the difference holds zero.</summary>
    public const string TooNoisy = "too noisy to say";

    internal static string Of(ComparisonVerdict verdict) => verdict switch
    {
        ComparisonVerdict.FirstFaster => NativeFaster,
        ComparisonVerdict.SecondFaster => WasmFaster,
        _ => TooNoisy,
    };
}
