// An ordered multimap of header fields as bytes: what plugins of both metals read and change. The gateway fills it from a message
// and writes it back. Names are lower case, pseudo-headers (":method", ":path", ":authority", ":scheme", ":status") come first.
// Nothing here checks names or values: what comes from a plugin passes HeaderRules first, in StreamView.

using System.Text;

namespace Bimetal.Plugins.Streams;

/// <summary>Header fields of one message. Not thread-safe; belongs to one stream. The bytes of a field never change once it is added.</summary>
public sealed class HeaderMap
{
    // Of copied names and values: most plugins set one small field, some set many. With its header the first chunk is one cache line.
    private const int FirstChunkBytes = 40;
    private const int ChunkBytes = 1024;

    // Enough for most messages.
    private const int FirstFields = 8;

    private HeaderField[] _fields = [];
    private byte[] _chunk = [];
    private int _chunkUsed;

    public int Count { get; private set; }

    /// <summary>Bytes of all names and values.</summary>
    public int TotalBytes { get; private set; }

    /// <summary>Raised by one with every change, so that the gateway writes back only what changed.</summary>
    public int Version { get; private set; }

    public HeaderField this[int index] => Fields[index];

    /// <summary>The first value of a field; names compare without regard to ASCII case.</summary>
    public bool TryGet(ReadOnlySpan<byte> name, out ReadOnlyMemory<byte> value)
    {
        int index = IndexOf(name);
        value = index < 0 ? default : _fields[index].Value;
        return index >= 0;
    }

    /// <summary>Appends a field, whatever is there already.</summary>
    public void Add(ReadOnlyMemory<byte> name, ReadOnlyMemory<byte> value)
    {
        if (Count == _fields.Length) Array.Resize(ref _fields, Math.Max(FirstFields, Count * 2));
        _fields[Count++] = new HeaderField(name, value);
        TotalBytes += name.Length + value.Length;
        Version++;
    }

    /// <summary>Appends a field from bytes that are only borrowed, such as a plugin's memory; the name is put into lower case.</summary>
    public void AddCopy(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        var copy = Reserve(name.Length + value.Length);
        var nameCopy = copy[..name.Length];
        Ascii.ToLower(name, nameCopy.Span, out _);
        value.CopyTo(copy.Span[name.Length..]);
        Add(nameCopy, copy[name.Length..]);
    }

    /// <summary>Gives a field this one value: replaces the first occurrence, removes the others, or appends.</summary>
    public void Set(ReadOnlyMemory<byte> name, ReadOnlyMemory<byte> value)
    {
        int first = IndexOf(name.Span);
        if (first < 0) Add(name, value);
        else SetAt(first, name, value);
    }

    /// <summary><see cref="Set"/> from bytes that are only borrowed.</summary>
    public void SetCopy(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        int first = IndexOf(name);
        if (first < 0) AddCopy(name, value);
        else SetAt(first, _fields[first].Name, Copy(value));
    }

    /// <summary>Removes every occurrence; says whether there was one.</summary>
    public bool Remove(ReadOnlySpan<byte> name)
    {
        int first = IndexOf(name);
        if (first < 0) return false;
        RemoveFrom(first, name);
        Version++;
        return true;
    }

    /// <summary>Copies what is only borrowed, as from the buffer of a connection, so that the fields outlive it. They are the same fields.</summary>
    public void Own()
    {
        byte[] bytes = new byte[TotalBytes];
        var rest = bytes.AsMemory();
        foreach (ref var field in Fields) field = new HeaderField(Move(field.Name, ref rest), Move(field.Value, ref rest));
    }

    public void Clear()
    {
        Fields.Clear();
        Count = 0;
        _chunk = [];
        _chunkUsed = 0;
        TotalBytes = 0;
        Version++;
    }

    /// <summary>Index of the first field of that name, or -1.</summary>
    public int IndexOf(ReadOnlySpan<byte> name)
    {
        for (int index = 0; index < Count; index++)
        {
            // The length first: it costs nothing, and telling two spans apart does.
            var candidate = _fields[index].Name;
            if (candidate.Length == name.Length && HeaderField.NameEquals(candidate.Span, name)) return index;
        }

        return -1;
    }

    private Span<HeaderField> Fields => _fields.AsSpan(0, Count);

    private void SetAt(int first, ReadOnlyMemory<byte> name, ReadOnlyMemory<byte> value)
    {
        TotalBytes += value.Length - _fields[first].Value.Length;
        _fields[first] = new HeaderField(name, value);
        RemoveFrom(first + 1, name.Span);
        Version++;
    }

    private void RemoveFrom(int start, ReadOnlySpan<byte> name)
    {
        for (int index = Count - 1; index >= start; index--)
        {
            var field = _fields[index];
            if (!HeaderField.NameEquals(field.Name.Span, name)) continue;
            TotalBytes -= field.Name.Length + field.Value.Length;
            Fields[(index + 1)..].CopyTo(Fields[index..]);
            _fields[--Count] = default;
        }
    }

    private static ReadOnlyMemory<byte> Move(ReadOnlyMemory<byte> from, ref Memory<byte> rest)
    {
        var moved = rest[..from.Length];
        from.CopyTo(moved);
        rest = rest[from.Length..];
        return moved;
    }

    private ReadOnlyMemory<byte> Copy(ReadOnlySpan<byte> bytes)
    {
        var copy = Reserve(bytes.Length);
        bytes.CopyTo(copy.Span);
        return copy;
    }

    /// <summary>Small fields share one array, so that a plugin which sets several costs one allocation.</summary>
    private Memory<byte> Reserve(int lengthBytes)
    {
        if (lengthBytes > ChunkBytes / 2) return new byte[lengthBytes];
        if (lengthBytes > _chunk.Length - _chunkUsed)
        {
            _chunk = new byte[Math.Max(lengthBytes, Math.Clamp(4 * _chunk.Length, FirstChunkBytes, ChunkBytes))];
            _chunkUsed = 0;
        }

        var reserved = _chunk.AsMemory(_chunkUsed, lengthBytes);
        _chunkUsed += lengthBytes;
        return reserved;
    }
}

/// <summary>One header field.</summary>
public readonly record struct HeaderField(ReadOnlyMemory<byte> Name, ReadOnlyMemory<byte> Value)
{
    public static bool NameEquals(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right) =>
        left.SequenceEqual(right) || Ascii.EqualsIgnoreCase(left, right);
}
