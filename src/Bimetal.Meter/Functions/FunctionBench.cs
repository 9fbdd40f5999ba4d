// `bench --pair` and `bench --source`: any function on both metals, no plugin needed. Results are compared, then both are called in turns; a
// receipt comes from further builds of the same module with one switch changed, and from a function that does nothing.

using System.Diagnostics;
using Bimetal.Meter.Report;
using Bimetal.Meter.Statistics;
using Bimetal.Plugins;
using Bimetal.Plugins.Bundles;
using Bimetal.Wasm.Compiler;

namespace Bimetal.Meter.Functions;

/// <summary>Measures functions.</summary>
public static class FunctionBench
{
    private const double SampleUs = 50;
    private const int MaximumCalls = 20_000;
    private const int QuickRounds = 60;
    private const int FullRounds = 400;
    private const int Native = 0;
    private const int Wasm = 1;

    // A limit that nothing here comes near: what is measured is that there is one.
    private static readonly TimeSpan s_cpuLimit = TimeSpan.FromSeconds(60);

    private static readonly (string Name, CompileOptions Options, bool HasLimit)[] s_variants =
    [
        ("", new CompileOptions(), true),
        ("interruption", new CompileOptions(), false),
        ("stack check", new CompileOptions { CheckStack = false }, true),
        ("masks", new CompileOptions { MaskIndices = false }, true),
        ("stripped", new CompileOptions { CheckStack = false, MaskIndices = false }, false),
        ("explicit bounds", new CompileOptions { Bounds = BoundsMode.Explicit }, true),
    ];

