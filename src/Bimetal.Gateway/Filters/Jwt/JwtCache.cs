// Remembers verified tokens, so that a client which sends the same one with each request costs a hash instead of a signature.

using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Bimetal.Gateway.Filters.Jwt;

/// <summary>
/// A fixed number of slots in sets of four, found by the SHA-256 of the token; reading takes no lock. An entry counts only with the key set that
/// verified it, so that a key which was withdrawn takes its tokens along.
/// </summary>
internal sealed class JwtCache
{
    private const int Ways = 4;

    private readonly Entry?[] _slots;
    private readonly uint _setMask;
    private uint _turn;

    /// <param name="entryCount">Rounded up to a power of two; 0 switches the cache off.</param>
    public JwtCache(int entryCount)
    {
        if (entryCount == 0)
        {
            _slots = [];
            return;
        }

        uint sets = System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Math.Max(1, (entryCount + Ways - 1) / Ways));
        _slots = new Entry[sets * Ways];
        _setMask = sets - 1;
    }

    public bool IsOff => _slots.Length == 0;

    public static TokenHash HashOf(ReadOnlySpan<byte> token)
    {
        Span<ulong> hash = stackalloc ulong[4];
        SHA256.HashData(token, MemoryMarshal.AsBytes(hash));
        return new TokenHash(hash[0], hash[1], hash[2], hash[3]);
    }

    /// <summary>The token, if it was verified with these keys; whether it has expired since is the caller's to say.</summary>
    public VerifiedToken? Find(in TokenHash hash, JwtKeySet keys)
    {
        int start = StartOf(hash);
        for (int index = start; index < start + Ways; index++)
        {
            if (Volatile.Read(ref _slots[index]) is { } entry && entry.Hash == hash && ReferenceEquals(entry.Keys, keys)) return entry.Token;
        }

        return null;
    }

    public void Add(in TokenHash hash, JwtKeySet keys, VerifiedToken token, double nowSeconds)
    {
        int start = StartOf(hash);
        int victim = start + (int)(Interlocked.Increment(ref _turn) % Ways);
        for (int index = start; index < start + Ways; index++)
        {
            if (Volatile.Read(ref _slots[index]) is { } entry && ReferenceEquals(entry.Keys, keys) && entry.Token.ExpiresAtSeconds > nowSeconds && entry.Hash != hash) continue;
            victim = index;
            break;
        }

        Volatile.Write(ref _slots[victim], new Entry(hash, keys, token));
    }

    private int StartOf(in TokenHash hash) => (int)((uint)hash.First & _setMask) * Ways;

    private sealed record Entry(TokenHash Hash, JwtKeySet Keys, VerifiedToken Token);
}

/// <summary>The SHA-256 of a token.</summary>
internal readonly record struct TokenHash(ulong First, ulong Second, ulong Third, ulong Fourth);
