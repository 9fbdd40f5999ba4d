// What an upstream can send over HTTP/2 that it must not, and what becomes of it: one entry for each way.

using static Bimetal.Gateway.Tests.Support.Http2Frame;
using static Bimetal.Gateway.Tests.Support.Http2Wire;

namespace Bimetal.Gateway.Tests.Support;

/// <param name="Name">What it is.</param>
/// <param name="Status">What the client gets; <see cref="Cut"/>: the beginning of an answer that is visibly not whole.</param>
/// <param name="Reason">Stands in the access log; empty where the answer is good.</param>
/// <param name="Send">Answers a request on this stream.</param>
internal sealed record HostileHttp2Case(string Name, int Status, string Reason, Func<Http2Wire, int, Task> Send)
{
    public const int Cut = 0;

    private static readonly byte[] s_ok = Fields((":status", "200"));

    public static IReadOnlyList<HostileHttp2Case> All { get; } =
    [
        // Going away.
        Closing("nothing but the end", 502, "closed the connection", []),
        Closing("GOAWAY that has not looked", 502, "is going away", Frame(GoAway, 0, 0, [0, 0, 0, 0, 0, 0, 0, 0])),
        Closing("GOAWAY that has looked, and the end", 502, "closed the connection", Frame(GoAway, 0, 0, [0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0])),
        Of("GOAWAY in the middle of an answer", 200, "", stream => [.. Frame(Headers, EndHeaders, stream, s_ok), .. Frame(GoAway, 0, 0, [0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0]), .. Frame(Data, EndStream, stream, "rest"u8.ToArray())]),
        Of("GOAWAY too short", 502, "too short", _ => Frame(GoAway, 0, 0, [0, 0, 0, 1])),
        Of("reset instead of an answer", 502, "reset the stream", stream => Frame(Reset, 0, stream, Number(8))),
        Of("reset in the middle of an answer", Cut, "broke off", stream => [.. Part(stream), .. Frame(Reset, 0, stream, Number(2))]),
        Of("reset without an error, before the end", Cut, "broke off", stream => [.. Part(stream), .. Frame(Reset, 0, stream, Number(0))]),
        Closing("the end within a frame's head", 502, "closed the connection", [0, 0, 9, 1]),
        Closing("the end within a frame", 502, "closed the connection", Frame(Headers, EndHeaders, 1, s_ok)[..^2]),
        Of("silence", 504, "headers timeout", _ => []),
        Of("silence in the middle of an answer", Cut, "idle timeout", Part),

        // Fields.
        Flood("CONTINUATION without end", 502, "bytes of fields", stream => Frame(Headers, 0, stream, s_ok), stream => Frame(Continuation, 0, stream, Fields([.. Enumerable.Range(0, 100).Select(number => ("x-" + number, new string('v', 100)))])), 2_000),
        Flood("CONTINUATION of nothing without end", 502, "bytes of fields", stream => Frame(Headers, 0, stream, s_ok), stream => Frame(Continuation, 0, stream, []), 20_000),
        Of("a frame between HEADERS and CONTINUATION", 502, "within a field block", stream => [.. Frame(Headers, 0, stream, s_ok), .. Frame(Ping, 0, 0, new byte[8]), .. Frame(Continuation, EndHeaders, stream, [])]),
        Of("CONTINUATION of nothing", 502, "continuation of nothing", stream => Frame(Continuation, EndHeaders, stream, s_ok)),
        Of("a thousand fields in a thousand bytes", 502, "more than 256 fields", stream => Frame(Headers, EndHeaders, stream, [0x88, .. Enumerable.Repeat((byte)0x8f, 1000)])),
        Of("a text that unpacks beyond the limit", 502, "not well coded", Packed),
        Of("a text whose end is coded", 502, "not well coded", stream => Frame(Headers, EndHeaders, stream, [0x88, 0, 0x81, 0x1f, 0x84, 0xff, 0xff, 0xff, 0xff])),
        Of("an entry of a dynamic table", 502, "a table that does not exist", stream => Frame(Headers, EndHeaders, stream, [0x88, 0x40, 1, (byte)'x', 1, (byte)'y', 0xbe])),
        Of("entry zero", 502, "a table that does not exist", stream => Frame(Headers, EndHeaders, stream, [0x88, 0x80])),
        Of("a larger dynamic table", 502, "larger than we allow", stream => Frame(Headers, EndHeaders, stream, [0x3f, 0xe1, 0x1f, 0x88])),
        Of("a number without end", 502, "a number that is too large", stream => Frame(Headers, EndHeaders, stream, [0xff, .. Enumerable.Repeat((byte)0xff, 20)])),
        Of("a block that ends within a field", 502, "ends within", stream => Frame(Headers, EndHeaders, stream, [0x88, 0, 9, (byte)'x'])),
        Wrong("a line end in a value", "control characters", ("x-a", "b\r\nx-b: c")),
        Wrong("NUL in a value", "control characters", ("x-a", "b\0c")),
        Wrong("a line end in a name", "a valid name", ("x-a\r\nx-b", "c")),
        Wrong("a capital in a name", "a valid name", ("X-A", "b")),
        Wrong("an empty name", "a valid name", ("", "b")),
        Wrong("transfer-encoding", "a field of a connection", ("transfer-encoding", "chunked")),
        Wrong("connection", "a field of a connection", ("connection", "close")),
        Wrong("a second status", "no status", (":status", "204")),
        Wrong("a pseudo-header of requests", "no status", (":path", "/")),
        Wrong("a pseudo-header behind a field", "no status", ("x-a", "b"), (":status", "200")),
        Wrong("two lengths", "content-length", ("content-length", "3"), ("content-length", "4")),
        Wrong("a length with a sign", "content-length", ("content-length", "+3")),
        Of("no status", 502, "no status", stream => Frame(Headers, EndHeaders, stream, Fields(("x-a", "b")))),
        Of("a status of four digits", 502, "no status", stream => Frame(Headers, EndHeaders, stream, Fields((":status", "2000")))),
        Of("a status of letters", 502, "no status", stream => Frame(Headers, EndHeaders, stream, Fields((":status", "abc")))),
        Of("a switch of protocols", 502, "informational", stream => Frame(Headers, EndHeaders, stream, Fields((":status", "101")))),
        Flood("informational answers without end", 502, "informational", _ => [], stream => Frame(Headers, EndHeaders, stream, Fields((":status", "103"))), 20_000),
        Of("an informational answer as the last word", 502, "informational", stream => Frame(Headers, EndHeaders | EndStream, stream, Fields((":status", "103")))),

        // Bodies.
        Of("a body before its headers", 502, "before its headers", stream => Frame(Data, 0, stream, new byte[100])),
        Of("a body longer than announced", Cut, "longer than announced", stream => [.. Part(stream), .. Frame(Data, EndStream, stream, new byte[8])]),
        Of("a body shorter than announced", Cut, "shorter than announced", stream => [.. Part(stream), .. Frame(Data, EndStream, stream, [])]),
        Of("a body of an answer that has none", 204, "", stream => [.. Frame(Headers, EndHeaders, stream, [0x89]), .. Frame(Data, EndStream, stream, new byte[8])]),
        Of("trailers that are not the end", Cut, "broke off", stream => [.. Part(stream), .. Frame(Headers, EndHeaders, stream, Fields(("x-a", "b")))]),
        Of("a status in the trailers", Cut, "broke off", stream => [.. Part(stream), .. Frame(Headers, EndHeaders | EndStream, stream, s_ok)]),
        Of("a line end in the trailers", Cut, "broke off", stream => [.. Part(stream), .. Frame(Headers, EndHeaders | EndStream, stream, Fields(("x-a", "b\nc")))]),
        Of("more padding than frame", Cut, "padding", stream => [.. Part(stream), .. Frame(Data, Padded, stream, [200, 1, 2])]),

        // Streams and windows.
        Of("an answer twice, and a reset of it", 200, "", stream => [.. Http2WireUpstream.Answer(stream, "0"), .. Http2WireUpstream.Answer(stream, "1"), .. Frame(Reset, 0, stream, Number(0))]),
        Of("an answer to what nobody asked", 502, "that we did not open", _ => Frame(Headers, EndHeaders, 9_999, s_ok)),
        Of("data of a stream that nobody opened", 502, "that we did not open", _ => Frame(Data, 0, 9_999, new byte[8])),
        Of("an answer on a stream of the upstream's", 502, "that we did not open", _ => Frame(Headers, EndHeaders, 2, s_ok)),
        Of("a pushed answer", 502, "a push", stream => Frame(Push, EndHeaders, stream, [0, 0, 0, 2, .. Fields((":method", "GET"), (":path", "/"))])),
        Of("a window beyond its limit", 502, "too large", _ => [.. Frame(WindowUpdate, 0, 0, Number(0x7fffffff)), .. Frame(WindowUpdate, 0, 0, Number(0x7fffffff))]),
        Of("a stream's window beyond its limit", 502, "too large", stream => [.. Frame(WindowUpdate, 0, stream, Number(0x7fffffff)), .. Frame(WindowUpdate, 0, stream, Number(0x7fffffff))]),
        Of("a first window beyond its limit", 502, "too large", _ => Frame(Settings, 0, 0, Setting(4, 0x80000000))),
        Of("first windows that make an open one too large", 502, "too large", stream => [.. Frame(WindowUpdate, 0, stream, Number(0x7fff0000)), .. Frame(Settings, 0, 0, Setting(4, 0x7fffffff))]),
        Of("a window of nothing", 502, "a window of nothing", _ => Frame(WindowUpdate, 0, 0, Number(0))),
        Of("a window of three bytes", 502, "a window that is none", _ => Frame(WindowUpdate, 0, 0, [0, 0, 1])),
        Of("settings of five bytes", 502, "settings that are none", _ => Frame(Settings, 0, 0, [0, 4, 0, 0, 0])),
        Of("settings of a stream", 502, "settings that are none", stream => Frame(Settings, 0, stream, Setting(4, 100))),
        Of("frames of one byte", 502, "frame size", _ => Frame(Settings, 0, 0, Setting(5, 1))),
        Of("a ping of seven bytes", 502, "a ping that is none", _ => Frame(Ping, 0, 0, new byte[7])),
        Of("data of the connection", 502, "more data than we allowed", _ => Frame(Data, 0, 0, new byte[8])),
        Of("a reset of three bytes", 502, "a reset that is none", stream => Frame(Reset, 0, stream, [0, 0, 1])),
        Of("a frame that is too long", 502, "too long", stream => Frame(Data, 0, stream, new byte[(16 << 10) + 1])),
        Of("HTTP/1.1", 502, "", _ => "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"u8.ToArray()),

        // Frames without end.
        Flood("pings without end", 502, "frames without use", _ => [], _ => Frame(Ping, 0, 0, new byte[8]), 200_000),
        Flood("answers to pings without end", 502, "frames without use", _ => [], _ => Frame(Ping, Ack, 0, new byte[8]), 200_000),
        Flood("settings without end", 502, "frames without use", _ => [], _ => Frame(Settings, 0, 0, [.. Enumerable.Repeat(Setting(4, 100), 100).SelectMany(setting => setting)]), 50_000),
        Flood("empty data without end", Cut, "frames without use", Part, stream => Frame(Data, 0, stream, []), 200_000),
        Flood("windows without end", 502, "frames without use", _ => [], stream => Frame(WindowUpdate, 0, stream, Number(1)), 200_000),
        Flood("resets of streams that are over", 502, "frames without use", _ => [], _ => Frame(Reset, 0, 9_999, Number(8)), 200_000),
        Flood("priorities without end", 502, "frames without use", _ => [], _ => Frame(Priority, 0, 9_999, [0, 0, 0, 0, 9]), 200_000),
        Flood("frames of no known type", 502, "frames without use", _ => [], _ => Frame(77, 0, 0, new byte[1000]), 50_000),
        Flood("GOAWAY without end", 502, "frames without use", _ => [], _ => Frame(GoAway, 0, 0, [0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0]), 200_000),
    ];

