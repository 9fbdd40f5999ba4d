// One end of a connection of HTTP/2 that sends the frames a test wants, right or wrong. Fields are literals without Huffman coding.

using System.Buffers.Binary;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;

namespace Bimetal.Gateway.Tests.Support;

internal sealed record Http2Frame(byte Type, byte Flags, int Stream, byte[] Payload)
{
    public const byte Data = 0, Headers = 1, Priority = 2, Reset = 3, Settings = 4, Push = 5, Ping = 6, GoAway = 7, WindowUpdate = 8, Continuation = 9;
    public const byte EndStream = 1, Ack = 1, EndHeaders = 4, Padded = 8, HasPriority = 0x20;

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

    /// <summary>The fields of a whole block that the gateway sent to an upstream: it writes literals without Huffman coding only.</summary>
    public Dictionary<string, string> Fields
    {
        get
        {
            var fields = new Dictionary<string, string>();
            for (int at = 0; at < Payload.Length;)
            {
                Assert.Equal(0, Payload[at++]);
                string name = ReadText(ref at);
                fields[name] = ReadText(ref at);
            }

            return fields;
        }
    }

    public int ErrorCode => BinaryPrimitives.ReadInt32BigEndian(Payload.AsSpan(Type == GoAway ? 4 : 0));

    private string ReadText(ref int at)
    {
        int length = Payload[at++];
        for (int shift = 0; length >= 127; shift += 7)
        {
            length += (Payload[at] & 0x7f) << shift;
            if (Payload[at++] < 0x80) break;
        }

        at += length;
        return Encoding.Latin1.GetString(Payload, at - length, length);
    }
}

internal sealed class Http2Wire : IDisposable
{
    private static readonly byte[] s_preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray();

    private readonly TcpClient _client;
    private readonly Stream _stream;
    private readonly CancellationTokenSource _timeout = new(TimeSpan.FromSeconds(30));

    private Http2Wire(TcpClient client, Stream? stream = null)
    {
        _client = client;
        _stream = stream ?? client.GetStream();
    }

    public CancellationToken Cancellation => _timeout.Token;

    public Socket Socket => _client.Client;

    /// <summary>Connects and sends the preface with empty settings.</summary>
    public static async Task<Http2Wire> ConnectAsync(IPEndPoint address)
    {
        var client = new TcpClient { NoDelay = true };
        await client.ConnectAsync(address);
        return await BeginAsync(new Http2Wire(client));
    }

    /// <summary>The same over TLS, whatever the server's certificate is.</summary>
    public static async Task<Http2Wire> ConnectTlsAsync(IPEndPoint address)
    {
        var client = new TcpClient { NoDelay = true };
        await client.ConnectAsync(address);
#pragma warning disable CA5359 // The certificate is not what these tests are about.
        var tls = new SslStream(client.GetStream(), leaveInnerStreamOpen: false, static (_, _, _, _) => true);
#pragma warning restore CA5359
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "one.test", ApplicationProtocols = [SslApplicationProtocol.Http2] });
        return await BeginAsync(new Http2Wire(client, tls));
    }

    /// <summary>The server's end of a connection, when the client's preface has come; sends nothing. Null: the client left before.</summary>
    public static async Task<Http2Wire?> AcceptAsync(TcpClient client)
    {
        client.NoDelay = true;
        var wire = new Http2Wire(client);
        byte[] preface = new byte[s_preface.Length];
        if (await wire._stream.ReadAtLeastAsync(preface, preface.Length, throwOnEndOfStream: false, wire.Cancellation) == preface.Length) return wire;
        wire.Dispose();
        return null;
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

    /// <summary>A number as frames have it.</summary>
    public static byte[] Number(uint value)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        return bytes;
    }

    /// <summary>The payload of SETTINGS.</summary>
    public static byte[] Setting(byte id, uint value) => [0, id, .. Number(value)];

    public static byte[] Frame(byte type, byte flags, int stream, byte[] payload)
    {
        byte[] frame = new byte[9 + payload.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame, payload.Length << 8);
        (frame[3], frame[4]) = (type, flags);
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), stream);
        payload.CopyTo(frame, 9);
        return frame;
    }

    public Task SendAsync(byte type, byte flags, int stream, byte[] payload) => SendBytesAsync(Frame(type, flags, stream, payload));

    public Task SendBytesAsync(byte[] bytes) => _stream.WriteAsync(bytes, Cancellation).AsTask();

    /// <summary>Sends the same bytes so often, or until the other side has had enough; gives how often.</summary>
    public async Task<int> FloodAsync(byte[] bytes, int times)
    {
        int sent = 0;
        try
        {
            for (; sent < times; sent++) await SendBytesAsync(bytes);
        }
        catch (IOException)
        {
            // It has had enough.
        }

        return sent;
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
        _stream.Dispose();
        _client.Dispose();
        _timeout.Dispose();
    }

    private static async Task<Http2Wire> BeginAsync(Http2Wire wire)
    {
        await wire.SendBytesAsync(s_preface);
        await wire.SendAsync(Http2Frame.Settings, 0, 0, []);
        return wire;
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
