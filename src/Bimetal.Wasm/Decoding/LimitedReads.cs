// Reads whose result is held against a named limit.

using System.Runtime.CompilerServices;

namespace Bimetal.Wasm.Decoding;

internal static class LimitedReads
{
    // A vector's builder starts no larger than this and grows with the elements that were really there.
    private const int InitialCapacity = 1024;

    /// <summary>The length of a vector, refused above <paramref name="limit"/>.</summary>
    /// <param name="reader">Where to read.</param>
    /// <param name="limit">Most elements allowed.</param>
    /// <param name="already">Elements which the limit counts as well.</param>
    /// <param name="limitName">Filled in by the compiler: the property that was passed.</param>
    internal static int ReadCount(ref this ByteReader reader, int limit, int already = 0, [CallerArgumentExpression(nameof(limit))] string limitName = "")
    {
        int offset = reader.Offset;
        int count = reader.ReadCount();
        reader.Require(offset, (long)already + count, limit, limitName);
        return reader.HasFailed ? 0 : count;
    }

    internal static string ReadName(ref this ByteReader reader, DecodeLimits limits)
    {
        int offset = reader.Offset;
        var lengthReader = reader;
        reader.Require(offset, lengthReader.ReadUInt32(), limits.NameBytes, nameof(limits.NameBytes));
        return reader.ReadName();
    }

    internal static void Require(
        ref this ByteReader reader, int offset, long found, int limit, [CallerArgumentExpression(nameof(limit))] string limitName = "")
    {
        if (found > limit) reader.Fail(offset, DecodeLimits.Describe(limitName[(limitName.LastIndexOf('.') + 1)..], found, limit));
    }

    internal static int Capacity(int count) => Math.Min(count, InitialCapacity);
}