    /// <summary>Measures one function.</summary>
    /// <exception cref="PluginLoadException">It cannot be built, loaded or called; the message is for a person.</exception>
    public static async Task<BenchReport> RunAsync(FunctionRequest request, IProgress<string>? progress, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(request);
        long started = Stopwatch.GetTimestamp();
        string folder = Directory.CreateTempSubdirectory("bimetal-bench-").FullName;
        try
        {
            var (wasm, native) = await BuildAsync(request, folder, progress, cancellation);
            double boundaryUs = await BoundaryUsAsync(folder, progress, cancellation);
            progress?.Report($"{request.Export}: measuring");
            var task = Measure(request, wasm, native, boundaryUs, cancellation);
            return new BenchReport
            {
                Machine = MachineDescription.OfThis(),
                Tasks = [task],
                Summary = BenchSummaries.Of([task]),
                RunSeconds = Math.Round(Stopwatch.GetElapsedTime(started).TotalSeconds, 1),
            };
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<(string Wasm, string Native)> BuildAsync(FunctionRequest request, string folder, IProgress<string>? progress, CancellationToken cancellation)
    {
        if (request.Source is not { } source) return (request.WasmPath!, request.NativePath!);
        if (!File.Exists(source)) throw new PluginLoadException($"{source}: no such file");
        progress?.Report($"{source}: building for both metals");
        return await BuildBothAsync(Path.GetFullPath(source), request.Export, folder, cancellation);
    }

    private static async Task<(string Wasm, string Native)> BuildBothAsync(string source, string export, string folder, CancellationToken cancellation)
    {
        string wasm = Path.Combine(folder, export + ".wasm"), native = Path.Combine(folder, export + ".so");
        await FunctionBuilder.BuildSourceAsync(source, export, BuildTarget.Wasm, wasm, cancellation);
        await FunctionBuilder.BuildSourceAsync(source, export, BuildTarget.NativeHere, native, cancellation);
        return (wasm, native);
    }

    /// <summary>What calling a function that does nothing costs more on wasm, without a limit.</summary>
    private static async Task<double> BoundaryUsAsync(string folder, IProgress<string>? progress, CancellationToken cancellation)
    {
        progress?.Report("calibrating: a function that does nothing");
        string source = Path.Combine(folder, "bimetal_empty.c");
        await File.WriteAllTextAsync(source, "void bimetal_empty(void);\nvoid bimetal_empty(void)\n{\n}\n", cancellation);
        var (wasmPath, nativePath) = await BuildBothAsync(source, "bimetal_empty", folder, cancellation);
        using var wasm = new WasmFunction(wasmPath, "bimetal_empty", [], new CompileOptions(), cpuLimit: null);
        using var native = new NativeExport(nativePath, "bimetal_empty", wasm.Type, wasm.Values);
        var medians = Rounds([native, wasm], QuickRounds, cancellation);
        return PairedComparison.Of(medians[Native], medians[Wasm]).Delta;
    }

    private static BenchTask Measure(FunctionRequest request, string wasmPath, string nativePath, double boundaryUs, CancellationToken cancellation)
    {
        var contestants = new List<IFunctionContestant>();
        try
        {
            foreach (var (_, options, hasLimit) in s_variants)
                contestants.Add(new WasmFunction(wasmPath, request.Export, request.Arguments, options, hasLimit ? s_cpuLimit : null));
            var first = (WasmFunction)contestants[0];
            contestants.Insert(Native, new NativeExport(nativePath, request.Export, first.Type, first.Values));
            ulong[] results = [.. contestants.Select(one => one.Call(1))];
            bool isSame = results.All(result => AreSame(result, results[0], first.Type.Results.IsEmpty ? null : first.Type.Results[0]));
            var medians = Rounds([.. contestants], request.IsFull ? FullRounds : QuickRounds, cancellation);
            return TaskOf(request, first, nativePath, medians, boundaryUs, isSame);
        }
        finally
        {
            contestants.ForEach(one => one.Dispose());
        }
    }

    /// <summary>Medians of each round, in microseconds of one call; contestants take turns within a round.</summary>
    private static List<double>[] Rounds(IFunctionContestant[] contestants, int rounds, CancellationToken cancellation)
    {
        const int WarmUp = 5, Samples = 5;
        int calls = (int)Math.Clamp(SampleUs / Math.Max(TimeUs(contestants[Native], 20), 0.001), 1, MaximumCalls);
        var medians = contestants.Select(_ => new List<double>()).ToArray();
        double[] samples = new double[Samples];
        for (int round = -WarmUp; round < rounds; round++)
        {
            cancellation.ThrowIfCancellationRequested();
            for (int turn = 0; turn < contestants.Length; turn++)
            {
                int which = (turn + round + WarmUp) % contestants.Length;
                for (int sample = 0; sample < Samples; sample++) samples[sample] = TimeUs(contestants[which], calls);
                if (round >= 0) medians[which].Add(Quantile.Median(samples));
            }
        }

        return medians;
    }

    private static double TimeUs(IFunctionContestant contestant, int calls)
    {
        long started = Stopwatch.GetTimestamp();
        contestant.Call(calls);
        return Stopwatch.GetElapsedTime(started).TotalMicroseconds / calls;
    }

    private static BenchTask TaskOf(FunctionRequest request, WasmFunction wasm, string nativePath, List<double>[] medians, double boundaryUs, bool isSame)
    {
        List<double> Variant(string name) => medians[1 + Array.FindIndex(s_variants, variant => variant.Name == name)];
        double Price(string name) => PairedComparison.Of(Variant(name), medians[Wasm]).Delta;
        var call = PairedComparison.Of(medians[Native], medians[Wasm]);
        var code = PairedComparison.Of(medians[Native], Variant("interruption"));
        double codeUs = PairedComparison.Of(medians[Native], Variant("stripped")).Delta - boundaryUs;
        ReceiptItem[] items =
        [
            new("boundary", Rounded(boundaryUs)), new("interruption", Rounded(Price("interruption"))), new("stack check", Rounded(Price("stack check"))),
            new("masks", Rounded(Price("masks"))), new("code quality", Rounded(codeUs)),
        ];
        return new BenchTask
        {
            Task = request.Export,
            Mode = "a function without plugin; conformant",
            Input = $"{request.Export}({string.Join(", ", wasm.Values.Select(value => value.ToString()))})",
            Native = Figures(medians[Native], new FileInfo(nativePath).Length),
            Wasm = Figures(medians[Wasm], wasm.SizeBytes),
            CodeRatio = Rounded(code.Ratio),
            CodeRatioInterval = [Rounded(code.RatioInterval.Low), Rounded(code.RatioInterval.High)],
            Tax = new TaxFigures
            {
                CallRatio = Rounded(call.Ratio),
                CallDeltaUs = Rounded(call.Delta),
                CallIntervalUs = [Rounded(call.DeltaInterval.Low), Rounded(call.DeltaInterval.High)],
                RequestRatio = Rounded(call.Ratio),
                RequestDeltaUs = Rounded(call.Delta),
                IntervalUs = [Rounded(call.DeltaInterval.Low), Rounded(call.DeltaInterval.High)],
                NativeWins = call.Verdict == ComparisonVerdict.FirstFaster,
                Verdict = BenchVerdict.Of(call.Verdict),
            },
            Receipt = new Receipt
            {
                Hot = items,
                UnexplainedUs = Rounded(call.Delta - items.Sum(item => item.Us)),
                WhatIf = [new ReceiptItem("explicit bounds", Rounded(-Price("explicit bounds")))],
            },
            SameResult = isSame,
        };
    }

    private static MetalFigures Figures(List<double> medians, long sizeBytes)
    {
        var interval = MedianInterval.Of(medians);
        double p50 = Rounded(Quantile.Median(medians)), p99 = Rounded(Quantile.Of(medians, 0.99));
        double[] bounds = [Rounded(interval.Low), Rounded(interval.High)];
        return new MetalFigures
        {
            CallP50Us = p50, CallP99Us = p99, CallP50IntervalUs = bounds, RequestP50Us = p50, RequestP99Us = p99, RequestP50IntervalUs = bounds, SizeBytes = sizeBytes,
        };
    }

    // The payload of a NaN is not the function's to choose.
    private static bool AreSame(ulong left, ulong right, ValueType? type) => left == right || type switch
    {
        ValueType.F32 => float.IsNaN(BitConverter.UInt32BitsToSingle((uint)left)) && float.IsNaN(BitConverter.UInt32BitsToSingle((uint)right)),
        ValueType.F64 => double.IsNaN(BitConverter.UInt64BitsToDouble(left)) && double.IsNaN(BitConverter.UInt64BitsToDouble(right)),
        _ => false,
    };

    // Functions take nanoseconds: one digit below them.
    private static double Rounded(double us) => Math.Round(us, 4);
}
