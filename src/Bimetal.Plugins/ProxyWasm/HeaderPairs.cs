// The serialised form of a header map (specification, "Serialization"), all integers little-endian:
//
//   u32 count, { u32 name length, u32 value length } x count, { name, 0, value, 0 } x count

using System.Buffers.Binary;
using Bimetal.Plugins.Streams;

namespace Bimetal.Plugins.ProxyWasm;

/// <summary>Writes and reads serialised maps.</summary>
internal static class HeaderPairs
{
    private const int CountBytes = sizeof(uint);
    private const int LengthsBytes = 2 * sizeof(uint);

    /// <summary>Bytes of the serialised form; an empty map has none.</summary>
    public static uint SizeOf(HeaderMap map) => map.Count == 0 ? 0 : (uint)(CountBytes + (map.Count * (LengthsBytes + 2)) + map.TotalBytes);

    /// <summary>Fills <paramref name="target"/>, which has <see cref="SizeOf"/> bytes.</summary>
    public static void Write(HeaderMap map, Span<byte> target)
    {
        if (map.Count == 0) return;
        BinaryPrimitives.WriteInt32LittleEndian(target, map.Count);
        int lengths = CountBytes;
        int bytes = CountBytes + (map.Count * LengthsBytes);
        for (int index = 0; index < map.Count; index++)
        {
            var (name, value) = map[index];
            BinaryPrimitives.WriteInt32LittleEndian(target[lengths..], name.Length);
            BinaryPrimitives.WriteInt32LittleEndian(target[(lengths + sizeof(uint))..], value.Length);
            lengths += LengthsBytes;
            bytes = Append(target, bytes, name.Span);
            bytes = Append(target, bytes, value.Span);
        }
    }

    /// <summary>
    /// Reads a serialised map, copying its bytes. False when it is malformed or larger than a message's may be, which is looked at first: a
    /// host call cannot be interrupted.
    /// </summary>
    public static bool TryRead(ReadOnlySpan<byte> source, HeaderMap fields)
    {
        if (source.Length == 0 || (source.Length == 1 && source[0] == 0)) return true;
        if (source.Length < CountBytes) return false;
        uint count = BinaryPrimitives.ReadUInt32LittleEndian(source);
        if (count > HeaderRules.MaximumFieldCount || (int)count * LengthsBytes > source.Length - CountBytes) return false;
        if (source.Length - CountBytes - ((int)count * (LengthsBytes + 2)) > HeaderRules.MaximumTotalBytes) return false;
        var lengths = source[CountBytes..];
        var bytes = lengths[((int)count * LengthsBytes)..];
        for (uint index = 0; index < count; index++)
        {
            if (!TryTake(ref bytes, BinaryPrimitives.ReadUInt32LittleEndian(lengths), out var name)) return false;
            if (!TryTake(ref bytes, BinaryPrimitives.ReadUInt32LittleEndian(lengths[sizeof(uint)..]), out var value)) return false;
            fields.AddCopy(name, value);
            lengths = lengths[LengthsBytes..];
        }

        return bytes.IsEmpty;
    }

    private static int Append(Span<byte> target, int position, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(target[position..]);
        target[position + bytes.Length] = 0;
        return position + bytes.Length + 1;
    }

    private static bool TryTake(ref ReadOnlySpan<byte> bytes, uint length, out ReadOnlySpan<byte> taken)
    {
        taken = default;
        if (length >= (uint)bytes.Length || bytes[(int)length] != 0) return false;
        taken = bytes[..(int)length];
        bytes = bytes[((int)length + 1)..];
        return true;
    }
}
