// Properties that plugins set on an exchange; every plugin of the chain can read them. Paths have their segments separated by NUL.

namespace Bimetal.Plugins.Streams;

/// <summary>A few named byte strings of one exchange. Not thread-safe.</summary>
public sealed class PropertyBag
{
    /// <summary>Most properties on one exchange.</summary>
    public const int MaximumCount = 64;

    /// <summary>Most bytes of paths and values on one exchange.</summary>
    public const int MaximumTotalBytes = 64 << 10;

    private List<(byte[] Path, byte[] Value)>? _properties;
    private int _totalBytes;

    public bool TryGet(ReadOnlySpan<byte> path, out ReadOnlyMemory<byte> value)
    {
        int index = IndexOf(path);
        value = index < 0 ? default : _properties![index].Value;
        return index >= 0;
    }

    /// <summary>Sets a property; false, and nothing changed, when a limit would be passed.</summary>
    public bool TrySet(ReadOnlySpan<byte> path, ReadOnlySpan<byte> value)
    {
        int index = IndexOf(path);
        long growthBytes = value.Length - (long)(index < 0 ? -path.Length : _properties![index].Value.Length);
        if (growthBytes > MaximumTotalBytes - _totalBytes || (index < 0 && _properties?.Count >= MaximumCount)) return false;
        _totalBytes += (int)growthBytes;
        if (index >= 0) _properties![index] = (_properties[index].Path, value.ToArray());
        else (_properties ??= []).Add((path.ToArray(), value.ToArray()));
        return true;
    }

    private int IndexOf(ReadOnlySpan<byte> path)
    {
        for (int index = 0; index < _properties?.Count; index++)
        {
            if (path.SequenceEqual(_properties[index].Path)) return index;
        }

        return -1;
    }
}
