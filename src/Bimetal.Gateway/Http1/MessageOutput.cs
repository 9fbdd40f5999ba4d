// The sending side of one HTTP/1.1 connection: heads and body framing are collected in a buffer, so that a head and a short body leave in one
// write; long pieces of a body of known length are written from where they are.

using System.Buffers;
using System.Buffers.Text;
using Bimetal.Gateway.Transport;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Http1;

/// <summary>Used by one loop; one write at a time.</summary>
internal sealed class MessageOutput(Channel channel) : IDisposable
{
    // Size of a chunk in hexadecimal and the line ends around its data.
    private const int ChunkFramingBytes = 24;

    private readonly BufferPool _pool = channel.Loop.Buffers;
    private byte[]? _buffer;
    private int _used;

    public bool IsEmpty => _used == 0;

    public void Add(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Reserve(bytes.Length));
        _used += bytes.Length;
    }

    public void AddField(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        var room = Reserve(name.Length + value.Length + 4);
        name.CopyTo(room);
        room[name.Length] = (byte)':';
        room[name.Length + 1] = (byte)' ';
        value.CopyTo(room[(name.Length + 2)..]);
        room[name.Length + value.Length + 2] = (byte)'\r';
        room[name.Length + value.Length + 3] = (byte)'\n';
        _used += name.Length + value.Length + 4;
    }

    public void AddNumberField(ReadOnlySpan<byte> name, long value)
    {
        Span<byte> digits = stackalloc byte[20];
        Utf8Formatter.TryFormat(value, digits, out int length);
        AddField(name, digits[..length]);
    }

    /// <summary>The end of a chunked body.</summary>
    public void AddLastChunk(HeaderMap? trailers)
    {
        Add("0\r\n"u8);
        for (int index = 0; index < (trailers?.Count ?? 0); index++)
        {
            var (name, value) = trailers![index];
            if (HeaderRules.IsName(name.Span) && FieldKinds.Of(name.Span) == FieldKind.Ordinary && HeaderRules.IsValue(value.Span)) AddField(name.Span, value.Span);
        }

        Add("\r\n"u8);
    }

    /// <summary>Forgets what was not written yet.</summary>
    public void Clear() => _used = 0;

    /// <summary>Writes what is collected.</summary>
    public ValueTask FlushAsync()
    {
        if (_used == 0) return ValueTask.CompletedTask;
        int used = _used;
        _used = 0;
        return channel.WriteAsync(_buffer.AsMemory(0, used));
    }

    /// <summary>Adds body bytes and writes everything; with <paramref name="holdsBack"/> short ones wait for the next write.</summary>
    public ValueTask WriteAsync(in ReadOnlySequence<byte> data, bool isChunked, bool holdsBack)
    {
        if (data.Length + ChunkFramingBytes > BufferPool.MediumBytes - _used || (!isChunked && data.Length > BufferPool.SmallBytes)) return WriteLongAsync(data, isChunked);
        AddPiece(data, isChunked);
        return holdsBack ? ValueTask.CompletedTask : FlushAsync();
    }

    /// <summary>Gives the buffer back.</summary>
    public void Dispose()
    {
        if (_buffer is null) return;
        _pool.Return(_buffer);
        _buffer = null;
        _used = 0;
    }

    private async ValueTask WriteLongAsync(ReadOnlySequence<byte> data, bool isChunked)
    {
        await FlushAsync();
        foreach (var segment in data)
        {
            var rest = segment;
            if (!isChunked)
            {
                await channel.WriteAsync(rest);
                continue;
            }

            while (!rest.IsEmpty)
            {
                int take = Math.Min(rest.Length, BufferPool.MediumBytes - ChunkFramingBytes);
                AddPiece(new ReadOnlySequence<byte>(rest[..take]), isChunked: true);
                await FlushAsync();
                rest = rest[take..];
            }
        }
    }

    private void AddPiece(in ReadOnlySequence<byte> data, bool isChunked)
    {
        int length = (int)data.Length;
        if (length == 0) return;
        var room = Reserve(length + ChunkFramingBytes);
        int position = 0;
        if (isChunked)
        {
            Utf8Formatter.TryFormat(length, room, out position, new StandardFormat('x'));
            room[position++] = (byte)'\r';
            room[position++] = (byte)'\n';
        }

        data.CopyTo(room[position..]);
        position += length;
        if (isChunked)
        {
            room[position++] = (byte)'\r';
            room[position++] = (byte)'\n';
        }

        _used += position;
    }

    private Span<byte> Reserve(int bytes)
    {
        _buffer ??= _pool.Rent(Math.Max(bytes, BufferPool.SmallBytes));
        if (_buffer.Length - _used >= bytes) return _buffer.AsSpan(_used);
        byte[] larger = _pool.Rent(_used + bytes);
        _buffer.AsSpan(0, _used).CopyTo(larger);
        _pool.Return(_buffer);
        _buffer = larger;
        return _buffer.AsSpan(_used);
    }
}
