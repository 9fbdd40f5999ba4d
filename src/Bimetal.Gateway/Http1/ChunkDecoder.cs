// Takes the data out of a chunked body (RFC 9112, section 7.1), strictly: sizes are hexadecimal digits, lines end with CR LF, extensions are
// dropped, and they and the trailers have limits. What is passed on is framed anew, so no other reader can find other chunks in it.

using System.Text;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Http1;

/// <summary>Used again for each body of a connection.</summary>
internal sealed class ChunkDecoder
{
    /// <summary>A size and its extension.</summary>
    public const int MaximumSizeLineBytes = 256;

    /// <summary>All extensions of one body.</summary>
    public const int MaximumExtensionBytes = 16 << 10;

    public const int MaximumTrailers = 64;

    public const int MaximumTrailerBytes = 16 << 10;

    private const int MaximumSizeDigits = 15;

    private readonly List<(byte[] Name, byte[] Value)> _trailers = [];
    private State _state;
    private long _left;
    private int _extensionBytes;
    private int _trailerBytes;

    private enum State : byte
    {
        Size,
        Data,
        DataEnd,
        Trailers,
        Over,
    }

    public bool IsOver => _state == State.Over;

    public void Begin()
    {
        _state = State.Size;
        _left = 0;
        _extensionBytes = _trailerBytes = 0;
        _trailers.Clear();
    }

    /// <summary>Decodes in place as much as is there.</summary>
    /// <param name="bytes">The data of several chunks is moved together at the front of the first one's.</param>
    /// <param name="consumed">Bytes that are dealt with; what is left is the beginning of a line.</param>
    /// <exception cref="MessageFormatException">It is no chunked body.</exception>
    public Memory<byte> Take(Memory<byte> bytes, out int consumed)
    {
        var span = bytes.Span;
        int position = 0, dataStart = -1, dataEnd = 0;
        while (position < span.Length && _state != State.Over)
        {
            if (_state == State.Data)
            {
                int take = (int)Math.Min(_left, span.Length - position);
                if (dataStart < 0) dataStart = dataEnd = position;
                if (dataEnd != position) span.Slice(position, take).CopyTo(span[dataEnd..]);
                dataEnd += take;
                position += take;
                _left -= take;
                if (_left == 0) _state = State.DataEnd;
                continue;
            }

            int length = LineLength(span[position..]);
            if (length < 0) break;
            OnLine(span.Slice(position, length));
            position += length + 2;
        }

        consumed = position;
        return dataStart < 0 ? default : bytes[dataStart..dataEnd];
    }

    /// <summary>Adds copies of the trailers; says whether there were any.</summary>
    public bool CopyTrailers(HeaderMap target)
    {
        foreach (var (name, value) in _trailers) target.Add(name, value);
        return _trailers.Count > 0;
    }

    /// <summary>Length of the line without its end, or -1 when that has not come.</summary>
    private int LineLength(ReadOnlySpan<byte> bytes)
    {
        int limit = _state == State.Trailers ? MaximumTrailerBytes : MaximumSizeLineBytes;
        int end = bytes.IndexOf((byte)'\n');
        if (end < 0 && bytes.Length <= limit)
        {
            // A lone CR can be judged before its LF comes, but need not be.
            return -1;
        }

        if (end < 0 || end > limit) throw new MessageFormatException(_state == State.Trailers ? 431 : 400, "a line of a chunked body that is too long");
        if (end == 0 || bytes[end - 1] != '\r') throw new MessageFormatException(400, "a line of a chunked body that does not end with CR LF");
        return end - 1;
    }

    private void OnLine(Span<byte> line)
    {
        switch (_state)
        {
            case State.DataEnd:
                if (line.Length > 0) throw new MessageFormatException(400, "a chunk that is longer than its size");
                _state = State.Size;
                break;
            case State.Size:
                _left = ParseSize(line);
                _state = _left == 0 ? State.Trailers : State.Data;
                break;
            default:
                if (line.Length == 0) _state = State.Over;
                else AddTrailer(line);
                break;
        }
    }

    private long ParseSize(ReadOnlySpan<byte> line)
    {
        int digits = 0;
        long size = 0;
        while (digits < line.Length && HexValue(line[digits]) is >= 0 and var value)
        {
            size = (size << 4) | (uint)value;
            if (++digits > MaximumSizeDigits) throw new MessageFormatException(400, "a chunk size that is too large");
        }

        if (digits == 0) throw new MessageFormatException(400, "a chunk size that is no number");
        var rest = line[digits..];
        if (rest.IsEmpty) return size;
        while (!rest.IsEmpty && rest[0] is (byte)' ' or (byte)'\t') rest = rest[1..];
        if (rest.IsEmpty || rest[0] != ';' || !HeaderRules.IsValue(rest)) throw new MessageFormatException(400, "a chunk size that is no number");
        _extensionBytes += rest.Length;
        return _extensionBytes <= MaximumExtensionBytes ? size : throw new MessageFormatException(400, $"more than {MaximumExtensionBytes} bytes of chunk extensions");
    }

    private void AddTrailer(Span<byte> line)
    {
        _trailerBytes += line.Length;
        if (_trailers.Count == MaximumTrailers || _trailerBytes > MaximumTrailerBytes) throw new MessageFormatException(431, "too many trailers");
        int colon = line.IndexOf((byte)':');
        if (colon < 1 || !HeaderRules.IsName(line[..colon])) throw new MessageFormatException(400, "a trailer without a valid name");
        Ascii.ToLowerInPlace(line[..colon], out _);
        if (FieldKinds.Of(line[..colon]) != FieldKind.Ordinary) throw new MessageFormatException(400, "a trailer that says how the message is framed or routed");
        ReadOnlySpan<byte> value = line[(colon + 1)..];
        value = value.Trim(" \t"u8);
        if (!HeaderRules.IsValue(value)) throw new MessageFormatException(400, "control characters in a trailer");
        _trailers.Add((line[..colon].ToArray(), value.ToArray()));
    }

    private static int HexValue(byte digit) => digit switch
    {
        >= (byte)'0' and <= (byte)'9' => digit - '0',
        >= (byte)'a' and <= (byte)'f' => digit - 'a' + 10,
        >= (byte)'A' and <= (byte)'F' => digit - 'A' + 10,
        _ => -1,
    };
}
