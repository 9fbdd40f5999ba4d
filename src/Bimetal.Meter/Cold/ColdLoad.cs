// Cold load: from the path of a build to the first answer, in a running host, by stage. Wasm twice: compiled on the way, and with its code in
// the cache. Caches of its own, so that neither the user's cache nor an earlier run decides what is cold.

using System.Diagnostics;
using Bimetal.Meter.Statistics;
using Bimetal.Meter.Workloads;
using Bimetal.Plugins;
using Bimetal.Plugins.Bundles.Cases;
using Bimetal.Wasm.Compiler.Cache;
using Bimetal.Wasm.Engine;

namespace Bimetal.Meter.Cold;

/// <summary>One load: what it took until the first answer, and its stages.</summary>
/// <param name="TotalUs">From the path to the first answer.</param>
/// <param name="StagesUs">By the name of the stage; what lies between them is in none.</param>
internal sealed record ColdTimes(double TotalUs, IReadOnlyDictionary<string, double> StagesUs)
{
    /// <summary>95 % confidence interval of <see cref="TotalUs"/>; of few loads, all that was seen.</summary>
    public Interval TotalIntervalUs { get; private init; } = new(TotalUs, TotalUs);

    public double this[string stage] => StagesUs.GetValueOrDefault(stage);

    /// <summary>The load whose total is the median's.</summary>
    public static ColdTimes MedianOf(List<ColdTimes> loads) =>
        loads.OrderBy(load => load.TotalUs).ElementAt((loads.Count - 1) / 2) with { TotalIntervalUs = MedianInterval.Of(loads.Select(load => load.TotalUs)) };
}

/// <summary>Times loads.</summary>
internal sealed class ColdLoad : IDisposable
{
    private static readonly byte[] s_emptyModule = [0, 0x61, 0x73, 0x6D, 1, 0, 0, 0];

    private readonly string _folder = Directory.CreateTempSubdirectory("bimetal-bench-").FullName;
    private readonly Lazy<HashSet<string>> _shared;

    public ColdLoad() => _shared = new Lazy<HashSet<string>>(Prime);

    /// <summary>Names of stages, in order; <c>compile</c> sums up what the compiler does before it links.</summary>
    public static IReadOnlyList<string> Stages { get; } = ["read", "decode", "validate", "compile", "link", "instantiate", "first call"];

    /// <summary>Loads that find everything but the module's own code: the compiler's version, and the routines that every module is linked with.</summary>
    public async Task<ColdTimes> CompileAsync(BenchSubject subject, int loads, CancellationToken cancellation)
    {
        var times = new List<ColdTimes>();
        _ = _shared.Value;
        for (int load = 0; load < loads; load++)
        {
            ForgetImages();
            times.Add(await LoadAsync(subject, subject.ConfigFor(Metal.Wasm, InstancePolicy.PerRequest), cancellation));
        }

        return ColdTimes.MedianOf(times);
    }

    /// <summary>Loads of code that is there already; after <see cref="CompileAsync"/>.</summary>
    public Task<ColdTimes> PrecompiledAsync(BenchSubject subject, Metal metal, int loads, CancellationToken cancellation) =>
        PrecompiledAsync(subject, subject.ConfigFor(metal, InstancePolicy.PerRequest), loads, cancellation);

    /// <summary>The same of a configuration of the caller's.</summary>
    public async Task<ColdTimes> PrecompiledAsync(BenchSubject subject, PluginConfig config, int loads, CancellationToken cancellation)
    {
        var times = new List<ColdTimes>();
        for (int load = 0; load < loads; load++) times.Add(await LoadAsync(subject, config, cancellation));
        return ColdTimes.MedianOf(times);
    }

    /// <summary>What a request takes whose instance is made and started for it: of loads with shared instances, one of which there is for each processor.</summary>
    public async Task<double> PlainRequestUsAsync(BenchSubject subject, int loads, CancellationToken cancellation)
    {
        var times = new List<double>();
        for (int load = 0; load < loads; load++)
        {
            var one = await LoadAsync(subject, subject.ConfigFor(Metal.Wasm, InstancePolicy.Shared), cancellation);
            times.Add((one["instantiate"] / Environment.ProcessorCount) + one["first call"]);
        }

        return Quantile.Median(times);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private async Task<ColdTimes> LoadAsync(BenchSubject subject, PluginConfig config, CancellationToken cancellation)
    {
        var clock = new CaseClock();
        clock.Set(subject.Cases[0].Clock);
        var times = new CaseTimes();
        var services = new PluginHostServices { Time = clock, Engine = new WasmEngine(new EngineOptions { Cache = new CodeCache(_folder), Compile = PluginHostServices.CodeOptions }) };
        long started = Stopwatch.GetTimestamp();
        await using var plugin = await PluginLoader.LoadAsync(config, services, cancellation);
        long loaded = Stopwatch.GetTimestamp();
        CaseExchange.Measure(plugin, subject.Cases[0], times);
        double totalUs = Stopwatch.GetElapsedTime(started).TotalMicroseconds;
        var stages = new Dictionary<string, double> { ["first call"] = Stopwatch.GetElapsedTime(loaded).TotalMicroseconds };
        foreach (var (stage, time) in plugin.LoadStages)
        {
            string name = stage switch
            {
                "cache" or "emit" or "clang" or "check" => "compile",
                "load" => "link",
                _ => stage,
            };
            stages[name] = stages.GetValueOrDefault(name) + time.TotalMicroseconds;
        }

        return new ColdTimes(totalUs, stages);
    }

    /// <summary>Files of the cache that are made once per machine: the compiler's version, the routines that every module is linked with.</summary>
    private HashSet<string> Prime()
    {
        new WasmEngine(new EngineOptions { Cache = new CodeCache(_folder), Compile = PluginHostServices.CodeOptions }).Load("empty", s_emptyModule).Dispose();
        return [.. Directory.EnumerateFiles(_folder)];
    }

    private void ForgetImages()
    {
        foreach (string file in Directory.EnumerateFiles(_folder).Where(file => !_shared.Value.Contains(file)).ToList()) File.Delete(file);
    }
}
