// A client of HTTP/2 that sends the frames a test wants, right or wrong. Fields are literals without Huffman coding.

using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Bimetal.Gateway.Tests.Support;

internal sealed record Http2Frame(byte Type, byte Flags, int Stream, byte[] Payload)
{
    public const byte Data = 0, Headers = 1, Reset = 3, Settings = 4, Ping = 6, GoAway = 7, WindowUpdate = 8, Continuation = 9;
    public const byte EndStream = 1, EndHeaders = 4;

    /// <summary>Status of a response's first frame: an entry of the static table, or a literal of three digits.</summary>
    public int Status => Payload[0] switch
    {
        0x88 => 200,
        0x89 => 204,
        0x8c => 400,
        0x8d => 404,
        0x8e => 500,
        _ => int.Parse(Encoding.ASCII.GetString(Payload, 2, 3)),
    };

    public int ErrorCode => BinaryPrimitives.ReadInt32BigEndian(Payload.AsSpan(Type == GoAway ? 4 : 0));
}

internal sealed class Http2Wire : IDisposable
{
    private readonly TcpClient _client;
    private readonly NetworkStream _stream;
    private readonly CancellationTokenSource _timeout = new(TimeSpan.FromSeconds(30));

    private Http2Wire(TcpClient client)
    {
        _client = client;
        _stream = client.GetStream();
    }

    public CancellationToken Cancellation => _timeout.Token;

    /// <summary>Connects and sends the preface with empty settings.</summary>
    public static async Task<Http2Wire> ConnectAsync(IPEndPoint address)
    {
        var client = new TcpClient { NoDelay = true };
        await client.ConnectAsync(address);
        var wire = new Http2Wire(client);
        await wire._stream.WriteAsync("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray(), wire.Cancellation);
        await wire.SendAsync(Http2Frame.Settings, 0, 0, []);
        return wire;
    }

    public static byte[] Fields(params (string Name, string Value)[] fields)
    {
        var block = new MemoryStream();
        foreach (var (name, value) in fields)
        {
            block.WriteByte(0);
            WriteText(block, name);
            WriteText(block, value);
        }

        return block.ToArray();
    }

    /// <summary>What every request begins with.</summary>
    public static (string, string)[] Request(string method = "GET", string path = "/", params (string, string)[] further) =>
        [(":method", method), (":scheme", "http"), (":path", path), (":authority", "test"), .. further];

    public Task SendAsync(byte type, byte flags, int stream, byte[] payload)
    {
        byte[] frame = new byte[9 + payload.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame, payload.Length << 8);
        (frame[3], frame[4]) = (type, flags);
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), stream);
        payload.CopyTo(frame, 9);
        return _stream.WriteAsync(frame, Cancellation).AsTask();
    }

    public Task SendHeadersAsync(int stream, bool isEnd, params (string, string)[] fields) =>
        SendAsync(Http2Frame.Headers, (byte)(Http2Frame.EndHeaders | (isEnd ? Http2Frame.EndStream : 0)), stream, Fields(fields));

    /// <summary>The next frame; null at the end of the connection, however it ended.</summary>
    public async Task<Http2Frame?> ReadAsync()
    {
        try
        {
            byte[] head = new byte[9];
            await _stream.ReadExactlyAsync(head, Cancellation);
            byte[] payload = new byte[BinaryPrimitives.ReadInt32BigEndian(head) >>> 8];
            await _stream.ReadExactlyAsync(payload, Cancellation);
            return new Http2Frame(head[3], head[4], BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(5)), payload);
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>The next frame that one of the types has; null when the connection ends before.</summary>
    public async Task<Http2Frame?> ReadUntilAsync(params byte[] types)
    {
        while (await ReadAsync() is { } frame)
        {
            if (types.Contains(frame.Type)) return frame;
        }

        return null;
    }

    public void Dispose()
    {
        _client.Dispose();
        _timeout.Dispose();
    }

    // An integer of seven bits (RFC 7541, section 5.1), then the bytes.
    private static void WriteText(MemoryStream block, string text)
    {
        byte[] bytes = Encoding.Latin1.GetBytes(text);
        int rest = bytes.Length - 127;
        block.WriteByte((byte)Math.Min(bytes.Length, 127));
        for (; rest >= 0; rest = rest < 128 ? -1 : rest >> 7) block.WriteByte((byte)(rest < 128 ? rest : (rest & 127) | 128));
        block.Write(bytes);
    }
}
