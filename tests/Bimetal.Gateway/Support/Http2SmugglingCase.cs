// One entry of the corpus of what a client can send over HTTP/2 so that HTTP/1.1 behind it would read something else, or to wear the gateway out.

using System.Text;
using static Bimetal.Gateway.Tests.Support.Http2Frame;
using static Bimetal.Gateway.Tests.Support.Http2Wire;

namespace Bimetal.Gateway.Tests.Support;

/// <param name="Name">What it is, as the documents call it.</param>
/// <param name="Send">Sends it on a connection whose preface was sent; gets a task that is done when an answer has come as a whole.</param>
/// <param name="Answers">What comes for it, in order: statuses, <see cref="Reset"/>, <see cref="Closed"/>; nothing: the connection goes on, and that is all.</param>
/// <param name="Forwarded">What the upstream is asked: method and target of each request; <see cref="CutOff"/>, or <see cref="AnyOfIt"/>: so many as were judged before the end, which counts alone.</param>
internal sealed record Http2SmugglingCase(string Name, Func<Http2Wire, Task, Task> Send, string[] Answers, string[] Forwarded)
{
    public const string CutOff = "(cut off)", AnyOfIt = "(any of it)";

    public const string Reset = "stream reset", Closed = "connection closed";

    private const string Smuggled = "GET /smuggled HTTP/1.1\r\nhost: t\r\n\r\n";

    public static IReadOnlyList<Http2SmugglingCase> All { get; } = [.. Fields(), .. Bodies(), .. Targets(), .. Frames(), .. Floods()];

    public bool IsAnsweredBy(List<string> answers) => Forwarded is [AnyOfIt] ? answers.Count > 0 && answers[^1] == Answers[^1] : answers.SequenceEqual(Answers);

