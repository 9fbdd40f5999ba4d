// Remembers credentials that were verified, so that a client which sends the same one with each request costs a hash instead of a signature or a
// password check.

using System.Numerics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Bimetal.Gateway.Filters;

/// <summary>
/// A fixed number of slots in sets of four, found by a hash of the credential; reading takes no lock. An entry counts only with the basis that it was
/// verified on (a key set, say), so that a key which was withdrawn takes its credentials along.
/// </summary>
internal sealed class CredentialCache<T>
    where T : class
{
    private const int Ways = 4;

    private readonly Entry?[] _slots;
    private readonly uint _setMask;
    private uint _turn;

    /// <param name="entryCount">Rounded up to a power of two; 0 switches the cache off.</param>
    public CredentialCache(int entryCount)
    {
        uint sets = BitOperations.RoundUpToPowerOf2((uint)(entryCount + Ways - 1) / Ways);
        _slots = new Entry[sets * Ways];
        _setMask = sets - 1;
    }

    public bool IsOff => _slots.Length == 0;

    /// <summary>What was verified on this basis and has not expired.</summary>
    public T? Find(in CredentialHash hash, object basis, double nowSeconds)
    {
        int start = StartOf(hash);
        for (int index = start; index < start + Ways; index++)
        {
            if (Volatile.Read(ref _slots[index]) is { } entry && entry.Hash == hash && ReferenceEquals(entry.Basis, basis))
                return nowSeconds < entry.ExpiresAtSeconds ? entry.Value : null;
        }

        return null;
    }

    public void Add(in CredentialHash hash, object basis, T value, double expiresAtSeconds, double nowSeconds)
    {
        int start = StartOf(hash);
        int victim = start + (int)(Interlocked.Increment(ref _turn) % Ways);
        for (int index = start; index < start + Ways; index++)
        {
            if (Volatile.Read(ref _slots[index]) is { } entry && ReferenceEquals(entry.Basis, basis) && entry.ExpiresAtSeconds > nowSeconds && entry.Hash != hash) continue;
            victim = index;
            break;
        }

        Volatile.Write(ref _slots[victim], new Entry(hash, basis, value, expiresAtSeconds));
    }

    private int StartOf(in CredentialHash hash) => (int)((uint)hash.First & _setMask) * Ways;

    private sealed record Entry(CredentialHash Hash, object Basis, T Value, double ExpiresAtSeconds);
}

/// <summary>32 bytes that stand for a credential.</summary>
internal readonly record struct CredentialHash(ulong First, ulong Second, ulong Third, ulong Fourth)
{
    public static CredentialHash Sha256(ReadOnlySpan<byte> credential)
    {
        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData(credential, hash);
        return From(hash);
    }

    public static CredentialHash From(ReadOnlySpan<byte> hash) => MemoryMarshal.Read<CredentialHash>(hash);
}
