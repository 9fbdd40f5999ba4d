// Shared data: what the instances of one plugin keep for each other. One store per plugin, so that no plugin reads another's.

using Bimetal.Plugins.Shadow;
using Bimetal.Plugins.Streams;

namespace Bimetal.Plugins.ProxyWasm.State;

/// <summary>A key-value store with compare-and-swap numbers. Thread-safe.</summary>
public sealed class SharedDataStore
{
    /// <summary>Longest key. With the longest value it bounds what one call costs, which nothing interrupts.</summary>
    public const int MaximumKeyBytes = 64 << 10;

    /// <summary>Longest value.</summary>
    public const int MaximumValueBytes = 1 << 20;

    private readonly Lock _lock = new();
    private readonly Dictionary<byte[], Entry> _entries = new(ByteArrayComparer.Instance);
    private readonly Dictionary<byte[], Entry>.AlternateLookup<ReadOnlySpan<byte>> _bySpan;
    private long _totalBytes;
    private uint _lastCas;

    public SharedDataStore() => _bySpan = _entries.GetAlternateLookup<ReadOnlySpan<byte>>();

    /// <summary>How much the store holds.</summary>
    public PluginQuotas Quotas { get; set; } = new();

    public bool TryGet(ReadOnlySpan<byte> key, out ReadOnlyMemory<byte> value, out uint cas)
    {
        (value, cas) = (default, 0);
        if (key.Length > MaximumKeyBytes) return false;
        lock (_lock)
        {
            bool found = _bySpan.TryGetValue(key, out var entry);
            value = entry.Value;
            cas = entry.Cas;
            return HostTape.Current?.SharedGet(key, found, ref value, ref cas) ?? found;
        }
    }

    /// <summary>Sets a value.</summary>
    /// <param name="cas">0, or the number that the key must still have.</param>
    /// <returns>Ok, CasMismatch, or InternalFailure when a limit would be passed.</returns>
    public HostStatus Set(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, uint cas)
    {
        if (HostTape.Current is not { } tape) return Write(key, value, cas);
        if (tape.TryAnswerEffect("shared data write", key, value, out var answered)) return answered;
        var status = Write(key, value, cas);
        tape.RecordEffect("shared data write", key, value, status);
        return status;
    }

    private HostStatus Write(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, uint cas)
    {
        if (key.Length > MaximumKeyBytes || value.Length > MaximumValueBytes) return HostStatus.InternalFailure;
        lock (_lock)
        {
            bool exists = _bySpan.TryGetValue(key, out var entry);
            if (cas != 0 && entry.Cas != cas) return HostStatus.CasMismatch;
            long growthBytes = exists ? value.Length - entry.Value.Length : (long)key.Length + value.Length;
            if ((growthBytes > 0 && growthBytes > Quotas.SharedDataBytes - _totalBytes) || (!exists && _entries.Count >= Quotas.SharedKeys)) return HostStatus.InternalFailure;
            _totalBytes += growthBytes;

            // 0 means "any" in a request, so no entry ever has it.
            if (++_lastCas == 0) _lastCas = 1;
            _bySpan[key] = new Entry(value.ToArray(), _lastCas);
            return HostStatus.Ok;
        }
    }

    private readonly record struct Entry(byte[] Value, uint Cas);
}