    private static IEnumerable<Http2SmugglingCase> Fields() =>
    [
        Field("line end in a value", Closed, "x-a", "b\r\n\r\n" + Smuggled),
        Field("lone LF in a value", Closed, "x-a", "b\nx-b: c"),
        Field("lone CR in a value", Closed, "x-a", "b\rx-b: c"),
        Field("NUL in a value", Closed, "x-a", "b\0c"),
        Field("DEL in a value", "400", "x-a", "b\x7f" + "c"),
        Field("line end in a name", "400", "x-a: b\r\nx-b", "c"),
        Field("space in a name", "400", "x a", "b"),
        Field("colon in a name", "400", "x-a:", "b"),
        Field("NUL in a name", Closed, "x\0a", "b"),
        Field("empty name", Closed, "", "b"),
        Field("capital in a name", Closed, "X-A", "b"),
        Field("capital in transfer-encoding", Closed, "Transfer-Encoding", "chunked"),
        Field("transfer-encoding", "400", "transfer-encoding", "chunked"),
        Field("transfer-encoding behind a space", "400", "transfer-encoding ", "chunked"),
        Field("connection", Closed, "connection", "close"),
        Field("keep-alive", "400", "keep-alive", "timeout=5"),
        Field("proxy-connection", "400", "proxy-connection", "keep-alive"),
        Field("upgrade", "400", "upgrade", "h2c"),
        Field("te other than trailers", Closed, "te", "gzip"),
        Field("host with a line end beside :authority", Closed, "host", "t\r\nx: y"),
        Of("host other than :authority, dropped", ["200"], ["GET /"], wire => wire.SendHeadersAsync(1, isEnd: true, Request("GET", "/", ("host", "other")))),
        Of("cookies in pieces, joined", ["200"], ["GET /"], wire => wire.SendHeadersAsync(1, isEnd: true, Request("GET", "/", ("cookie", "a=1"), ("cookie", "b=2")))),
        Field("pseudo-header behind a field", Closed, ":path", "/smuggled"),
        Field("unknown pseudo-header", Closed, ":smuggled", "b"),
        Field("pseudo-header of answers", Closed, ":status", "200"),
        Pseudo("method twice", Closed, Request("GET", "/", (":method", "POST"))),
        Pseudo("path twice", Closed, Request("GET", "/", (":path", "/smuggled"))),
        Pseudo("scheme twice", Closed, Request("GET", "/", (":scheme", "http"))),
        Pseudo("authority twice", Closed, Request("GET", "/", (":authority", "other"))),
        Pseudo("no method", Reset, (":scheme", "http"), (":path", "/"), (":authority", "t")),
        Pseudo("no path", Reset, (":method", "GET"), (":scheme", "http"), (":authority", "t")),
        Pseudo("no scheme", Reset, (":method", "GET"), (":path", "/"), (":authority", "t")),
        Pseudo("no host at all", "400", (":method", "GET"), (":scheme", "http"), (":path", "/")),
        Pseudo("the scheme of another connection", Reset, (":method", "GET"), (":scheme", "https"), (":path", "/"), (":authority", "t")),
        Pseudo("scheme with a line end", Closed, (":method", "GET"), (":scheme", "http\r\nx: y"), (":path", "/"), (":authority", "t")),
        Pseudo("authority with a line end", Closed, (":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "t\r\nx: y")),
        Pseudo("authority with a user", Reset, (":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "a@t")),
        Pseudo("authority with a path", Reset, (":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "t/u")),
        Pseudo("authority with a comma", Reset, (":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "t, u")),
        Pseudo("method with a line", Closed, Request("GET /smuggled HTTP/1.1\r\nhost: t\r\n\r\nGET")),
        Pseudo("method with a space", Reset, Request("GET /a")),
        Pseudo("method in small letters", "400", Request("get")),
        Pseudo("CONNECT", "400", (":method", "CONNECT"), (":authority", "t:80")),
        Pseudo("extended CONNECT to HTTP/2 in clear text", "400", [.. Request("CONNECT"), (":protocol", "h2c")]),
        Pseudo("extended CONNECT to a protocol with a line end", Closed, [.. Request("CONNECT"), (":protocol", "websocket\r\n\r\n" + Smuggled)]),
        Pseudo("extended CONNECT that the upstream does not agree to", "502", [.. Request("CONNECT"), (":protocol", "websocket")]) with { Forwarded = ["GET /"] },
        Pseudo("protocol of another method", Reset, [.. Request(), (":protocol", "websocket")]),
        Pseudo("CONNECT with a path", Reset, Request("CONNECT")),
    ];

    private static IEnumerable<Http2SmugglingCase> Bodies() =>
    [
        Body("data beyond content-length", [Reset], "content-length: 3", "abc" + Smuggled),
        Body("data short of content-length", [Reset], "content-length: 50", "0\r\n\r\n" + Smuggled),
        Body("data with content-length 0", [Reset], "content-length: 0", Smuggled),
        Body("content-length with a sign", [Closed], "content-length: +3", "abc"),
        Body("content-length as a list", [Closed], "content-length: 3, 3", "abc"),
        Body("content-length in hexadecimal", [Closed], "content-length: 0x3", "abc"),
        Body("content-length beyond 64 bits", [Closed], "content-length: 18446744073709551619", "abc"),
        Body("content-length twice", [Closed], "content-length: 3\ncontent-length: 34", "abc" + Smuggled),
        Of("content-length without data", [Reset], [], wire => wire.SendHeadersAsync(1, isEnd: true, Request("POST", "/", ("content-length", "5")))),
        Of("body that looks like chunks, framed anew", ["200"], ["POST /"], async wire =>
        {
            await wire.SendHeadersAsync(1, isEnd: false, Request("POST"));
            await wire.SendAsync(Data, EndStream, 1, Encoding.ASCII.GetBytes("0\r\n\r\n" + Smuggled));
        }),
        Of("trailers that are lengths and codings, dropped", ["200"], ["POST /"], async wire =>
        {
            await wire.SendHeadersAsync(1, isEnd: false, Request("POST"));
            await wire.SendAsync(Data, 0, 1, "abc"u8.ToArray());
            await wire.SendHeadersAsync(1, isEnd: true, ("content-length", "50"), ("transfer-encoding", "chunked"));
        }),
        Of("pseudo-header in the trailers", [Closed], [CutOff], async wire =>
        {
            await wire.SendHeadersAsync(1, isEnd: false, Request("POST"));
            await wire.SendAsync(Data, 0, 1, "abc"u8.ToArray());
            await wire.SendHeadersAsync(1, isEnd: true, (":path", "/smuggled"));
        }),
        Of("trailers that are not the end", [Closed], [CutOff], async wire =>
        {
            await wire.SendHeadersAsync(1, isEnd: false, Request("POST"));
            await wire.SendHeadersAsync(1, isEnd: false, ("x-a", "b"));
        }),
        Of("reset in the middle of a body", [], [CutOff], async wire =>
        {
            await wire.SendHeadersAsync(1, isEnd: false, Request("POST", "/", ("content-length", "500")));
            await wire.SendAsync(Data, 0, 1, Encoding.ASCII.GetBytes(Smuggled));
            await wire.SendAsync(Http2Frame.Reset, 0, 1, Number(8));
        }),
    ];

    private static IEnumerable<Http2SmugglingCase> Targets() =>
    [
        Target("target with a whole request behind it", Closed, "/ HTTP/1.1\r\nhost: t\r\n\r\n" + Smuggled),
        Target("space in the target", "400", "/a b"),
        Target("tab in the target", "400", "/a\tb"),
        Target("NUL in the target", Closed, "/a\0b"),
        Target("line end in the target", Closed, "/a\r\nx:y"),
        Target("fragment", "400", "/a#b"),
        Target("backslash", "400", "/a\\..\\b"),
        Target("encoded NUL", Reset, "/a%00b"),
        Target("encoded slash and dots", "400", "/a/..%2f..%2fb"),
        Target("whole URL as the target", Reset, "http://u/smuggled"),
        Target("target without a slash", Reset, "smuggled"),
        Target("empty target", Reset, ""),
        Of("dot segments, removed", ["200"], ["GET /a/c"], wire => wire.SendHeadersAsync(1, isEnd: true, Request("GET", "/a/./b/../c"))),
        Of("encoded line end, kept encoded", ["200"], ["GET /a%0D%0AX:%20y"], wire => wire.SendHeadersAsync(1, isEnd: true, Request("GET", "/a%0d%0aX:%20y"))),
    ];

    private static IEnumerable<Http2SmugglingCase> Frames() =>
    [
        Of("data of a stream that is not open", [Closed], [], wire => wire.SendAsync(Data, EndStream, 1, "abc"u8.ToArray())),
        Of("data behind the end", ["200", Closed], ["GET /"], async (wire, answered) =>
        {
            await wire.SendHeadersAsync(1, isEnd: true, Request());
            await answered;
            await wire.SendAsync(Data, EndStream, 1, Encoding.ASCII.GetBytes(Smuggled));
        }),
        Of("stream zero", [Closed], [], wire => wire.SendHeadersAsync(0, isEnd: true, Request())),
        Of("stream of the server's", [Closed], [], wire => wire.SendHeadersAsync(2, isEnd: true, Request())),
        Of("stream that goes back", ["200", Closed], ["GET /"], async (wire, answered) =>
        {
            await wire.SendHeadersAsync(5, isEnd: true, Request());
            await answered;
            await wire.SendHeadersAsync(3, isEnd: true, Request("GET", "/smuggled"));
        }),
        Of("stream that waits for itself", [Closed], [], wire => wire.SendAsync(Priority, 0, 1, [0, 0, 0, 1, 9])),
        Of("CONTINUATION of nothing", [Closed], [], wire => wire.SendAsync(Continuation, EndHeaders, 1, Http2Wire.Fields(Request()))),
        Of("a frame between HEADERS and CONTINUATION", [Closed], [], async wire =>
        {
            await wire.SendAsync(Headers, EndStream, 1, Http2Wire.Fields(Request()));
            await wire.SendHeadersAsync(3, isEnd: true, Request("GET", "/smuggled"));
        }),
        Of("a frame that is too long", [Closed], [], wire => wire.SendAsync(Headers, EndHeaders | EndStream, 1, [.. Http2Wire.Fields(Request()), .. new byte[17 << 10]])),
        Of("more padding than frame", [Closed], [], wire => wire.SendAsync(Headers, EndHeaders | EndStream | Padded, 1, [255, .. Http2Wire.Fields(Request())])),
        Of("reset of a stream that is not open", [Closed], [], wire => wire.SendAsync(Http2Frame.Reset, 0, 1, Number(8))),
        Of("window of nothing", [Closed], [], wire => wire.SendAsync(WindowUpdate, 0, 0, Number(0))),
        Of("window beyond its limit", [Closed], [], wire => wire.SendAsync(WindowUpdate, 0, 0, Number(0x7fffffff))),
        Of("first window beyond its limit", [Closed], [], wire => wire.SendAsync(Settings, 0, 0, Setting(4, 0x80000000))),
        Of("frames of one byte", [Closed], [], wire => wire.SendAsync(Settings, 0, 0, Setting(5, 1))),
        Of("push that is neither on nor off", [Closed], [], wire => wire.SendAsync(Settings, 0, 0, Setting(2, 2))),
        Of("settings of five bytes", [Closed], [], wire => wire.SendAsync(Settings, 0, 0, [0, 4, 0, 0, 0])),
        Of("acknowledged settings with a payload", [Closed], [], wire => wire.SendAsync(Settings, Ack, 0, Setting(4, 100))),
        Of("ping of seven bytes", [Closed], [], wire => wire.SendAsync(Ping, 0, 0, new byte[7])),
        Of("pushed request", [Closed], [], wire => wire.SendAsync(Push, EndHeaders, 1, [0, 0, 0, 2, .. Http2Wire.Fields(Request("GET", "/smuggled"))])),
        Of("GOAWAY of a stream", [Closed], [], wire => wire.SendAsync(GoAway, 0, 1, new byte[8])),
        Of("frame of no known type, dropped", ["200"], ["GET /"], async wire =>
        {
            await wire.SendAsync(77, 0, 0, Encoding.ASCII.GetBytes(Smuggled));
            await wire.SendHeadersAsync(1, isEnd: true, Request());
        }),
        Of("HTTP/1.1 behind the preface", [Closed], [], wire => wire.SendBytesAsync(Encoding.ASCII.GetBytes(Smuggled + Smuggled))),
        Of("entry of the table that is not there", [Closed], [], wire => wire.SendAsync(Headers, EndHeaders | EndStream, 1, [.. Http2Wire.Fields(Request()), 0xff, 0x20])),
        Of("entry zero", [Closed], [], wire => wire.SendAsync(Headers, EndHeaders | EndStream, 1, [.. Http2Wire.Fields(Request()), 0x80])),
        Of("table beyond its limit", [Closed], [], wire => wire.SendAsync(Headers, EndHeaders | EndStream, 1, [0x3f, 0xe2, 0xff, 0x03, .. Http2Wire.Fields(Request())])),
        Of("number without end", [Closed], [], wire => wire.SendAsync(Headers, EndHeaders | EndStream, 1, [.. Http2Wire.Fields(Request()), .. Enumerable.Repeat((byte)0xff, 20)])),
        Of("block that ends within a field", [Closed], [], wire => wire.SendAsync(Headers, EndHeaders | EndStream, 1, [.. Http2Wire.Fields(Request()), 0, 9, (byte)'x'])),
        Of("text whose end is coded", [Closed], [], wire => wire.SendAsync(Headers, EndHeaders | EndStream, 1, [.. Http2Wire.Fields(Request()), 0, 1, (byte)'x', 0x84, 0xff, 0xff, 0xff, 0xff])),
        Of("field list beyond its limit", [Closed], [], async wire =>
        {
            await wire.SendAsync(Headers, EndStream, 1, Http2Wire.Fields(Request()));
            await wire.FloodAsync(Frame(Continuation, 0, 1, Http2Wire.Fields(("x", new string('v', 16_000)))), 8);
        }),
        Of("one field of the table, thousands of times", [Closed], [], async wire =>
        {
            // 4,000 bytes enter the dynamic table, and each byte behind them stands for them again: 16 KiB are 60 MB.
            byte[] entry = [0x40, .. Http2Wire.Fields(("x", new string('v', 4000)))[1..]];
            await wire.SendAsync(Headers, EndHeaders | EndStream, 1, [.. Http2Wire.Fields(Request()), .. entry, .. Enumerable.Repeat((byte)0xbe, 12_000)]);
        }),
    ];

    private static IEnumerable<Http2SmugglingCase> Floods() =>
    [
        Of("rapid reset", [Closed], [AnyOfIt], async wire =>
        {
            byte[] one = Http2Wire.Fields(Request());
            try
            {
                for (int stream = 1; stream < 40_000; stream += 2) await wire.SendBytesAsync([.. Frame(Headers, EndHeaders | EndStream, stream, one), .. Frame(Http2Frame.Reset, 0, stream, Number(8))]);
            }
            catch (IOException)
            {
                // It has had enough.
            }
        }),
        Of("rapid reset by wrong frames", [Closed], [AnyOfIt], async wire =>
        {
            // The gateway resets each stream itself, because of a window of nothing.
            byte[] one = Http2Wire.Fields(Request("POST"));
            try
            {
                for (int stream = 1; stream < 40_000; stream += 2) await wire.SendBytesAsync([.. Frame(Headers, EndHeaders, stream, one), .. Frame(WindowUpdate, 0, stream, Number(0))]);
            }
            catch (IOException)
            {
                // It has had enough.
            }
        }),
        Of("streams beyond the limit, without end", [Closed], [AnyOfIt], async wire =>
        {
            byte[] one = Http2Wire.Fields(Request("POST"));
            try
            {
                for (int stream = 1; stream < 40_000; stream += 2) await wire.SendBytesAsync(Frame(Headers, EndHeaders, stream, one));
            }
            catch (IOException)
            {
                // It has had enough.
            }
        }),
        Flood("CONTINUATION without end", [Closed], Frame(Headers, EndStream, 1, Http2Wire.Fields(Request())), Frame(Continuation, 0, 1, Http2Wire.Fields([.. Enumerable.Range(0, 100).Select(number => ("x-" + number, new string('v', 100)))])), 5_000),
        Flood("CONTINUATION of nothing, without end", [Closed], Frame(Headers, EndStream, 1, Http2Wire.Fields(Request())), Frame(Continuation, 0, 1, []), 200_000),
        Flood("settings without end", [], [], Frame(Settings, 0, 0, Setting(4, 65535)), 50_000),
        Flood("pings without end", [], [], Frame(Ping, 0, 0, new byte[8]), 100_000),
        Flood("priorities without end", [], [], Frame(Priority, 0, 9_999, [0, 0, 0, 0, 9]), 100_000),
        Flood("frames of no known type, without end", [], [], Frame(77, 0, 0, new byte[1000]), 20_000),
        Flood("windows without end", [Closed], [], Frame(WindowUpdate, 0, 0, Number(0x10000)), 100_000),
        Flood("GOAWAY without end", [Closed], [], Frame(GoAway, 0, 0, new byte[8]), 100_000),
        Flood("empty data without end", [], Frame(Headers, EndHeaders, 1, Http2Wire.Fields(Request("POST"))), Frame(Data, 0, 1, []), 100_000) with { Forwarded = [CutOff] },
    ];

    private static Http2SmugglingCase Of(string name, string[] answers, string[] forwarded, Func<Http2Wire, Task> send) => new(name, (wire, _) => send(wire), answers, forwarded);

    private static Http2SmugglingCase Of(string name, string[] answers, string[] forwarded, Func<Http2Wire, Task, Task> send) => new(name, send, answers, forwarded);

    private static Http2SmugglingCase Field(string name, string answer, string field, string value) => Of(name, [answer], [], wire => wire.SendHeadersAsync(1, isEnd: true, Request("GET", "/", (field, value))));

    private static Http2SmugglingCase Pseudo(string name, string answer, params (string, string)[] fields) => Of(name, [answer], [], wire => wire.SendHeadersAsync(1, isEnd: true, fields));

    private static Http2SmugglingCase Target(string name, string answer, string target) => Of(name, [answer], [], wire => wire.SendHeadersAsync(1, isEnd: true, Request("GET", target)));

    private static Http2SmugglingCase Body(string name, string[] answers, string lengths, string body) => Of(name, answers, [CutOff], async wire =>
    {
        var fields = lengths.Split('\n').Select(line => line.Split(": ")).Select(pair => (pair[0], pair[1]));
        await wire.SendHeadersAsync(1, isEnd: false, Request("POST", "/", [.. fields]));
        await wire.SendAsync(Data, EndStream, 1, Encoding.ASCII.GetBytes(body));
    });

    // In pieces of many frames, so that the flood is one. The test reads what comes for it meanwhile.
    private static Http2SmugglingCase Flood(string name, string[] answers, byte[] begin, byte[] frame, int frames) => Of(name, answers, [], async wire =>
    {
        await wire.SendBytesAsync(begin);
        int perPiece = Math.Max(1, (16 << 10) / frame.Length);
        await wire.FloodAsync([.. Enumerable.Repeat(frame, perPiece).SelectMany(bytes => bytes)], frames / perPiece);
    });
}
