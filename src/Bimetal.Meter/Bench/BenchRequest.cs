// What `bench` was asked for.

using Bimetal.Gateway.Configuration;
using Bimetal.Meter.Workloads;
using Bimetal.Plugins;
using Bimetal.Plugins.Bundles;

namespace Bimetal.Meter.Bench;

/// <summary>Plugins to measure, and how long.</summary>
public sealed record BenchRequest
{
    public required IReadOnlyList<BenchSubject> Subjects { get; init; }

    public MeterPlan Plan { get; init; } = MeterPlan.Quick;

    /// <summary>How often everything is loaded and measured anew; a win counts when every session has it.</summary>
    public int Sessions { get; init; } = 5;

    /// <summary>Whether engines by others are measured as well, where they are installed.</summary>
    public bool MeasuresPeers { get; init; } = true;

    /// <summary>Whether it is measured how figures grow with payload and plugins.</summary>
    public bool MeasuresScaling { get; init; }

    /// <summary>How long requests go through a gateway; zero: they do not.</summary>
    public TimeSpan WireTime { get; init; } = TimeSpan.FromSeconds(0.9);

    /// <summary>Cold loads behind each figure.</summary>
    public int ColdLoads { get; init; } = 9;

    /// <summary>Compilations behind each figure: they take tenths of a second to seconds each.</summary>
    public int Compilations { get; init; } = 1;

    /// <summary>Fresh processes behind each figure; 0: none are started.</summary>
    public int Processes { get; init; } = 7;

    /// <summary>Whether the receipt is itemised by loading the plugin with one switch changed at a time.</summary>
    public bool Ablates { get; init; } = true;

    /// <summary>Whether it is measured what looking for the deadline in the code would cost, which is not what is shipped.</summary>
    public bool MeasuresPolling { get; init; }

    /// <summary>Those of a subject that has both metals.</summary>
    internal IReadOnlyList<Arrangement> Arrangements => !Ablates ? PluginWorkload.Taxes : [.. PluginWorkload.Everything.Where(one => MeasuresPolling || one != Arrangement.WasmPolling)];

    /// <summary>
    /// About how long measuring takes once everything is built: turns of rounds and requests through the gateway are as long as planned, the rest is what it took
    /// on two cores.
    /// </summary>
    public TimeSpan Estimate
    {
        get
        {
            const double LoadsAndAnswersSeconds = 0.9, ProcessSeconds = 0.025, CompilationSeconds = 0.4, PeerSeconds = 1.4, FullPeerSeconds = 6, ScalingSeconds = 60, ReplayTurns = 1.75;
            double roundsSeconds = Sessions * (Plan.Rounds + Plan.WarmUpRounds) * (Arrangements.Count + (Ablates ? ReplayTurns : 0)) * Plan.TurnUs / 1e6;
            double peersSeconds = !MeasuresPeers ? 0 : MeasuresScaling ? FullPeerSeconds : PeerSeconds;
            double each = roundsSeconds + WireTime.TotalSeconds + (3 * Processes * ProcessSeconds) + (Compilations * CompilationSeconds) + peersSeconds + LoadsAndAnswersSeconds;
            return TimeSpan.FromSeconds((each * Subjects.Count) + (MeasuresScaling ? ScalingSeconds : 0));
        }
    }

    /// <summary>Makes a request from the arguments of the command: a configuration (.yaml), a folder with a plugin.yaml, or the name of a reference plugin; none: all of those.</summary>
    /// <exception cref="PluginLoadException">One of them is none of these, or is wrong.</exception>
    public static BenchRequest Of(IReadOnlyList<string> arguments, bool isFull)
    {
        ArgumentNullException.ThrowIfNull(arguments);
        BenchSubject[] subjects = [.. arguments.Count == 0 ? References() : arguments.SelectMany(Resolve)];
        var twice = subjects.GroupBy(one => one.Name).FirstOrDefault(group => group.Count() > 1);
        if (twice is not null) throw new PluginLoadException($"{twice.Key}: is named twice; measure it once");
        return isFull
            ? new BenchRequest { Subjects = subjects, Plan = MeterPlan.Full, ColdLoads = 20, Compilations = 5, Processes = 15, MeasuresScaling = true, MeasuresPolling = true, WireTime = TimeSpan.FromSeconds(15) }
            : new BenchRequest { Subjects = subjects };
    }

    private static IEnumerable<BenchSubject> References() =>
        Directory.GetDirectories(Path.Combine(SdkFolder.Find().Home, "plugins")).Where(PluginFolder.IsOne).Order(StringComparer.Ordinal)
            .Select(PluginFolder.Open).Where(HasBothMetals).Select(folder => BenchSubject.Of(folder));

    // What has no native build has nothing to be compared with.
    private static bool HasBothMetals(PluginFolder folder) => folder.TargetsHere.Count == BuildTarget.Here.Count;

    private static IEnumerable<BenchSubject> Resolve(string argument)
    {
        if (argument.EndsWith(".yaml", StringComparison.Ordinal)) return OfConfiguration(argument);
        if (PluginFolder.IsOne(argument)) return [BenchSubject.Of(PluginFolder.Open(argument))];
        string? named = SdkFolder.TryFind() is { } sdk ? Path.Combine(sdk.Home, "plugins", argument) : null;
        if (named is not null && PluginFolder.IsOne(named)) return [BenchSubject.Of(PluginFolder.Open(named))];
        throw new PluginLoadException($"{argument}: is neither a configuration (.yaml), nor a folder with a {PluginManifest.FileName}, nor a task's name");
    }

    private static BenchSubject[] OfConfiguration(string path)
    {
        if (!File.Exists(path)) throw new PluginLoadException($"{path}: no such file");
        var (config, errors) = ConfigReader.Read(path);
        if (config is null) throw new PluginLoadException(string.Join(Environment.NewLine, errors));
        if (config.Plugins.Count == 0) throw new PluginLoadException($"{path}: has no plugins, so there is nothing to measure");
        return [.. config.Plugins.Values.Select(BenchSubject.Of)];
    }
}
