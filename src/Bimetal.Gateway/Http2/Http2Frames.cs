// The frames of HTTP/2 (RFC 9113, section 6) that the gateway writes to upstreams and reads from them.

using System.Buffers;
using System.Buffers.Binary;

namespace Bimetal.Gateway.Http2;

internal enum FrameType : byte
{
    Data = 0,
    Headers = 1,
    Priority = 2,
    Reset = 3,
    Settings = 4,
    PushPromise = 5,
    Ping = 6,
    GoAway = 7,
    WindowUpdate = 8,
    Continuation = 9,
}

/// <summary>RFC 9113, section 7.</summary>
internal enum Http2Error : uint
{
    None = 0,
    Protocol = 1,
    FlowControl = 3,
    StreamClosed = 5,
    FrameSize = 6,
    RefusedStream = 7,
    Cancel = 8,
    Compression = 9,
    EnhanceYourCalm = 11,
}

/// <summary>The nine bytes before a payload: length (24), type (8), flags (8), a bit that is not used, stream (31).</summary>
internal readonly record struct FrameHead(int Length, FrameType Type, byte Flags, int Stream)
{
    public const int Bytes = 9;

    /// <summary>On DATA and HEADERS; ACK on SETTINGS and PING has the same bit.</summary>
    public const byte EndStream = 1, Ack = 1;
    public const byte EndHeaders = 4, Padded = 8, HasPriority = 0x20;

    public bool Has(byte flag) => (Flags & flag) != 0;

    public static FrameHead Read(ReadOnlySpan<byte> bytes) => new(
        (int)(BinaryPrimitives.ReadUInt32BigEndian(bytes) >> 8), (FrameType)bytes[3], bytes[4], (int)(BinaryPrimitives.ReadUInt32BigEndian(bytes[5..]) & int.MaxValue));

    /// <summary>Of DATA and HEADERS.</summary>
    /// <exception cref="Http2FormatException">There is more padding than payload.</exception>
    public ReadOnlySpan<byte> WithoutPadding(ReadOnlySpan<byte> payload)
    {
        if (!Has(Padded)) return payload;
        if (payload.IsEmpty || payload[0] >= payload.Length) throw new Http2FormatException(Http2Error.Protocol, "more padding than there is frame");
        return payload[1..^payload[0]];
    }

    public void Write(IBufferWriter<byte> output)
    {
        var bytes = output.GetSpan(Bytes);
        BinaryPrimitives.WriteUInt32BigEndian(bytes, (uint)Length << 8);
        bytes[3] = (byte)Type;
        bytes[4] = Flags;
        BinaryPrimitives.WriteInt32BigEndian(bytes[5..], Stream);
        output.Advance(Bytes);
    }
}

/// <summary>The other side broke HTTP/2: the connection ends.</summary>
internal sealed class Http2FormatException(Http2Error error, string message) : Exception(message)
{
    public Http2Error Error { get; } = error;
}
