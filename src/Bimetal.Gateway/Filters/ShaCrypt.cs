// Passwords as crypt(3) keeps them: SHA-crypt with SHA-512 ($6$) and SHA-256 ($5$), which `openssl passwd -6`, `mkpasswd` and htpasswd write and nginx
// reads. The algorithm is Drepper's "Unix crypt using SHA-256 and SHA-512".

using System.Security.Cryptography;
using System.Text;

namespace Bimetal.Gateway.Filters;

/// <summary>One stored password. Immutable.</summary>
internal sealed class ShaCrypt
{
    /// <summary>More would let a file's author stop the gateway: this many take about a second.</summary>
    public const int MaximumRounds = 1_000_000;

    private const int MinimumRounds = 1000;
    private const int DefaultRounds = 5000;
    private const int MaximumSaltBytes = 16;
    private const string Digits = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    private readonly HashAlgorithmName _algorithm;
    private readonly int _hashBytes;
    private readonly int _rounds;
    private readonly byte[] _salt;
    private readonly byte[] _encoded;

    private ShaCrypt(bool isSha512, int rounds, byte[] salt, byte[] encoded)
    {
        _algorithm = isSha512 ? HashAlgorithmName.SHA512 : HashAlgorithmName.SHA256;
        _hashBytes = isSha512 ? 64 : 32;
        _rounds = rounds;
        _salt = salt;
        _encoded = encoded;
    }

    /// <summary>A hash that no password has, of the usual cost: for users who do not exist.</summary>
    public static ShaCrypt Nobody { get; } = new(isSha512: true, DefaultRounds, "nobody"u8.ToArray(), new byte[86]);

    /// <summary>Reads <c>$6$[rounds=N$]SALT$HASH</c>; null when it is not one.</summary>
    public static ShaCrypt? Parse(string text)
    {
        bool isSha512 = text.StartsWith("$6$", StringComparison.Ordinal);
        if (!isSha512 && !text.StartsWith("$5$", StringComparison.Ordinal)) return null;
        string[] parts = text[3..].Split('$');
        int rounds = DefaultRounds;
        if (parts.Length == 3)
        {
            if (!parts[0].StartsWith("rounds=", StringComparison.Ordinal) || !int.TryParse(parts[0].AsSpan(7), out rounds) || rounds is < MinimumRounds or > MaximumRounds) return null;
            parts = parts[1..];
        }

        if (parts.Length != 2 || parts[0].Length > MaximumSaltBytes || parts[1].Length != (isSha512 ? 86 : 43) || !(parts[0] + parts[1]).All(char.IsAscii)) return null;
        return new ShaCrypt(isSha512, rounds, Encoding.ASCII.GetBytes(parts[0]), Encoding.ASCII.GetBytes(parts[1]));
    }

    /// <summary>Takes milliseconds of CPU time, on purpose.</summary>
    public bool Verify(ReadOnlySpan<byte> password)
    {
        Span<byte> hash = stackalloc byte[64];
        hash = hash[.._hashBytes];
        using var digest = IncrementalHash.CreateHash(_algorithm);
        Hash(digest, password, hash);
        return CryptographicOperations.FixedTimeEquals(Encode(hash), _encoded);
    }

    private void Hash(IncrementalHash digest, ReadOnlySpan<byte> password, Span<byte> hash)
    {
        digest.AppendData(password);
        digest.AppendData(_salt);
        digest.AppendData(password);
        digest.GetHashAndReset(hash);

        digest.AppendData(password);
        digest.AppendData(_salt);
        AppendRepeated(digest, hash, password.Length);
        for (int length = password.Length; length > 0; length >>= 1) digest.AppendData((length & 1) != 0 ? hash : password);
        digest.GetHashAndReset(hash);

        byte[] passwords = Sequence(digest, password, password.Length, password.Length);
        byte[] salts = Sequence(digest, _salt, 16 + hash[0], _salt.Length);
        for (int round = 0; round < _rounds; round++)
        {
            digest.AppendData((round & 1) != 0 ? passwords : hash);
            if (round % 3 != 0) digest.AppendData(salts);
            if (round % 7 != 0) digest.AppendData(passwords);
            digest.AppendData((round & 1) != 0 ? hash : passwords);
            digest.GetHashAndReset(hash);
        }
    }

    // Bytes that stand for the password or the salt: the hash of so many copies of it, repeated to its length.
    private byte[] Sequence(IncrementalHash digest, ReadOnlySpan<byte> of, int copies, int length)
    {
        Span<byte> hash = stackalloc byte[64];
        for (int copy = 0; copy < copies; copy++) digest.AppendData(of);
        digest.GetHashAndReset(hash);
        byte[] sequence = new byte[length];
        for (int at = 0; at < length; at++) sequence[at] = hash[at % _hashBytes];
        return sequence;
    }

    private static void AppendRepeated(IncrementalHash digest, ReadOnlySpan<byte> hash, int length)
    {
        for (; length > hash.Length; length -= hash.Length) digest.AppendData(hash);
        digest.AppendData(hash[..length]);
    }

    // Groups of three bytes, taken in a fixed order, as four characters; the order is a rotation, another one for each length.
    private byte[] Encode(ReadOnlySpan<byte> hash)
    {
        byte[] text = new byte[_encoded.Length];
        int at = 0, third = _hashBytes / 3;
        int high = 0, middle = third, low = 2 * third;
        for (int group = 0; group < third; group++)
        {
            Put(text, ref at, hash[high], hash[middle], hash[low], 4);
            (high, middle, low) = _hashBytes == 64 ? (middle + 1, low + 1, high + 1) : (low + 1, high + 1, middle + 1);
        }

        if (_hashBytes == 64) Put(text, ref at, 0, 0, hash[63], 2);
        else Put(text, ref at, 0, hash[31], hash[30], 3);
        return text;
    }

    private static void Put(byte[] text, ref int at, byte high, byte middle, byte low, int count)
    {
        int bits = (high << 16) | (middle << 8) | low;
        for (; count > 0; count--, bits >>= 6) text[at++] = (byte)Digits[bits & 63];
    }
}
