// Metrics that a plugin defines: counters, gauges and histograms, read by the admin listener.

using System.Buffers.Binary;
using System.Text;
using Bimetal.Plugins.Shadow;
using Bimetal.Plugins.Streams;

namespace Bimetal.Plugins.ProxyWasm.State;

/// <summary>Kinds of metrics; the numbers are those of <c>proxy_metric_type_t</c>.</summary>
public enum PluginMetricKind
{
    Counter = 0,
    Gauge = 1,
    Histogram = 2,
}

/// <summary>The metrics of one plugin, by the numbers that it was given for them. Thread-safe.</summary>
public sealed class PluginMetrics
{
    /// <summary>Longest name of a metric.</summary>
    public const int MaximumNameBytes = 1024;

    private readonly Lock _lock = new();
    private readonly Dictionary<(PluginMetricKind, string), uint> _ids = [];
    private volatile PluginMetric[] _metrics = [];

    /// <summary>How many there may be.</summary>
    public PluginQuotas Quotas { get; set; } = new();

    /// <summary>All metrics, in the order in which they were defined.</summary>
    public IReadOnlyList<PluginMetric> All => _metrics;

    /// <summary>Defines a metric, or finds the one of that kind and name. Ids count from 1.</summary>
    public bool TryDefine(PluginMetricKind kind, ReadOnlySpan<byte> name, out uint id)
    {
        id = 0;
        if (name.Length > MaximumNameBytes) return false;
        string text = Encoding.UTF8.GetString(name);
        lock (_lock)
        {
            if (_ids.TryGetValue((kind, text), out id)) return true;
            if (_metrics.Length >= Quotas.Metrics) return false;
            _metrics = [.. _metrics, new PluginMetric(kind, text)];
            id = (uint)_metrics.Length;
            _ids.Add((kind, text), id);
            return true;
        }
    }

    public PluginMetric? Find(uint id)
    {
        var metrics = _metrics;
        return id > 0 && id <= (uint)metrics.Length ? metrics[id - 1] : null;
    }
}

/// <summary>One metric. Thread-safe.</summary>
public sealed class PluginMetric(PluginMetricKind kind, string name)
{
    private readonly byte[] _key = Encoding.UTF8.GetBytes(name);
    private long _value;

    public PluginMetricKind Kind { get; } = kind;

    public string Name { get; } = name;

    /// <summary>The value of a counter (unsigned) or a gauge.</summary>
    public long Value => Interlocked.Read(ref _value);

    /// <summary>Recorded values, for a histogram; they are plain numbers, whatever the bucket names say.</summary>
    public TimeHistogram? Histogram { get; } = kind == PluginMetricKind.Histogram ? new TimeHistogram() : null;

    /// <summary><see cref="Value"/> as a plugin is told it.</summary>
    internal long Read() => HostTape.Current?.Metric(_key, Value) ?? Value;

    public void Record(ulong value)
    {
        if (IsReplayed("metric set", (long)value)) return;
        if (Histogram is not null) Histogram.Record((long)Math.Min(value, long.MaxValue));
        else Interlocked.Exchange(ref _value, (long)value);
    }

    /// <returns>Ok, or BadArgument where the kind does not allow it: a counter only goes up, a histogram has no value to change.</returns>
    public HostStatus Increment(long delta)
    {
        if (Kind == PluginMetricKind.Histogram || (Kind == PluginMetricKind.Counter && delta < 0)) return HostStatus.BadArgument;
        if (IsReplayed("metric change", delta)) return HostStatus.Ok;
        Interlocked.Add(ref _value, delta);
        return HostStatus.Ok;
    }

    /// <summary>Whether a shadow does it, whose metrics stay as they are.</summary>
    private bool IsReplayed(string effect, long number)
    {
        if (HostTape.Current is not { } tape) return false;
        Span<byte> value = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(value, number);
        if (tape.TryAnswerEffect(effect, _key, value, out _)) return true;
        tape.RecordEffect(effect, _key, value, HostStatus.Ok);
        return false;
    }
}
