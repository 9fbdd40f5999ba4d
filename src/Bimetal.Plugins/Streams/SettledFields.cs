// Fields that a plugin writes into message after message with the same name and value, as most do that set a header: kept as bytes that any
// message may refer to, so that they are judged and copied once and not for each request.

using System.Buffers.Binary;
using System.Numerics;

namespace Bimetal.Plugins.Streams;

/// <summary>A few fields of one plugin. Thread-safe: they never change, and a race costs a copy.</summary>
internal sealed class SettledFields
{
    /// <summary>Longest name and value together.</summary>
    public const int MaximumBytes = 256;

    /// <summary>Fields at most; a power of two. Names that fall on one place displace each other.</summary>
    private const int PlaceCount = 16;

    private readonly SettledField?[] _fields = new SettledField?[PlaceCount];

    // Hashes of what was written last there: only what comes a second time is kept, so values that differ each time cost no memory.
    private readonly int[] _seen = new int[PlaceCount];

    /// <summary>The field with exactly this name and value: it passed <see cref="HeaderRules"/> before.</summary>
    public SettledField? Find(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        var field = Volatile.Read(ref _fields[PlaceOf(name)]);
        return field is not null && field.Is(name, value) ? field : null;
    }

    /// <summary>The plugin wrote a field that <see cref="HeaderRules"/> allow in every kind of map, and that was not found here.</summary>
    public void Note(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        // Names are kept in lower case: another spelling would not be found.
        if (HeaderRules.IsPseudo(name) || (long)name.Length + value.Length > MaximumBytes || name.ContainsAnyInRange((byte)'A', (byte)'Z')) return;
        int place = PlaceOf(name), seen = HashOf(name) ^ (HashOf(value) * 31);
        if (Volatile.Read(ref _seen[place]) != seen) Volatile.Write(ref _seen[place], seen);
        else Volatile.Write(ref _fields[place], new SettledField([.. name, .. value], name.Length));
    }

    // Every byte counts: cookies often differ in the middle alone, and each that looked like the one before would be kept for nothing.
    private static int HashOf(ReadOnlySpan<byte> bytes)
    {
        const ulong factor = 0x9E3779B97F4A7C15;
        ulong hash = (uint)bytes.Length;
        for (; bytes.Length >= sizeof(ulong); bytes = bytes[sizeof(ulong)..]) hash = BitOperations.RotateLeft((hash ^ BinaryPrimitives.ReadUInt64LittleEndian(bytes)) * factor, 31);
        foreach (byte one in bytes) hash = BitOperations.RotateLeft((hash ^ one) * factor, 31);
        return (int)((hash * factor) >> 32);
    }

    private static int PlaceOf(ReadOnlySpan<byte> name) => name.IsEmpty ? 0 : (name.Length ^ name[^1]) & (PlaceCount - 1);
}

/// <summary>Immutable.</summary>
/// <param name="bytes">The name in lower case, then the value: in one array, which a request finds with one look.</param>
internal sealed class SettledField(byte[] bytes, int nameLength)
{
    public ReadOnlyMemory<byte> Name => bytes.AsMemory(0, nameLength);

    public ReadOnlyMemory<byte> Value => bytes.AsMemory(nameLength);

    public bool Is(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value) =>
        name.Length == nameLength && value.Length == bytes.Length - nameLength && name.SequenceEqual(bytes.AsSpan(0, nameLength)) && value.SequenceEqual(bytes.AsSpan(nameLength));
}
