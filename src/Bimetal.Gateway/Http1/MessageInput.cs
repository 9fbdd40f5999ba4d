// The receiving side of one HTTP/1.1 connection, client's or upstream's: heads and bodies from a channel, in one buffer. A head stays where it
// was read until the next message begins, so fields can be used as slices; the body passes behind it, or in a buffer of its own.

using System.Buffers;
using Bimetal.Gateway.Pipeline;
using Bimetal.Gateway.Transport;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Http1;

internal enum BodyKind : byte
{
    None,
    Length,
    Chunked,
    UntilClose,
}

/// <summary>Bytes that break HTTP, or more of them than a limit allows.</summary>
internal sealed class MessageFormatException(int status, string message) : Exception(message)
{
    /// <summary>What a client is answered when it sent them.</summary>
    public int Status { get; } = status;
}

/// <summary>Used by one loop.</summary>
internal sealed class MessageInput(Channel channel) : IDisposable
{
    private readonly BufferPool _pool = channel.Loop.Buffers;
    private readonly ChunkDecoder _chunks = new();
    private byte[]? _head;
    private byte[]? _data;
    private int _start;
    private int _end;
    private int _headEnd;
    private long _left;
    private bool _isCancelled;

    /// <summary>Bytes are there that nobody took.</summary>
    public bool HasBuffered => _start < _end;

    public BodyKind Kind { get; private set; }

    /// <summary>The body has been read to its end.</summary>
    public bool IsBodyOver { get; private set; } = true;

    /// <summary>The bytes that are there, for a protocol other than HTTP/1.1.</summary>
    public ReadOnlyMemory<byte> Buffered => _data.AsMemory(_start, _end - _start);

    /// <summary>Reads a head, from its first byte to the empty line.</summary>
    /// <returns>Empty when the connection ends before the first byte.</returns>
    /// <exception cref="MessageFormatException">It is too long, or has lines that do not end with CR LF.</exception>
    /// <exception cref="IOException">The connection broke, or ended within the head.</exception>
    public async LoopTask<Memory<byte>> ReadHeadAsync(int limitBytes)
    {
        Rewind();
        int scanned = 0;
        while (true)
        {
            int length = FindHeadEnd(ref scanned);
            if (length > limitBytes) throw new MessageFormatException(431, $"a head of more than {limitBytes} bytes");
            if (length > 0)
            {
                var head = _head.AsMemory(_start, length);
                _start += length;
                _headEnd = _start;
                return head;
            }

            if (_end - _start >= limitBytes) throw new MessageFormatException(431, $"a head of more than {limitBytes} bytes");
            MakeRoom();
            int count = await channel.ReadAsync(_data.AsMemory(_end));
            if (count == Channel.ReadCancelled) throw new OperationCanceledException();
            if (count == 0 && _start == _end) return default;
            if (count == 0) throw new IOException("the connection ended within the head");
            _end += count;
        }
    }

    /// <summary>Says how the body is framed; the bytes behind the head belong to it.</summary>
    public void BeginBody(BodyKind kind, long length)
    {
        Kind = kind;
        _left = length;
        _isCancelled = false;
        IsBodyOver = kind == BodyKind.None || (kind == BodyKind.Length && length == 0);
        if (kind == BodyKind.Chunked) _chunks.Begin();
    }

    /// <summary>The next bytes of the body, valid until the next read.</summary>
    /// <exception cref="OperationCanceledException">The read was cancelled.</exception>
    public ValueTask<BodyPiece> ReadBodyAsync()
    {
        if (IsBodyOver) return new ValueTask<BodyPiece>(BodyPiece.End);
        return _start < _end && TryTake(out var piece) ? new ValueTask<BodyPiece>(piece) : ReadMoreAsync();
    }

    /// <summary>Trailers of a chunked body that is over.</summary>
    public bool ReadTrailers(HeaderMap trailers) => Kind == BodyKind.Chunked && _chunks.CopyTrailers(trailers);

    public void CancelRead()
    {
        _isCancelled = true;
        channel.CancelRead();
    }

    /// <summary>Gives the buffers back when nothing is in them.</summary>
    public void ReleaseIdle()
    {
        if (HasBuffered) return;
        Dispose();
    }

    public void Dispose()
    {
        if (_data is not null && !ReferenceEquals(_data, _head)) _pool.Return(_data);
        if (_head is not null) _pool.Return(_head);
        _head = _data = null;
        _start = _end = _headEnd = 0;
    }

