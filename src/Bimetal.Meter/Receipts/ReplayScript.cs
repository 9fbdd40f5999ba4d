// The host calls of a plugin, case by case: recorded on the native metal by bench/replay/recorder.c, handed to bench/replay/replay.c, which makes
// them again on both. Numbers are those of bench/replay/steps.h.

using System.Buffers.Binary;
using System.Text;
using Bimetal.Meter.Workloads;
using Bimetal.Plugins;
using Bimetal.Plugins.Bundles;
using Bimetal.Plugins.Bundles.Cases;

namespace Bimetal.Meter.Receipts;

/// <summary>What a replay does of its script.</summary>
internal enum ReplayMode
{
    /// <summary>Its callbacks return at once.</summary>
    Nothing,

    /// <summary>It reads which exchange it is, one host call.</summary>
    Identify,

    /// <summary>It does what was recorded, too.</summary>
    Replay,

    /// <summary>It takes no byte of a body.</summary>
    ReplayUncopied,
}

/// <summary>A recording. Immutable.</summary>
internal sealed class ReplayScript
{
    /// <summary>Exchanges that <see cref="ExchangeField"/> can tell apart.</summary>
    public const int MaximumExchanges = 256;

    private const string ExchangeField = "x-replay";
    private const uint Exchange = 0, Enter = 1, Leave = 2;
    private const int StepWords = 4;

    private readonly List<List<Callback>> _exchanges;

    private ReplayScript(uint callbacks, List<List<Callback>> exchanges)
    {
        Callbacks = callbacks;
        _exchanges = exchanges;
    }

    /// <summary>Those that the plugin has, as bits.</summary>
    public uint Callbacks { get; }

    /// <summary>Records the cases of a subject, whose native build is current; null where bench/replay is not installed.</summary>
    /// <exception cref="PluginLoadException">It cannot be recorded.</exception>
    public static async Task<ReplayScript?> TryRecordAsync(BenchSubject subject, CancellationToken cancellation)
    {
        if (!subject.MayRunNative || subject.Cases.Count > MaximumExchanges || await FunctionBuilder.EnsureRecorderAsync(cancellation) is not { } recorder) return null;
        string folder = Directory.CreateTempSubdirectory("bimetal-bench-").FullName, record = Path.Combine(folder, "record");
        try
        {
            var clock = new CaseClock();
            clock.Set(subject.Cases[0].Clock);
            byte[] configuration = [.. Encoding.UTF8.GetBytes($"{Path.GetFullPath(subject.NativePath!)}\0{record}\0"), .. subject.Config.Configuration.Span];
            var config = subject.ConfigForBest(recorder) with { Configuration = configuration };
            var times = new CaseTimes();
            await using (var plugin = await PluginLoader.LoadAsync(config, new PluginHostServices { Time = clock }, cancellation))
            {
                // Twice: what the first pass leaves behind (shared data) is what every later one finds.
                foreach (var one in subject.Cases.Concat(subject.Cases)) CaseExchange.Measure(plugin, one, times);
            }

            return Parse(await File.ReadAllBytesAsync(record, cancellation), subject.Cases.Count);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Reads a record and keeps its last exchanges.</summary>
    /// <exception cref="PluginLoadException">It has fewer.</exception>
    internal static ReplayScript Parse(ReadOnlySpan<byte> record, int exchanges)
    {
        var reader = new Reader(record);
        uint callbacks = reader.Word();
        var all = new List<List<Callback>>();
        while (!reader.IsAtEnd)
        {
            var step = reader.Step();
            if (step.Kind == Exchange) all.Add([]);
            else if (step.Kind == Enter) all[^1].Add(new Callback());
            else if (step.Kind == Leave) all[^1][^1].Action = step.A;
            else all[^1][^1].Steps.Add(step.Bytes);
        }

        if (all.Count < exchanges) throw new PluginLoadException($"only {all.Count} exchanges were recorded, not {exchanges}");
        return new ReplayScript(callbacks, all[^exchanges..]);
    }

    /// <summary>The configuration of bench/replay/replay.c.</summary>
    public byte[] ConfigurationOf(ReplayMode mode)
    {
        var bytes = new List<byte>();
        void Word(uint word)
        {
            Span<byte> four = stackalloc byte[sizeof(uint)];
            BinaryPrimitives.WriteUInt32LittleEndian(four, word);
            bytes.AddRange(four);
        }

        Word((uint)mode);
        Word((uint)_exchanges.Count);
        foreach (var exchange in _exchanges)
        {
            Word((uint)exchange.Count);
            foreach (var callback in exchange)
            {
                Word(callback.Action);
                Word((uint)callback.Steps.Count);
                foreach (byte[] step in callback.Steps) bytes.AddRange(step);
            }
        }

        return [.. bytes];
    }

    /// <summary>A case whose request says which exchange of the script it is.</summary>
    public static PluginCase Numbered(PluginCase one, int number)
    {
        var field = ((ReadOnlyMemory<byte>)Encoding.ASCII.GetBytes(ExchangeField), (ReadOnlyMemory<byte>)Encoding.ASCII.GetBytes(number.ToString("X2", null)));
        return one with { Request = new CaseMessage([.. one.Request.Fields, field], one.Request.Chunks) };
    }

    private sealed class Callback
    {
        public uint Action { get; set; }

        /// <summary>Each as it was recorded.</summary>
        public List<byte[]> Steps { get; } = [];
    }

    private readonly record struct Step(uint Kind, uint A, byte[] Bytes);

    private ref struct Reader(ReadOnlySpan<byte> bytes)
    {
        private ReadOnlySpan<byte> _left = bytes;

        public readonly bool IsAtEnd => _left.Length == 0;

        public uint Word() => BinaryPrimitives.ReadUInt32LittleEndian(Take(sizeof(uint)));

        public Step Step()
        {
            var whole = _left;
            uint kind = Word(), a = Word();
            Take((StepWords - 2) * sizeof(uint));
            Take((int)Word());
            Take((int)Word());
            return new Step(kind, a, whole[..^_left.Length].ToArray());
        }

        private ReadOnlySpan<byte> Take(int length)
        {
            if (length < 0 || length > _left.Length) throw new PluginLoadException("a record of host calls breaks off");
            var taken = _left[..length];
            _left = _left[length..];
            return taken;
        }
    }
}
