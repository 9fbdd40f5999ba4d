// An ordered multimap of header fields as bytes: what plugins of both metals read and change. The gateway fills it from a message
// and writes it back. Names are lower case, pseudo-headers (":method", ":path", ":authority", ":scheme", ":status") come first.

namespace Bimetal.Plugins.Streams;

/// <summary>Header fields of one message. Not thread-safe; belongs to one stream.</summary>
public sealed class HeaderMap
{
    private readonly List<HeaderField> _fields = [];

    public int Count => _fields.Count;

    /// <summary>Raised by one with every change, so that the gateway writes back only what changed.</summary>
    public int Version { get; private set; }

    public HeaderField this[int index] => _fields[index];

    /// <summary>The first value of a field; names compare without regard to ASCII case.</summary>
    public bool TryGet(ReadOnlySpan<byte> name, out ReadOnlyMemory<byte> value)
    {
        foreach (var field in _fields)
        {
            if (!HeaderField.NameEquals(field.Name.Span, name)) continue;
            value = field.Value;
            return true;
        }

        value = default;
        return false;
    }

    /// <summary>Appends a field, whatever is there already.</summary>
    public void Add(ReadOnlyMemory<byte> name, ReadOnlyMemory<byte> value)
    {
        _fields.Add(new HeaderField(name, value));
        Version++;
    }

    /// <summary>Gives a field this one value: replaces the first occurrence, removes the others, or appends.</summary>
    public void Set(ReadOnlyMemory<byte> name, ReadOnlyMemory<byte> value)
    {
        int first = _fields.FindIndex(field => HeaderField.NameEquals(field.Name.Span, name.Span));
        if (first < 0)
        {
            Add(name, value);
            return;
        }

        _fields[first] = new HeaderField(name, value);
        for (int index = _fields.Count - 1; index > first; index--)
        {
            if (HeaderField.NameEquals(_fields[index].Name.Span, name.Span)) _fields.RemoveAt(index);
        }

        Version++;
    }

    /// <summary>Removes every occurrence; says whether there was one.</summary>
    public bool Remove(ReadOnlySpan<byte> name)
    {
        bool removed = false;
        for (int index = _fields.Count - 1; index >= 0; index--)
        {
            if (!HeaderField.NameEquals(_fields[index].Name.Span, name)) continue;
            _fields.RemoveAt(index);
            removed = true;
        }

        if (removed) Version++;
        return removed;
    }

    public void Clear()
    {
        _fields.Clear();
        Version++;
    }
}

/// <summary>One header field.</summary>
public readonly record struct HeaderField(ReadOnlyMemory<byte> Name, ReadOnlyMemory<byte> Value)
{
    public static bool NameEquals(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right) => System.Text.Ascii.EqualsIgnoreCase(left, right);
}