    private async ValueTask<BodyPiece> ReadMoreAsync()
    {
        while (true)
        {
            MakeRoomForBody();
            int count = await channel.ReadAsync(_data.AsMemory(_end));
            if (count == Channel.ReadCancelled || _isCancelled) throw new OperationCanceledException();
            if (count == 0)
            {
                if (Kind != BodyKind.UntilClose) throw new IOException("the connection ended within the body");
                IsBodyOver = true;
                return BodyPiece.End;
            }

            _end += count;
            if (TryTake(out var piece)) return piece;
        }
    }

    private bool TryTake(out BodyPiece piece)
    {
        int available = _end - _start;
        if (Kind == BodyKind.Chunked)
        {
            var data = _chunks.Take(_data.AsMemory(_start, available), out int consumed);
            _start += consumed;
            IsBodyOver = _chunks.IsOver;
            piece = new BodyPiece(data, IsBodyOver);
            return IsBodyOver || !data.IsEmpty;
        }

        int take = Kind == BodyKind.Length ? (int)Math.Min(_left, available) : available;
        piece = new BodyPiece(_data.AsMemory(_start, take), IsEnd: Kind == BodyKind.Length && take == _left);
        _start += take;
        _left -= take;
        IsBodyOver = piece.IsEnd;
        return true;
    }

    // The bytes of the last piece may be overwritten now. What is not decoded yet (the beginning of a chunk's line) moves to the front. A
    // body that is larger than what is left behind the head gets a buffer of its own.
    private void MakeRoomForBody()
    {
        int unread = _end - _start;
        bool isBehindHead = ReferenceEquals(_data, _head);
        int floor = isBehindHead ? _headEnd : 0;
        int room = _data!.Length - floor;
        bool isTight = room - unread < BufferPool.SmallBytes / 4 || (Kind == BodyKind.Length && _left > room) || _end == _data.Length;
        if (isBehindHead && isTight && _data.Length < BufferPool.LargeBytes)
        {
            byte[] larger = _pool.Rent(BufferPool.MediumBytes);
            _data.AsSpan(_start, unread).CopyTo(larger);
            _data = larger;
            floor = 0;
        }
        else if (unread > 0)
        {
            _data.AsSpan(_start, unread).CopyTo(_data.AsSpan(floor));
        }

        _start = floor;
        _end = floor + unread;
        if (_end == _data.Length) throw new MessageFormatException(431, "trailers that are too long");
    }

    // For the head, which has to stand in one piece.
    private void MakeRoom()
    {
        if (_data!.Length > _end) return;
        byte[] larger = _pool.Rent(_data.Length * 2);
        _data.AsSpan(_start, _end - _start).CopyTo(larger);
        _end -= _start;
        _start = 0;
        _pool.Return(_data);
        _head = _data = larger;
    }

    // The next message begins at the front of the head's buffer.
    private void Rewind()
    {
        int unread = _end - _start;
        if (_head is null)
        {
            _head = _data = _pool.Rent(BufferPool.SmallBytes);
        }
        else if (!ReferenceEquals(_data, _head))
        {
            if (unread > _head.Length)
            {
                _pool.Return(_head);
                _head = _data;
                _data.AsSpan(_start, unread).CopyTo(_data);
            }
            else
            {
                _data.AsSpan(_start, unread).CopyTo(_head);
                _pool.Return(_data!);
                _data = _head;
            }
        }
        else if (_start > 0)
        {
            _data.AsSpan(_start, unread).CopyTo(_data);
        }

        _start = 0;
        _end = unread;
    }

    /// <summary>Length of the head, or 0 when its end has not come yet. One empty line before it is skipped (RFC 9112, section 2.2).</summary>
    private int FindHeadEnd(ref int scanned)
    {
        var bytes = _data.AsSpan(_start, _end - _start);
        if (bytes.StartsWith("\r\n"u8))
        {
            _start += 2;
            bytes = bytes[2..];
            scanned = 0;
        }

        int found = bytes[scanned..].IndexOf("\r\n\r\n"u8);
        if (found >= 0) return scanned + found + 4;

        // No end yet: a lone LF would never let it come.
        for (int position = scanned; position < bytes.Length; position++)
        {
            int next = bytes[position..].IndexOf((byte)'\n');
            if (next < 0) break;
            position += next;
            if (position == 0 || bytes[position - 1] != '\r') throw new MessageFormatException(400, "a line that does not end with CR LF");
        }

        scanned = Math.Max(0, bytes.Length - 3);
        return 0;
    }
}