    public override string ToString() => Name;

    private static HostileHttp2Case Of(string name, int status, string reason, Func<int, byte[]> bytes) => new(name, status, reason, (wire, stream) => wire.SendBytesAsync(bytes(stream)));

    private static HostileHttp2Case Wrong(string name, string problem, params (string, string)[] fields) =>
        Of(name, 502, problem, stream => Frame(Headers, EndHeaders, stream, Fields([(":status", "200"), .. fields])));

    private static HostileHttp2Case Closing(string name, int status, string reason, byte[] bytes) => new(name, status, reason, async (wire, _) =>
    {
        await wire.SendBytesAsync(bytes);
        wire.Socket.Shutdown(System.Net.Sockets.SocketShutdown.Both);
    });

    // In pieces of many frames, so that the flood is one; then waits for the end of the connection.
    private static HostileHttp2Case Flood(string name, int status, string reason, Func<int, byte[]> begin, Func<int, byte[]> frame, int frames) => new(name, status, reason, async (wire, stream) =>
    {
        await wire.SendBytesAsync(begin(stream));
        byte[] one = frame(stream);
        int perPiece = Math.Max(1, (64 << 10) / one.Length);
        int pieces = (frames + perPiece - 1) / perPiece;
        await wire.FloodAsync([.. Enumerable.Repeat(one, perPiece).SelectMany(bytes => bytes)], pieces);
        await wire.ReadUntilAsync(GoAway);
    });

    private static byte[] Part(int stream) => [.. Frame(Headers, EndHeaders, stream, Fields((":status", "200"), ("content-length", "5"))), .. Frame(Data, 0, stream, "par"u8.ToArray())];

    // 'a' has five bits: 00011. Eight of them are five bytes, and 75,000 of these 120,000 letters; in frames of at most 16 KiB.
    private static byte[] Packed(int stream)
    {
        const int codedBytes = 60_000;
        byte[] coded = [.. Enumerable.Range(0, codedBytes / 5).SelectMany(_ => (byte[])[0x18, 0xc6, 0x31, 0x8c, 0x63])];
        byte[][] fragments = [.. ((byte[])[0x88, 0, 1, (byte)'x', 0xff, 0xe1, 0xd3, 0x03, .. coded]).Chunk(16 << 10)];
        return [.. fragments.SelectMany((fragment, index) => Frame(index == 0 ? Headers : Continuation, index == fragments.Length - 1 ? EndHeaders : (byte)0, stream, fragment))];
    }
}
