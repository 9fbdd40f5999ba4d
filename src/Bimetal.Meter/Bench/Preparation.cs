// Everything that has to be compiled before something can be measured, on all processors at once: nothing is timed meanwhile, and nothing is
// compiled later on, except where compiling is what is timed.

using System.Collections.Concurrent;
using Bimetal.Meter.Functions;
using Bimetal.Meter.Receipts;
using Bimetal.Meter.Workloads;
using Bimetal.Plugins;
using Bimetal.Plugins.Bundles;
using Bimetal.Wasm.Compiler;
using Bimetal.Wasm.Engine;
using Bimetal.Wasm.Modules;
using Bimetal.Wasm.Runtime;

namespace Bimetal.Meter.Bench;

/// <summary>Builds what is stale and fills the user's code cache. Use once.</summary>
/// <param name="arrangements">Those that will be measured.</param>
/// <param name="ablates">Whether receipts are made, which need further builds of each plugin.</param>
internal sealed class Preparation(IReadOnlyList<BenchSubject> subjects, IReadOnlyList<Arrangement> arrangements, bool ablates, IProgress<string>? progress)
{
    private readonly ConcurrentDictionary<string, TimeSpan> _nativeBuilds = [];

    /// <summary>What building the native metal took, by plugin, where that was done here.</summary>
    public IReadOnlyDictionary<string, TimeSpan> NativeBuilds => _nativeBuilds;

    /// <exception cref="PluginLoadException">A plugin cannot be built; the message is for a person.</exception>
    public async Task RunAsync(CancellationToken cancellation)
    {
        BenchSubject[] folders = [.. subjects.Where(subject => subject.Folder is not null)];
        BenchSubject[] both = [.. folders.Where(subject => subject.MayRunNative)];
        var modules = folders.ToDictionary(subject => subject.Name, subject => new Lazy<Task>(() => PluginBuilder.EnsureAsync(subject.Folder!, [BuildTarget.Wasm], progress, cancellation)));
        var natives = both.ToDictionary(subject => subject.Name, subject => new Lazy<Task>(() => BuildNativeAsync(subject, cancellation)));

        // One queue in the order of what waits for what, so that no processor is idle between its parts.
        List<Func<Task>> work = [.. modules.Values.Select(build => (Func<Task>)(() => build.Value)), .. natives.Values.Select(build => (Func<Task>)(() => build.Value))];
        if (ablates)
        {
            work.Add(() => OptionalAsync(() => PrepareReplaysAsync(both, natives, cancellation)));
            foreach (var subject in both) work.AddRange(Compilations(subject, modules[subject.Name], cancellation).Select(compile => (Func<Task>)(() => OptionalAsync(compile))));
        }

        var options = new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount, CancellationToken = cancellation };
        await Parallel.ForEachAsync(work, options, async (part, _) => await part());
    }

    private async Task BuildNativeAsync(BenchSubject subject, CancellationToken cancellation)
    {
        foreach (var built in await PluginBuilder.EnsureAsync(subject.Folder!, [BuildTarget.NativeHere], progress, cancellation)) _nativeBuilds[subject.Name] = built.Time;
    }

    /// <summary>One after the other: plugins with the same callbacks have the same replay.</summary>
    private static async Task PrepareReplaysAsync(BenchSubject[] both, Dictionary<string, Lazy<Task>> natives, CancellationToken cancellation)
    {
        foreach (var subject in both)
        {
            await natives[subject.Name].Value;
            if (await ReplayMeter.TryPrepareAsync(subject, progress: null, cancellation) is { } replay) Compile(replay.WasmPath, ReplayMeter.Code, cancellation);
        }
    }

    /// <summary>Whoever needs it meets the same error, and says for what.</summary>
    private static async Task OptionalAsync(Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (PluginLoadException)
        {
            // As said above.
        }
    }

    private IEnumerable<Func<Task>> Compilations(BenchSubject subject, Lazy<Task> module, CancellationToken cancellation)
    {
        yield return () => FunctionBuilder.BuildBestAsync(subject.Folder!, cancellation);
        yield return () => FunctionBuilder.EnsureBareAsync(subject.Folder!, BuildTarget.NativeHere, cancellation);
        var bare = new Lazy<Task<string?>>(() => FunctionBuilder.EnsureBareAsync(subject.Folder!, BuildTarget.Wasm, cancellation));
        yield return () => bare.Value;
        foreach (var variant in CodeMeter.Variants)
        {
            yield return async () =>
            {
                if (await bare.Value is { } path) Compile(path, variant, cancellation);
            };
        }

        foreach (var variant in arrangements.Select(PluginWorkload.OptionsOf).Distinct())
        {
            yield return async () =>
            {
                await module.Value;
                Compile(subject.WasmPath, variant, cancellation);
            };
        }
    }

    private static void Compile(string module, CompileOptions variant, CancellationToken cancellation)
    {
        try
        {
            PluginWorkload.EngineOf(variant).Load(module, cancellation).Dispose();
        }
        catch (Exception exception) when (exception is WasmModuleException or ToolchainException or CodeImageException)
        {
            throw new PluginLoadException(exception.Message, exception);
        }
    }
}
