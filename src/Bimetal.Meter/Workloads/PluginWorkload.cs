// A subject loaded in several arrangements at once. Those beside the first three exist for the receipt: each is WasmShared with one switch
// changed.

using Bimetal.Plugins;
using Bimetal.Plugins.Bundles.Cases;
using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Compiler;
using Bimetal.Wasm.Compiler.Cache;
using Bimetal.Wasm.Engine;

namespace Bimetal.Meter.Workloads;

/// <summary>One way to run the workload.</summary>
public enum Arrangement
{
    Native,

    /// <summary>The native build for this very processor, tuned by hand where somebody did.</summary>
    NativeBest,

    /// <summary>The gateway's own filter that does the job, where there is one.</summary>
    NativeFilter,

    /// <summary>Wasm, long-lived instances: the call tax.</summary>
    WasmShared,

    /// <summary>Wasm, a fresh instance for every request: the request tax.</summary>
    WasmPerRequest,

    /// <summary>No CPU limits, so no deadline is armed and looked at.</summary>
    WasmUnlimited,

    /// <summary>Code without the masks against speculation.</summary>
    WasmUnmasked,

    /// <summary>Code that does not mark what it writes, so that a reset would have to ask the kernel.</summary>
    WasmUnmarked,

    /// <summary>Code that does not look at the stack's limit.</summary>
    WasmUncheckedStack,

    /// <summary>Code that compares each address instead of relying on guard pages: what if there were none.</summary>
    WasmExplicitBounds,

    /// <summary>Code that looks for itself whether to stop, instead of being stopped by a signal.</summary>
    WasmPolling,
}

/// <summary>A plugin, loaded in arrangements.</summary>
public sealed class PluginWorkload : IAsyncDisposable
{
    private readonly Dictionary<Arrangement, Plugin> _plugins = [];

    private PluginWorkload(BenchSubject subject) => Subject = subject;

    /// <summary>What call and request tax need.</summary>
    public static IReadOnlyList<Arrangement> Taxes { get; } = [Arrangement.Native, Arrangement.WasmShared, Arrangement.WasmPerRequest];

    /// <summary>All of them.</summary>
    public static IReadOnlyList<Arrangement> Everything { get; } = Enum.GetValues<Arrangement>();

    public BenchSubject Subject { get; }

    public IReadOnlyList<PluginCase> Cases => Subject.Cases;

    /// <summary>Those that are loaded, in the order of the enumeration.</summary>
    public IReadOnlyList<Arrangement> Arrangements => [.. _plugins.Keys.Order()];

    public Plugin this[Arrangement arrangement] => _plugins[arrangement];

    /// <summary>Runs rounds of all of them.</summary>
    public IReadOnlyDictionary<Arrangement, ArrangementTimes> Measure(MeterPlan plan, MeterClock clock, CancellationToken cancellation) =>
        new PluginMeter<Arrangement>(Cases, _plugins, clock).Run(plan, cancellation);

    /// <summary>Loads a subject, whose builds are current. What must not be loaded of code that is not trusted is left out.</summary>
    /// <param name="bestPath">The shared object of <see cref="Arrangement.NativeBest"/>; null: that one is left out.</param>
    /// <param name="filter">Makes that of <see cref="Arrangement.NativeFilter"/>; null: that one is left out.</param>
    /// <exception cref="PluginLoadException">It does not load.</exception>
    public static async Task<PluginWorkload> LoadAsync(
        BenchSubject subject, IReadOnlyList<Arrangement> arrangements, string? bestPath, CancellationToken cancellation, Func<Plugin>? filter = null)
    {
        ArgumentNullException.ThrowIfNull(subject);
        ArgumentNullException.ThrowIfNull(arrangements);
        var workload = new PluginWorkload(subject);
        try
        {
            foreach (var arrangement in arrangements)
            {
                bool isLeftOut = arrangement switch
                {
                    Arrangement.Native => !subject.MayRunNative,
                    Arrangement.NativeBest => bestPath is null || !subject.MayRunNative,
                    Arrangement.NativeFilter => filter is null,
                    // Endless recursion would leave the sandbox.
                    Arrangement.WasmUncheckedStack => subject.Config.Trust != Trust.FirstParty,
                    _ => false,
                };
                if (!isLeftOut) workload._plugins[arrangement] = arrangement == Arrangement.NativeFilter ? filter!() : await LoadAsync(subject, arrangement, bestPath, cancellation);
            }

            return workload;
        }
        catch
        {
            await workload.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var plugin in _plugins.Values) await plugin.DisposeAsync();
        _plugins.Clear();
    }

    private static Task<Plugin> LoadAsync(BenchSubject subject, Arrangement arrangement, string? bestPath, CancellationToken cancellation)
    {
        var config = arrangement switch
        {
            Arrangement.Native => subject.ConfigFor(Metal.Native, InstancePolicy.Shared),
            Arrangement.NativeBest => subject.ConfigForBest(bestPath!),
            _ => subject.ConfigFor(Metal.Wasm, arrangement == Arrangement.WasmPerRequest ? InstancePolicy.PerRequest : InstancePolicy.Shared),
        };
        if (arrangement == Arrangement.WasmUnlimited) config = config with { Limits = config.Limits with { CpuPerCallback = null, CpuPerStream = null } };
        var clock = new CaseClock();
        clock.Set(subject.Cases[0].Clock);
        var engine = EngineOf(OptionsOf(arrangement));
        // Shared data of its own for each: what one has counted must not decide what another does.
        return PluginLoader.LoadAsync(config, new PluginHostServices { Time = clock, Engine = engine }, cancellation);
    }

    /// <summary>An engine that takes code from the user's cache.</summary>
    internal static WasmEngine EngineOf(CompileOptions options) => new(new EngineOptions { Cache = CodeCache.ForUser(), Compile = options });

    /// <summary>How the code of an arrangement on wasm is compiled.</summary>
    internal static CompileOptions OptionsOf(Arrangement arrangement) => arrangement switch
    {
        Arrangement.WasmUnmasked => PluginHostServices.CodeOptions with { MaskIndices = false },
        Arrangement.WasmUnmarked => PluginHostServices.CodeOptions with { MarkWrites = false },
        Arrangement.WasmUncheckedStack => PluginHostServices.CodeOptions with { CheckStack = false },
        Arrangement.WasmExplicitBounds => PluginHostServices.CodeOptions with { Bounds = BoundsMode.Explicit },
        Arrangement.WasmPolling => PluginHostServices.CodeOptions with { Interrupt = InterruptMode.Poll },
        _ => PluginHostServices.CodeOptions,
    };
}
