// Everything that has to be compiled before something can be measured, on all processors at once: nothing is timed meanwhile, and nothing is
// compiled later on, except where compiling is what is timed.

using Bimetal.Meter.Functions;
using Bimetal.Meter.Workloads;
using Bimetal.Plugins;
using Bimetal.Plugins.Bundles;
using Bimetal.Wasm.Compiler;
using Bimetal.Wasm.Engine;
using Bimetal.Wasm.Modules;
using Bimetal.Wasm.Runtime;

namespace Bimetal.Meter.Bench;

/// <summary>Builds what is stale and fills the user's code cache.</summary>
internal static class Preparation
{
    /// <param name="ablates">Whether receipts are made, which need further builds of each plugin.</param>
    /// <exception cref="PluginLoadException">A plugin cannot be built; the message is for a person.</exception>
    public static async Task RunAsync(IReadOnlyList<BenchSubject> subjects, bool ablates, IProgress<string>? progress, CancellationToken cancellation)
    {
        var options = new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount, CancellationToken = cancellation };
        BenchSubject[] folders = [.. subjects.Where(subject => subject.Folder is not null)];
        await Parallel.ForEachAsync(folders, options, async (subject, token) =>
        {
            BuildTarget[] targets = subject.MayRunNative ? [BuildTarget.Wasm, BuildTarget.NativeHere] : [BuildTarget.Wasm];
            await PluginBuilder.EnsureAsync(subject.Folder!, targets, progress, token);
        });
        if (!ablates) return;
        progress?.Report("compiling what receipts need, where it is not in the cache");
        await Parallel.ForEachAsync(folders.Where(subject => subject.MayRunNative).SelectMany(Compilations), options, async (compile, token) =>
        {
            try
            {
                await compile(token);
            }
            catch (PluginLoadException)
            {
                // Whoever needs it meets the same error, and says for what.
            }
        });
    }

    private static IEnumerable<Func<CancellationToken, Task>> Compilations(BenchSubject subject)
    {
        foreach (var variant in PluginWorkload.Everything.Select(PluginWorkload.OptionsOf).Distinct())
            yield return token => Task.Run(() => Compile(subject.WasmPath, variant, token), token);
        yield return token => FunctionBuilder.BuildBestAsync(subject.Folder!, token);
        yield return token => FunctionBuilder.EnsureBareAsync(subject.Folder!, BuildTarget.NativeHere, token);
        yield return async token =>
        {
            if (await FunctionBuilder.EnsureBareAsync(subject.Folder!, BuildTarget.Wasm, token) is not { } bare) return;
            foreach (var variant in CodeMeter.Variants) Compile(bare, variant, token);
        };
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
