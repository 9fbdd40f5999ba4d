// What a plugin's callbacks and host calls cost without the plugin: the replay of its calls, measured on both metals in turns, in the same session as
// the plugin itself. On wasm without masks, checks, marks and CPU limits: these are items of their own in a receipt.

using Bimetal.Meter.Workloads;
using Bimetal.Plugins;
using Bimetal.Plugins.Bundles;
using Bimetal.Plugins.Bundles.Cases;
using Bimetal.Wasm.Compiler;

namespace Bimetal.Meter.Receipts;

/// <summary>One way to run a replay.</summary>
internal enum ReplayArrangement
{
    NativeNothing,
    WasmNothing,
    NativeIdentify,
    WasmIdentify,
    NativeReplay,
    WasmReplay,
    WasmUncopied,
}

/// <summary>Measures the replay of one subject.</summary>
internal sealed class ReplayMeter
{
    private readonly BenchSubject _subject;
    private readonly ReplayScript _script;
    private readonly string _native;
    private readonly string _wasm;
    private readonly PluginCase[] _cases;

    private ReplayMeter(BenchSubject subject, ReplayScript script, string native, string wasm)
    {
        (_subject, _script, _native, _wasm) = (subject, script, native, wasm);
        _cases = [.. subject.Cases.Select(ReplayScript.Numbered)];
    }

    /// <summary>How its code on wasm is compiled.</summary>
    public static CompileOptions Code { get; } = PluginHostServices.CodeOptions with { MaskIndices = false, CheckStack = false, MarkWrites = false };

    /// <summary>Its wasm build.</summary>
    public string WasmPath => _wasm;

    /// <summary>Records the subject, whose builds are current, and builds its replay; null where there is none, which progress says.</summary>
    public static async Task<ReplayMeter?> TryPrepareAsync(BenchSubject subject, IProgress<string>? progress, CancellationToken cancellation)
    {
        try
        {
            if (await ReplayScript.TryRecordAsync(subject, cancellation) is not { } script) return null;
            if (await FunctionBuilder.EnsureReplayAsync(script.Callbacks, BuildTarget.NativeHere, cancellation) is not { } native) return null;
            if (await FunctionBuilder.EnsureReplayAsync(script.Callbacks, BuildTarget.Wasm, cancellation) is not { } wasm) return null;
            return new ReplayMeter(subject, script, native, wasm);
        }
        catch (PluginLoadException exception)
        {
            progress?.Report($"{subject.Name}: its receipt has no host calls: {exception.Message}");
            return null;
        }
    }

    /// <summary>Measures one session; null where the replay does not do what the plugin does, which progress says.</summary>
    /// <param name="native">The plugin itself, which the replay is held against.</param>
    /// <param name="wasm">The same.</param>
    public async Task<IReadOnlyDictionary<ReplayArrangement, ArrangementTimes>?> TryMeasureAsync(
        MeterPlan plan, MeterClock clock, ArrangementTimes native, ArrangementTimes wasm, IProgress<string>? progress, CancellationToken cancellation)
    {
        var plugins = new Dictionary<ReplayArrangement, Plugin>();
        try
        {
            bool copies = wasm.Parts.Any(part => part.CopiedBytes > 0);
            foreach (var arrangement in Enum.GetValues<ReplayArrangement>())
            {
                if (arrangement != ReplayArrangement.WasmUncopied || copies) plugins[arrangement] = await LoadAsync(arrangement, cancellation);
            }

            var times = new PluginMeter<ReplayArrangement>(_cases, plugins, clock).Run(plan, cancellation);
            if ((Difference(native, times[ReplayArrangement.NativeReplay]) ?? Difference(wasm, times[ReplayArrangement.WasmReplay])) is not { } difference) return times;
            progress?.Report($"{_subject.Name}: its receipt has no host calls: {difference}");
            return null;
        }
        catch (PluginLoadException exception)
        {
            progress?.Report($"{_subject.Name}: its receipt has no host calls: {exception.Message}");
            return null;
        }
        finally
        {
            foreach (var plugin in plugins.Values) await plugin.DisposeAsync();
        }
    }

    private Task<Plugin> LoadAsync(ReplayArrangement arrangement, CancellationToken cancellation)
    {
        bool isNative = arrangement is ReplayArrangement.NativeNothing or ReplayArrangement.NativeIdentify or ReplayArrangement.NativeReplay;
        var mode = arrangement switch
        {
            ReplayArrangement.NativeNothing or ReplayArrangement.WasmNothing => ReplayMode.Nothing,
            ReplayArrangement.NativeIdentify or ReplayArrangement.WasmIdentify => ReplayMode.Identify,
            ReplayArrangement.WasmUncopied => ReplayMode.ReplayUncopied,
            _ => ReplayMode.Replay,
        };
        var config = _subject.ConfigFor(isNative ? Metal.Native : Metal.Wasm, InstancePolicy.Shared) with
        {
            Bundle = isNative ? _native : _wasm,
            Configuration = _script.ConfigurationOf(mode),
            Limits = _subject.Config.Limits with { CpuPerCallback = null, CpuPerStream = null },
        };
        var clock = new CaseClock();
        clock.Set(_subject.Cases[0].Clock);
        return PluginLoader.LoadAsync(config, new PluginHostServices { Time = clock, Engine = PluginWorkload.EngineOf(Code) }, cancellation);
    }

    /// <summary>A replay ends as the plugin does and makes one host call more, which says which exchange it is.</summary>
    private string? Difference(ArrangementTimes plugin, ArrangementTimes replay)
    {
        for (int index = 0; index < _cases.Length; index++)
        {
            var (recorded, replayed) = (plugin.Parts[index], replay.Parts[index]);
            if (replayed with { HostCalls = replayed.HostCalls - 1, Values = replayed.Values - 1 } != recorded)
                return $"case '{_cases[index].Name}' was {recorded}, its replay {replayed}";
        }

        return null;
    }
}
