// Requests that break HTTP/1.1 on purpose: smuggling, header injection, nonsense. HOST, NUMBER and TOKEN (a valid one) are filled in. None may
// reach the upstream as something else than it was judged, and "/smuggled" may never reach it: it would be a request without a token.

namespace Bimetal.Gateway.Demo;

internal static class OnceAttacks
{
    private const string Head = " HTTP/1.1\r\nhost: HOST\r\nNUMBER\r\nauthorization: Bearer TOKEN\r\n";
    private const string Smuggled = "GET /smuggled HTTP/1.1\r\nhost: HOST\r\n\r\n";

    public static IReadOnlyList<(string Name, string Request)> All { get; } =
    [
        ("content-length and transfer-encoding", $"POST /a{Head}content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n{Smuggled}"),
        ("two content-lengths", $"POST /a{Head}content-length: 0\r\ncontent-length: 44\r\n\r\n{Smuggled}"),
        ("a list of content-lengths", $"POST /a{Head}content-length: 0, 44\r\n\r\n{Smuggled}"),
        ("a negative content-length", $"POST /a{Head}content-length: -1\r\n\r\n"),
        ("a content-length with a sign", $"POST /a{Head}content-length: +5\r\n\r\nabcde"),
        ("a content-length beyond 64 bits", $"POST /a{Head}content-length: 99999999999999999999\r\n\r\n"),
        ("an unknown transfer-encoding", $"POST /a{Head}transfer-encoding: xchunked\r\n\r\n0\r\n\r\n{Smuggled}"),
        ("chunked that is not last", $"POST /a{Head}transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n{Smuggled}"),
        ("transfer-encoding twice", $"POST /a{Head}transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n0\r\n\r\n{Smuggled}"),
        ("a space before the colon", $"POST /a{Head}transfer-encoding : chunked\r\n\r\n0\r\n\r\n{Smuggled}"),
        ("a folded field", $"GET /a{Head}x-folded: a\r\n b\r\n\r\n"),
        ("a field without a name", $"GET /a{Head}: value\r\n\r\n"),
        ("a field without a colon", $"GET /a{Head}nothing\r\n\r\n"),
        ("a NUL in a value", $"GET /a{Head}x-nul: a\0b\r\n\r\n"),
        ("a bare CR in a value", $"GET /a{Head}x-cr: a\rb\r\n\r\n"),
        ("lines that end in LF alone", "GET /a HTTP/1.1\nhost: HOST\nNUMBER\nauthorization: Bearer TOKEN\n\n"),
        ("no host", "GET /a HTTP/1.1\r\nNUMBER\r\n\r\n"),
        ("two hosts", $"GET /a{Head}host: other.test\r\n\r\n"),
        ("a target on another host", $"GET http://other.test/a{Head}\r\n"),
        ("a target with a fragment", $"GET /a#b{Head}\r\n"),
        ("a target with a backslash", $"GET /..\\a{Head}\r\n"),
        ("a target with a NUL", $"GET /a%00b{Head}\r\n"),
        ("a target that climbs out", $"GET /a/../../../etc/passwd{Head}\r\n"),
        ("an encoded target that climbs out", $"GET /a/%2e%2e/%2e%2e/etc/passwd{Head}\r\n"),
        ("a target with a broken escape", $"GET /a%zz{Head}\r\n"),
        ("a target without a slash", $"GET a{Head}\r\n"),
        ("a method with a space", $"GE T /a{Head}\r\n"),
        ("CONNECT", "CONNECT HOST:443 HTTP/1.1\r\nhost: HOST:443\r\nNUMBER\r\n\r\n"),
        ("a version that there is not", "GET /a HTTP/3.7\r\nhost: HOST\r\nNUMBER\r\n\r\n"),
        ("the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        ("a chunk size that is none", $"POST /a{Head}transfer-encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n"),
        ("a chunk size beyond 64 bits", $"POST /a{Head}transfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\nabc\r\n0\r\n\r\n"),
        ("a chunk longer than it says", $"POST /a{Head}transfer-encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n"),
        ("a target of 20 KB", $"GET /{new string('a', 20_000)}{Head}\r\n"),
        ("fields of 80 KB", $"GET /a{Head}x-long: {new string('a', 80_000)}\r\n\r\n"),
        ("300 fields", $"GET /a{Head}{string.Concat(Enumerable.Range(0, 300).Select(number => $"x-{number}: 1\r\n"))}\r\n"),
        ("a subject of the client's own", $"GET /a{Head}x-token-subject: admin\r\n\r\n"),
        ("a token that is nominated away", $"GET /a{Head}connection: authorization\r\n\r\n"),
        ("a token of 8 KB", $"GET /a HTTP/1.1\r\nhost: HOST\r\nNUMBER\r\nauthorization: Bearer {new string('A', 8_000)}.{new string('A', 43)}\r\n\r\n"),
        ("binary before the request", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 GET / HTTP/1.1\r\n\r\n"),
    ];
}
