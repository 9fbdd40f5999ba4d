// The part of a body that one plugin of one stream sees at the moment: the chunk that just came, with everything that it held back before.

namespace Bimetal.Plugins.Streams;

/// <summary>Buffered body bytes. Not thread-safe; belongs to one plugin stream.</summary>
/// <param name="limitBytes">Most bytes that may be held (<c>limits.body_buffer</c>).</param>
public sealed class BodyBuffer(int limitBytes)
{
    private byte[] _bytes = [];

    public int Length { get; private set; }

    public int LimitBytes { get; } = limitBytes;

    public ReadOnlySpan<byte> Span => _bytes.AsSpan(0, Length);

    public ReadOnlyMemory<byte> Memory => _bytes.AsMemory(0, Length);

    /// <summary>Appends a chunk; false, and nothing changed, when the limit would be passed.</summary>
    public bool TryAppend(ReadOnlySpan<byte> chunk) => TryReplace(Length, 0, chunk);

    /// <summary>Replaces a range by other bytes; both ends are clamped to the content. False when the limit would be passed.</summary>
    public bool TryReplace(int start, int length, ReadOnlySpan<byte> replacement)
    {
        start = Math.Clamp(start, 0, Length);
        length = Math.Clamp(length, 0, Length - start);
        long newLength = (long)Length - length + replacement.Length;
        if (newLength > LimitBytes) return false;
        byte[] target = newLength <= _bytes.Length ? _bytes : new byte[Math.Max((int)newLength, Math.Min(LimitBytes, 2 * _bytes.Length))];
        int tailStart = start + length;
        Buffer.BlockCopy(_bytes, tailStart, target, start + replacement.Length, Length - tailStart);
        if (!ReferenceEquals(target, _bytes)) Buffer.BlockCopy(_bytes, 0, target, 0, start);
        replacement.CopyTo(target.AsSpan(start));
        _bytes = target;
        Length = (int)newLength;
        return true;
    }

    /// <summary>Empties the buffer; the memory stays for the next chunk.</summary>
    public void Clear() => Length = 0;
}
