// The code ratio: what the same functions take on each metal when no ABI is crossed and no host takes part. Wasm twice, with its code as it is
// shipped for the ratio, and without masks and stack checks for the receipt, where these are items of their own.

using System.Diagnostics;
using Bimetal.Meter.Statistics;
using Bimetal.Meter.Workloads;
using Bimetal.Plugins;
using Bimetal.Plugins.Bundles;
using Bimetal.Plugins.Bundles.Cases;
using Bimetal.Wasm.Compiler;

namespace Bimetal.Meter.Functions;

/// <summary>What the code alone costs.</summary>
/// <param name="Ratio">Wasm, as shipped, to native.</param>
/// <param name="RatioInterval">95 % confidence interval of <paramref name="Ratio"/>.</param>
/// <param name="NativeUs">What native takes for the median exchange.</param>
/// <param name="StrippedDeltasUs">Wasm without masks, stack checks and write marks, minus native, of each case.</param>
internal sealed record CodeFigures(double Ratio, Interval RatioInterval, double NativeUs, double[] StrippedDeltasUs);

/// <summary>Measures code.</summary>
internal static class CodeMeter
{
    private const int Native = 0;
    private const int Shipped = 1;
    private const int Stripped = 2;
    private static readonly CompileOptions s_shipped = PluginHostServices.CodeOptions;
    private static readonly CompileOptions s_stripped = PluginHostServices.CodeOptions with { MaskIndices = false, CheckStack = false, MarkWrites = false };

    private const double SampleUs = 30;
    private const int MaximumRuns = 2000;
    private const int LeastPasses = 60;
    private const int MostPasses = 4000;
    private static readonly TimeSpan s_mixedTime = TimeSpan.FromSeconds(0.25);

    /// <summary>How the code of wasm is compiled.</summary>
    public static IReadOnlyList<CompileOptions> Variants { get; } = [s_shipped, s_stripped];

    /// <summary>Measures a plugin; null where it cannot be built so, or does not do the same so.</summary>
    public static async Task<CodeFigures?> TryMeasureAsync(BenchSubject subject, int rounds, IProgress<string>? progress, CancellationToken cancellation)
    {
        if (!subject.MayRunNative) return null;
        try
        {
            if (await FunctionBuilder.EnsureBareAsync(subject.Folder!, BuildTarget.NativeHere, cancellation) is not { } native) return null;
            string wasm = (await FunctionBuilder.EnsureBareAsync(subject.Folder!, BuildTarget.Wasm, cancellation))!;
            using var shipped = new WasmBareFunctions(wasm, s_shipped);
            using var stripped = new WasmBareFunctions(wasm, s_stripped);
            using var plain = new NativeBareFunctions(native);
            return Measure([plain, shipped, stripped], subject, rounds, cancellation);
        }
        catch (PluginLoadException exception)
        {
            progress?.Report($"{subject.Name}: no code ratio: {exception.Message}");
            return null;
        }
    }

    private static CodeFigures Measure(BareFunctions[] all, BenchSubject subject, int rounds, CancellationToken cancellation)
    {
        foreach (var functions in all) functions.Configure(subject.Config.Configuration.Span);
        PluginCase[] cases = [.. subject.Cases.Where(one => AreSame(all, one))];
        if (cases.Length < subject.Cases.Count) throw new PluginLoadException($"{subject.Cases.Count - cases.Length} exchanges end differently without a gateway");
        int[] runs = [.. cases.Select(one => RunsOf(all[Native], one))];
        var medians = all.Select(_ => new List<double>()).ToArray();
        double[][] times = [.. all.Select(_ => new double[cases.Length])];
        for (int round = -2; round < rounds; round++)
        {
            cancellation.ThrowIfCancellationRequested();
            for (int index = 0; index < cases.Length; index++)
            {
                for (int turn = 0; turn < all.Length; turn++)
                {
                    int which = (turn + index + round + 2) % all.Length;
                    times[which][index] = TimeUs(all[which], cases[index], runs[index]);
                }
            }

            if (round < 0) continue;
            for (int which = 0; which < all.Length; which++) medians[which].Add(Quantile.Median(times[which]));
        }

        var compared = PairedComparison.Of(medians[Native], medians[Shipped]);
        return new CodeFigures(compared.Ratio, compared.RatioInterval, Quantile.Median(medians[Native]), MixedDeltasUs(all[Native], all[Stripped], cases, cancellation));
    }

    /// <summary>
    /// What each case takes longer on the second when it runs once, after the others, as in a session: in a loop of its own every branch is foreseen. What an entry
    /// takes is taken off.
    /// </summary>
    private static double[] MixedDeltasUs(BareFunctions first, BareFunctions second, PluginCase[] cases, CancellationToken cancellation)
    {
        BareFunctions[] both = [first, second];
        byte[][] encoded = [.. cases.Select(BareFunctions.Encode)];
        List<double>[][] samples = [.. both.Select(_ => cases.Select(_ => new List<double>()).ToArray())];
        long began = Stopwatch.GetTimestamp();
        for (int pass = 0; pass < LeastPasses || (pass < MostPasses && Stopwatch.GetElapsedTime(began) < s_mixedTime); pass++)
        {
            cancellation.ThrowIfCancellationRequested();
            for (int index = 0; index < cases.Length; index++)
            {
                for (int turn = 0; turn < both.Length; turn++)
                {
                    int which = (turn + pass) % both.Length;
                    both[which].TryTake(encoded[index]);
                    long started = Stopwatch.GetTimestamp();
                    both[which].Run(0);
                    long entered = Stopwatch.GetTimestamp();
                    both[which].Run(1);
                    long ran = Stopwatch.GetTimestamp();
                    samples[which][index].Add((ran - entered - (entered - started)) * 1e6 / Stopwatch.Frequency);
                }
            }
        }

        return [.. cases.Select((_, index) => MiddleMean(samples[1][index]) - MiddleMean(samples[0][index]))];
    }

    private static double MiddleMean(List<double> samples)
    {
        samples.Sort();
        return Quantile.MiddleMeanOfSorted(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(samples));
    }

    private static bool AreSame(BareFunctions[] all, PluginCase one)
    {
        if (!all.All(functions => functions.TryTake(one))) return false;
        var ends = all.Select(functions => functions.Run(1)).Distinct().ToList();
        return ends.Count == 1 && ends[0] is CaseEnd.Passed or CaseEnd.Answered && all.Select(functions => functions.Digest()).Distinct().Count() == 1;
    }

    /// <summary>As many runs as last long enough for the clock.</summary>
    private static int RunsOf(BareFunctions native, PluginCase one)
    {
        double us = TimeUs(native, one, 20);
        return (int)Math.Clamp(SampleUs / Math.Max(us, 0.001), 1, MaximumRuns);
    }

    /// <summary>Microseconds of one run.</summary>
    private static double TimeUs(BareFunctions functions, PluginCase one, int runs)
    {
        functions.TryTake(one);
        functions.Run(1); // reads the exchange into the caches
        long started = Stopwatch.GetTimestamp();
        functions.Run(runs);
        return Stopwatch.GetElapsedTime(started).TotalMicroseconds / runs;
    }
}
