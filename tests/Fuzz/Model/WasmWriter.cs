// Writes the primitives of the binary format (core specification 5).

using System.Text;

namespace Bimetal.Fuzz.Model;

/// <summary>A growing piece of a binary module.</summary>
internal sealed class WasmWriter
{
    private readonly List<byte> _bytes = [];

    internal byte[] ToArray() => [.. _bytes];

    internal WasmWriter Byte(byte value)
    {
        _bytes.Add(value);
        return this;
    }

    internal WasmWriter Bytes(ReadOnlySpan<byte> bytes)
    {
        _bytes.AddRange(bytes);
        return this;
    }

    internal WasmWriter Unsigned(ulong value)
    {
        for (; value >= 0x80; value >>= 7) _bytes.Add((byte)(value | 0x80));
        _bytes.Add((byte)value);
        return this;
    }

    internal WasmWriter Signed(long value)
    {
        while (true)
        {
            byte low = (byte)(value & 0x7F);
            value >>= 7;
            bool isLast = value == ((low & 0x40) != 0 ? -1 : 0);
            _bytes.Add((byte)(isLast ? low : low | 0x80));
            if (isLast) return this;
        }
    }

    internal WasmWriter Name(string name)
    {
        byte[] text = Encoding.UTF8.GetBytes(name);
        return Unsigned((ulong)text.Length).Bytes(text);
    }

    internal WasmWriter Type(ValueType type) => Byte((byte)type);

    internal WasmWriter Types(IReadOnlyCollection<ValueType> types)
    {
        Unsigned((ulong)types.Count);
        foreach (var type in types) Type(type);
        return this;
    }

    /// <summary>A vector: the count, then each item.</summary>
    internal WasmWriter Vector<T>(IReadOnlyCollection<T> items, Action<WasmWriter, T> write)
    {
        Unsigned((ulong)items.Count);
        foreach (var item in items) write(this, item);
        return this;
    }

    /// <summary>A section, unless it would be empty.</summary>
    internal WasmWriter Section<T>(byte id, IReadOnlyCollection<T> items, Action<WasmWriter, T> write) =>
        items.Count == 0 ? this : Section(id, new WasmWriter().Vector(items, write));

    internal WasmWriter Section(byte id, WasmWriter content) => Byte(id).Sized(content);

    /// <summary>The length of the content, then the content.</summary>
    internal WasmWriter Sized(WasmWriter content) => Unsigned((ulong)content._bytes.Count).Bytes([.. content._bytes]);
}
