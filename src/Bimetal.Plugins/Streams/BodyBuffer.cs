// The part of a body that one plugin of one stream sees at the moment: the chunk that just came, with everything that it held back before.

namespace Bimetal.Plugins.Streams;

/// <summary>Buffered body bytes. Not thread-safe; belongs to one plugin stream.</summary>
/// <param name="limitBytes">Most bytes that may be held (<c>limits.body_buffer</c>).</param>
/// <param name="shared">What all buffers of the plugin may take together (<c>limits.held_bodies</c>); null: no such limit.</param>
public sealed class BodyBuffer(int limitBytes, ByteQuota? shared = null)
{
    private byte[] _bytes = [];
    private long _takenBytes;

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
        if (newLength > _bytes.Length && !TryTakeMore(Math.Max((int)newLength, Math.Min(LimitBytes, 2 * _bytes.Length)))) return false;
        byte[] target = newLength <= _bytes.Length ? _bytes : new byte[_takenBytes];
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

    /// <summary>Gives back what was taken of the shared quota; the buffer is not used any more.</summary>
    public void Release()
    {
        shared?.Give(_takenBytes);
        _takenBytes = 0;
    }

    /// <summary>Whether the last change was refused for the plugin's sake, not for this buffer's.</summary>
    public bool IsQuotaUsedUp { get; private set; }

    // The larger array takes the place of the one before.
    private bool TryTakeMore(int capacityBytes)
    {
        IsQuotaUsedUp = shared?.TryTake(capacityBytes - _takenBytes) == false;
        if (!IsQuotaUsedUp) _takenBytes = capacityBytes;
        return !IsQuotaUsedUp;
    }
}
