// Buckets that several gateways share, in a Redis server: one script takes from a bucket in one step, on the server's clock, so the limit is exact.

using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Bimetal.Gateway.Redis;

namespace Bimetal.Gateway.Filters.RateLimits;

/// <summary>Thread-safe.</summary>
internal sealed class SharedBuckets
{
    // The arithmetic of RateLimitPolicy.Take, in microseconds. A value that is no time counts as a full bucket; the key expires when its bucket is full.
    private const string Script = """
        local time = redis.call('TIME')
        local now = time[1] * 1000000 + time[2]
        local cost, capacity = tonumber(ARGV[1]), tonumber(ARGV[2])
        local full = tonumber(redis.call('GET', KEYS[1]) or 0) or 0
        if full < now or full > now + capacity then full = now end
        local missing = full + cost - now
        if missing > capacity then return {0, missing - cost, missing - capacity} end
        redis.call('SET', KEYS[1], string.format('%.0f', full + cost), 'PX', math.ceil(missing / 1000))
        return {1, missing, 0}
        """;

    private static readonly byte[] ScriptBytes = Encoding.ASCII.GetBytes(Script);
#pragma warning disable CA5350 // Redis names scripts by their SHA-1; nothing is protected by it.
    private static readonly byte[] ScriptId = Encoding.ASCII.GetBytes(Convert.ToHexStringLower(SHA1.HashData(ScriptBytes)));
#pragma warning restore CA5350
    private static readonly byte[] One = "1"u8.ToArray();

    private readonly RedisClient _client;
    private readonly byte[] _prefix;
    private readonly byte[] _cost;
    private readonly byte[] _capacity;
    private readonly long _costUs;

    /// <param name="name">Gateways that use the same name with the same policy share buckets.</param>
    public SharedBuckets(RedisClient client, RateLimitPolicy policy, string name)
    {
        _client = client;
        _costUs = Math.Max(1, policy.CostNs / 1000);
        long capacityUs = _costUs * policy.Burst;
        _cost = Encoding.ASCII.GetBytes(_costUs.ToString());
        _capacity = Encoding.ASCII.GetBytes(capacityUs.ToString());
        _prefix = Encoding.UTF8.GetBytes($"bimetal:rate:{name}:{_costUs}/{policy.Burst}:");
    }

    /// <summary>Takes one request out of a bucket; null: the server is away, or its answer is none.</summary>
    public async Task<RateVerdict?> TakeAsync(ReadOnlyMemory<byte> key)
    {
        byte[] name = [.. _prefix, .. key.Span];
        var reply = await _client.SendAsync(Command("EVALSHA"u8.ToArray(), ScriptId, name));
        if (reply?.IsError("NOSCRIPT"u8) == true) reply = await _client.SendAsync(Command("EVAL"u8.ToArray(), ScriptBytes, name));
        return reply is { Items: [{ Kind: RespKind.Integer } allowed, { Kind: RespKind.Integer } missing, { Kind: RespKind.Integer } retry] } ? Verdict(allowed.Integer, missing.Integer, retry.Integer) : null;
    }

    private byte[] Command(byte[] verb, byte[] script, byte[] name) => RespCommand.Of((ReadOnlyMemory<byte>)verb, script, One, name, _cost, _capacity);

    // The server is not trusted: what it says is brought into the range of the policy.
    private RateVerdict? Verdict(long allowed, long missingUs, long retryUs)
    {
        if (!Utf8Parser.TryParse(_capacity, out long capacityUs, out _) || missingUs < 0 || missingUs > capacityUs || retryUs < 0 || retryUs > capacityUs) return null;
        return new RateVerdict(allowed == 1, allowed == 1 ? (capacityUs - missingUs) / _costUs : 0, missingUs * 1000, retryUs * 1000);
    }
}
