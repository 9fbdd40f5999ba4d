// Shared queues of one plugin: first in, first out, bounded. The instance that registered a queue last is told of its items.

using System.Text;
using Bimetal.Plugins.Shadow;
using Bimetal.Plugins.Streams;

namespace Bimetal.Plugins.ProxyWasm.State;

/// <summary>Named queues of byte strings. Thread-safe.</summary>
public sealed class SharedQueues
{
    /// <summary>Most items in one queue.</summary>
    public const int MaximumItemCount = 65_536;

    /// <summary>Longest item: what one call copies, which nothing interrupts.</summary>
    public const int MaximumItemBytes = 1 << 20;

    /// <summary>Longest name of a queue.</summary>
    public const int MaximumNameBytes = 1024;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, uint> _ids = new(StringComparer.Ordinal);
    private readonly List<SharedQueue> _queues = [];
    private long _totalBytes;

    /// <summary>How much the queues hold.</summary>
    public PluginQuotas Quotas { get; set; } = new();

    /// <summary>Opens the queue of that name, which is made if there is none. Ids count from 1.</summary>
    /// <param name="listener">Who is told of items from now on; null leaves it to whoever registered before.</param>
    internal bool TryRegister(ReadOnlySpan<byte> name, QueueListener? listener, out uint id)
    {
        id = 0;
        if (name.Length > MaximumNameBytes) return false;
        string key = Encoding.Latin1.GetString(name);
        lock (_lock)
        {
            if (!_ids.TryGetValue(key, out id))
            {
                if (_queues.Count >= Quotas.Queues) return false;
                _queues.Add(new SharedQueue(name.ToArray()));
                id = (uint)_queues.Count;
                _ids.Add(key, id);
            }

            _queues[(int)id - 1].Listener = listener ?? _queues[(int)id - 1].Listener;
            return true;
        }
    }

    public bool TryResolve(ReadOnlySpan<byte> name, out uint id)
    {
        id = 0;
        if (name.Length > MaximumNameBytes) return false;
        string key = Encoding.Latin1.GetString(name);
        lock (_lock) return _ids.TryGetValue(key, out id);
    }

    /// <returns>Ok, NotFound for an unknown queue, or InternalFailure when a limit would be passed.</returns>
    public HostStatus Enqueue(uint id, ReadOnlySpan<byte> item)
    {
        if (HostTape.Current is not { } tape || NameOf(id) is not { } name) return Put(id, item);
        if (tape.TryAnswerEffect("queue write", name, item, out var answered)) return answered;
        var status = Put(id, item);
        tape.RecordEffect("queue write", name, item, status);
        return status;
    }

    private HostStatus Put(uint id, ReadOnlySpan<byte> item)
    {
        if (item.Length > MaximumItemBytes) return HostStatus.InternalFailure;
        lock (_lock)
        {
            if (Find(id) is not { } queue) return HostStatus.NotFound;
            if (queue.Items.Count >= MaximumItemCount || item.Length > Quotas.QueueDataBytes - _totalBytes) return HostStatus.InternalFailure;
            queue.Items.Enqueue(item.ToArray());
            _totalBytes += item.Length;
            queue.Listener?.Notify(id);
            return HostStatus.Ok;
        }
    }

    /// <returns>Ok, NotFound for an unknown queue, or Empty.</returns>
    public HostStatus Dequeue(uint id, out ReadOnlyMemory<byte> item)
    {
        if (HostTape.Current is not { } tape || NameOf(id) is not { } name) return Take(id, out item);
        if (tape.TryAnswerTake(name, out item, out var answered)) return answered;
        var status = Take(id, out item);
        tape.RecordTake(name, item, status);
        return status;
    }

    private HostStatus Take(uint id, out ReadOnlyMemory<byte> item)
    {
        item = default;
        lock (_lock)
        {
            if (Find(id) is not { } queue) return HostStatus.NotFound;
            if (!queue.Items.TryDequeue(out byte[]? bytes)) return HostStatus.Empty;
            _totalBytes -= bytes.Length;
            item = bytes;
            return HostStatus.Ok;
        }
    }

    private byte[]? NameOf(uint id)
    {
        lock (_lock) return Find(id)?.Name;
    }

    private SharedQueue? Find(uint id) => id > 0 && id <= (uint)_queues.Count ? _queues[(int)id - 1] : null;

    private sealed class SharedQueue(byte[] name)
    {
        public byte[] Name { get; } = name;

        public Queue<byte[]> Items { get; } = [];

        public QueueListener? Listener { get; set; }
    }
}
