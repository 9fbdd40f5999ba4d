// The buckets of one gateway process, by key, at most so many. A full bucket is as good as none, so those go first when there are too many; if there
// are none among those looked at, the one that is nearest to full: least is forgotten.

using System.Runtime.InteropServices;

namespace Bimetal.Gateway.Filters.RateLimits;

/// <summary>Thread-safe.</summary>
internal sealed class BucketTable
{
    /// <summary>Longest key that is kept as it is.</summary>
    public const int MaximumKeyBytes = 64;

    // Buckets that are looked at to make room for one.
    private const int EvictionLook = 16;

    private readonly RateLimitPolicy _policy;
    private readonly TimeProvider _time;
    private readonly Shard[] _shards;

    public BucketTable(RateLimitPolicy policy, int maximumKeys, TimeProvider time)
    {
        _policy = policy;
        _time = time;
        int count = maximumKeys >= 4096 ? 16 : 1;
        _shards = [.. Enumerable.Range(0, count).Select(_ => new Shard((maximumKeys + count - 1) / count))];
    }

    /// <summary>Keys that have a bucket now.</summary>
    public int Count => _shards.Sum(shard => shard.Count);

    /// <param name="key">At most <see cref="MaximumKeyBytes"/>.</param>
    public RateVerdict Take(ReadOnlySpan<byte> key)
    {
        int hash = KeyComparer.HashOf(key);
        long nowNs = (long)_time.GetElapsedTime(0).TotalNanoseconds;
        return _shards[(uint)hash % (uint)_shards.Length].Take(key, _policy, nowNs);
    }

    private sealed class Shard(int maximumKeys)
    {
        private readonly Lock _gate = new();
        private readonly Dictionary<byte[], int> _places = new(KeyComparer.Instance);
        private readonly List<Bucket> _buckets = [];
        private int _hand;

        public int Count
        {
            get
            {
                lock (_gate) return _buckets.Count;
            }
        }

        public RateVerdict Take(ReadOnlySpan<byte> key, RateLimitPolicy policy, long nowNs)
        {
            lock (_gate)
            {
                if (!_places.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(key, out int place)) place = Add(key.ToArray(), nowNs);
                return policy.Take(ref CollectionsMarshal.AsSpan(_buckets)[place].FullAtNs, nowNs);
            }
        }

        private int Add(byte[] key, long nowNs)
        {
            int place = _buckets.Count;
            if (place < maximumKeys)
            {
                _buckets.Add(new Bucket(key));
            }
            else
            {
                place = ChooseVictim(nowNs);
                _places.Remove(_buckets[place].Key);
                _buckets[place] = new Bucket(key);
            }

            _places.Add(key, place);
            return place;
        }

        private int ChooseVictim(long nowNs)
        {
            int best = _hand;
            for (int look = 0; look < EvictionLook; look++)
            {
                int place = _hand;
                _hand = (_hand + 1) % _buckets.Count;
                if (_buckets[place].FullAtNs <= _buckets[best].FullAtNs) best = place;
                if (_buckets[best].FullAtNs <= nowNs) break;
            }

            return best;
        }
    }

    private struct Bucket(byte[] key)
    {
        public readonly byte[] Key = key;
        public long FullAtNs;
    }

    // Keys come from clients: the hash has to be one that they cannot compute, and that of strings is keyed per process.
    private sealed class KeyComparer : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
    {
        public static readonly KeyComparer Instance = new();

        public static int HashOf(ReadOnlySpan<byte> key)
        {
            int hash = string.GetHashCode(MemoryMarshal.Cast<byte, char>(key), StringComparison.Ordinal);
            return (key.Length & 1) == 0 ? hash : (hash * 31) + key[^1] + 1;
        }

        public bool Equals(byte[]? left, byte[]? right) => left.AsSpan().SequenceEqual(right);

        public int GetHashCode(byte[] key) => HashOf(key);

        public bool Equals(ReadOnlySpan<byte> span, byte[] key) => span.SequenceEqual(key);

        public int GetHashCode(ReadOnlySpan<byte> span) => HashOf(span);

        public byte[] Create(ReadOnlySpan<byte> span) => span.ToArray();
    }
}
