// One entry of the corpus of request smuggling and header injection.

namespace Bimetal.Gateway.Tests.Support;

/// <param name="Name">What it is, as the documents call it.</param>
/// <param name="Sent">Bytes, as Latin-1.</param>
/// <param name="Statuses">What the client gets, in order; after the last one the connection closes unless <paramref name="StaysOpen"/>.</param>
/// <param name="Forwarded">What the upstream is asked: method and target of each request.</param>
internal sealed record SmugglingCase(string Name, string Sent, int[] Statuses, string[] Forwarded, bool StaysOpen = false)
{
    private const string Next = "GET /smuggled HTTP/1.1\r\nhost: t\r\n\r\n";

    /// <summary>The corpus. <c>/smuggled</c> must never be what an upstream is asked where nobody asked the gateway for it.</summary>
    public static IReadOnlyList<SmugglingCase> All { get; } =
    [
        // Two lengths.
        Refused("CL.TE", Post("content-length: 6\r\ntransfer-encoding: chunked\r\n", "0\r\n\r\nG" + Next)),
        Refused("TE.CL", Post("transfer-encoding: chunked\r\ncontent-length: 4\r\n", $"{Next.Length:x}\r\n{Next}\r\n0\r\n\r\n")),
        Refused("TE.TE, two codings", Post("transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n", "0\r\n\r\n" + Next)),
        Refused("TE.TE, the same twice", Post("transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n", "0\r\n\r\n" + Next)),
        Refused("TE list, chunked last", Post("transfer-encoding: gzip, chunked\r\n", "0\r\n\r\n" + Next)),
        Refused("TE list, chunked first", Post("transfer-encoding: chunked, identity\r\n", "0\r\n\r\n" + Next)),
        Refused("TE, a word like chunked", Post("transfer-encoding: xchunked\r\n", "0\r\n\r\n" + Next)),
        Refused("TE, quoted", Post("transfer-encoding: \"chunked\"\r\n", "0\r\n\r\n" + Next)),
        Refused("TE, a vertical tab before the word", Post("transfer-encoding: \vchunked\r\n", "0\r\n\r\n" + Next)),
        Refused("TE, a space before the colon", Post("transfer-encoding : chunked\r\n", "0\r\n\r\n" + Next)),
        Refused("TE behind a lone LF", Post("x: y\ntransfer-encoding: chunked\r\n", "0\r\n\r\n" + Next)),
        Refused("TE behind a lone CR", Post("x: y\rtransfer-encoding: chunked\r\n", "0\r\n\r\n" + Next)),
        Refused("TE in a folded field", Post("x: y\r\n transfer-encoding: chunked\r\n", "0\r\n\r\n" + Next)),
        Refused("TE folded itself", Post("transfer-encoding:\r\n chunked\r\n", "0\r\n\r\n" + Next)),
        Refused("TE with a length named in Connection", Post("transfer-encoding: chunked\r\ncontent-length: 3\r\nconnection: content-length\r\n", "0\r\n\r\n" + Next)),
        Refused("TE in HTTP/1.0", $"POST / HTTP/1.0\r\nhost: t\r\ntransfer-encoding: chunked\r\nconnection: keep-alive\r\n\r\n0\r\n\r\n{Next}"),
        Passed("TE in other letters", Post("TRANSFER-encoding: ChUnKeD\r\n", "3\r\nabc\r\n0\r\n\r\n"), "POST /"),
        Passed("TE named in Connection", Post("transfer-encoding: chunked\r\nconnection: transfer-encoding\r\n", "3\r\nabc\r\n0\r\n\r\n"), "POST /"),
        Refused("CL twice, different", Post("content-length: 0\r\ncontent-length: 33\r\n", Next)),
        Refused("CL twice, the same", Post("content-length: 3\r\ncontent-length: 3\r\n", "abc" + Next)),
        Refused("CL as a list", Post("content-length: 3, 3\r\n", "abc" + Next)),
        Refused("CL with a sign", Post("content-length: +3\r\n", "abc" + Next)),
        Refused("CL negative", Post("content-length: -1\r\n", Next)),
        Refused("CL hexadecimal", Post("content-length: 0x3\r\n", "abc" + Next)),
        Refused("CL with a space within", Post("content-length: 3 3\r\n", "abc" + Next)),
        Refused("CL beyond 64 bits", Post("content-length: 18446744073709551619\r\n", "abc" + Next)),
        Refused("CL empty", Post("content-length:\r\n", Next)),
        Refused("CL with letters behind", Post("content-length: 3a\r\n", "abc" + Next)),
        Passed("CL with leading zeros", Post("content-length: 0003\r\n", "abc"), "POST /"),
        Passed("CL named in Connection", Post("content-length: 3\r\nconnection: content-length\r\n", "abc"), "POST /"),
        Passed("CL with underscore is another field", Post("content_length: 33\r\ncontent-length: 3\r\n", "abc"), "POST /"),
        Passed("body on GET", "GET / HTTP/1.1\r\nhost: t\r\ncontent-length: 3\r\n\r\nabc", "GET /"),

        // Chunks.
        Refused("chunk size with a sign", Chunked("+3\r\nabc\r\n0\r\n\r\n" + Next), forwards: true),
        Refused("chunk size with 0x", Chunked("0x3\r\nabc\r\n0\r\n\r\n" + Next), forwards: true),
        Refused("chunk size with a space before", Chunked(" 3\r\nabc\r\n0\r\n\r\n" + Next), forwards: true),
        Refused("chunk size beyond 64 bits", Chunked("10000000000000003\r\nabc\r\n0\r\n\r\n" + Next), forwards: true),
        Refused("chunk size empty", Chunked("\r\nabc\r\n0\r\n\r\n" + Next), forwards: true),
        Refused("chunk size, lone LF", Chunked("3\nabc\r\n0\r\n\r\n" + Next), forwards: true),
        Refused("chunk data, lone LF", Chunked("3\r\nabc\n0\r\n\r\n" + Next), forwards: true),
        Refused("chunk data longer than its size", Chunked("3\r\nabcd\r\n0\r\n\r\n" + Next), forwards: true),
        Refused("chunk extension with a lone LF", Chunked("3;a\nb\r\nabc\r\n0\r\n\r\n" + Next), forwards: true),
        Refused("chunk extension with a lone CR", Chunked("3;a\rb\r\nabc\r\n0\r\n\r\n" + Next), forwards: true),
        Refused("chunk extension without end", Chunked("3;" + new string('a', 300) + "\r\nabc\r\n0\r\n\r\n" + Next), forwards: true),
        Passed("chunk extensions, dropped", Chunked("3;a=\"b\";c\r\nabc\r\n0;d\r\n\r\n"), "POST /"),
        Refused("last chunk, lone LF", Chunked("3\r\nabc\r\n0\n\n" + Next), forwards: true),
        Refused("trailer that is a length", Chunked("3\r\nabc\r\n0\r\ncontent-length: 33\r\n\r\n" + Next), forwards: true),
        Refused("trailer that is a coding", Chunked("3\r\nabc\r\n0\r\ntransfer-encoding: chunked\r\n\r\n" + Next), forwards: true),
        Refused("trailer folded", Chunked("3\r\nabc\r\n0\r\nx: y\r\n z\r\n\r\n" + Next), forwards: true),
        Passed("trailer", Chunked("3\r\nabc\r\n0\r\nx-sum: 7\r\n\r\n"), "POST /"),

        // Lines and fields.
        Refused("lone LF everywhere", "GET / HTTP/1.1\nhost: t\n\n" + Next),
        Refused("lone LF at the end", "GET / HTTP/1.1\r\nhost: t\r\n\n" + Next),
        Refused("folded field", Get("x: y\r\n z: w\r\n")),
        Refused("folded first line", "GET / HTTP/1.1\r\n host: t\r\n\r\n"),
        Refused("NUL in a value", Get("x: a\0b\r\n")),
        Refused("NUL in a name", Get("x\0y: a\r\n")),
        Refused("NUL in the target", "GET /a\0b HTTP/1.1\r\nhost: t\r\n\r\n"),
        Refused("lone CR in a value", Get("x: a\rb: c\r\n")),
        Refused("no colon", Get("xyz\r\n")),
        Refused("empty name", Get(": a\r\n")),
        Refused("space in a name", Get("x y: a\r\n")),
        Refused("host twice", Get("host: u\r\n")),
        Refused("host with a comma", "GET / HTTP/1.1\r\nhost: t, u\r\n\r\n"),
        Refused("host with a path", "GET / HTTP/1.1\r\nhost: t/u\r\n\r\n"),
        Refused("host with a user", "GET / HTTP/1.1\r\nhost: a@t\r\n\r\n"),
        Refused("host missing", "GET / HTTP/1.1\r\n\r\n"),
        Refused("host and target disagree", "GET http://u/ HTTP/1.1\r\nhost: t\r\n\r\n"),
        Passed("host named in Connection", Get("connection: host\r\n"), "GET /"),
        Passed("target names the host as well", "GET http://t/a HTTP/1.1\r\nhost: t\r\n\r\n", "GET /a"),

        // The request line.
        Refused("tabs in the request line", "GET\t/\tHTTP/1.1\r\nhost: t\r\n\r\n"),
        Refused("two spaces", "GET  / HTTP/1.1\r\nhost: t\r\n\r\n"),
        Refused("space in the target", "GET /a b HTTP/1.1\r\nhost: t\r\n\r\n"),
        Refused("no version", "GET /\r\nhost: t\r\n\r\n"),
        new("version 1.2", "GET / HTTP/1.2\r\nhost: t\r\n\r\n", [505], []),
        new("version 2.0 with a host", "GET / HTTP/2.0\r\nhost: t\r\n\r\n", [505], []),
        Refused("version in small letters", "GET / http/1.1\r\nhost: t\r\n\r\n"),
        Refused("method in small letters", "get / HTTP/1.1\r\nhost: t\r\n\r\n"),
        Refused("CONNECT", "CONNECT t:80 HTTP/1.1\r\nhost: t:80\r\n\r\n"),
        new("encoded slash and dots", "GET /a/..%2f..%2fb HTTP/1.1\r\nhost: t\r\n\r\n", [400], [], StaysOpen: true),
        new("encoded NUL", "GET /a%00b HTTP/1.1\r\nhost: t\r\n\r\n", [400], [], StaysOpen: true),
        new("backslash", "GET /a\\..\\b HTTP/1.1\r\nhost: t\r\n\r\n", [400], [], StaysOpen: true),
        new("fragment", "GET /a#b HTTP/1.1\r\nhost: t\r\n\r\n", [400], [], StaysOpen: true),
        Passed("dot segments, removed", "GET /a/./b/../c HTTP/1.1\r\nhost: t\r\n\r\n", "GET /a/c"),
        Passed("encoded line end, kept encoded", "GET /a%0d%0aX:%20y HTTP/1.1\r\nhost: t\r\n\r\n", "GET /a%0D%0AX:%20y"),
        Passed("an empty line before", "\r\nGET / HTTP/1.1\r\nhost: t\r\n\r\n", "GET /"),

        // More than one request.
        new("pipelined", Get("") + Get(""), [200, 200], ["GET /", "GET /"], StaysOpen: true),
        new("pipelined behind a body", Post("content-length: 3\r\n", "abc") + Get(""), [200, 200], ["POST /", "GET /"], StaysOpen: true),
        Passed("h2c upgrade, not passed on", Get("connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n"), "GET /"),
        Passed("Expect with a body that comes at once", Post("expect: 100-continue\r\ncontent-length: 3\r\n", "abc"), "POST /"),
        Passed("Expect of something else", Post("expect: 200-ok\r\ncontent-length: 3\r\n", "abc"), "POST /"),
    ];

    private static SmugglingCase Refused(string name, string sent, bool forwards = false) => new(name, sent, [400], forwards ? ["(cut off)"] : []);

    private static SmugglingCase Passed(string name, string sent, string forwarded) => new(name, sent, [200], [forwarded], StaysOpen: true);

    private static string Get(string fields) => $"GET / HTTP/1.1\r\nhost: t\r\n{fields}\r\n";

    private static string Post(string fields, string body) => $"POST / HTTP/1.1\r\nhost: t\r\n{fields}\r\n{body}";

    private static string Chunked(string body) => Post("transfer-encoding: chunked\r\n", body);
}
