// The static table of HPACK (RFC 7541, appendix A). There is no dynamic one: the gateway tells upstreams that its size is zero, and uses none
// itself, so no request can learn from the compression of another, and nothing has to be remembered.

namespace Bimetal.Gateway.Http2;

internal static class HpackTable
{
    private static readonly (byte[] Name, byte[] Value)[] s_entries = Make(
        ":authority", "", ":method", "GET", ":method", "POST", ":path", "/", ":path", "/index.html", ":scheme", "http", ":scheme", "https", ":status", "200", ":status", "204", ":status", "206",
        ":status", "304", ":status", "400", ":status", "404", ":status", "500", "accept-charset", "", "accept-encoding", "gzip, deflate", "accept-language", "", "accept-ranges", "", "accept", "",
        "access-control-allow-origin", "", "age", "", "allow", "", "authorization", "", "cache-control", "", "content-disposition", "", "content-encoding", "", "content-language", "", "content-length", "",
        "content-location", "", "content-range", "", "content-type", "", "cookie", "", "date", "", "etag", "", "expect", "", "expires", "", "from", "", "host", "", "if-match", "", "if-modified-since", "",
        "if-none-match", "", "if-range", "", "if-unmodified-since", "", "last-modified", "", "link", "", "location", "", "max-forwards", "", "proxy-authenticate", "", "proxy-authorization", "", "range", "",
        "referer", "", "refresh", "", "retry-after", "", "server", "", "set-cookie", "", "strict-transport-security", "", "transfer-encoding", "", "user-agent", "", "vary", "", "via", "", "www-authenticate", "");

    /// <summary>Number of the last entry; the first one is 1.</summary>
    public static int Last => s_entries.Length;

    public static (byte[] Name, byte[] Value) At(int index) => s_entries[index - 1];

    private static (byte[] Name, byte[] Value)[] Make(params string[] texts) =>
        [.. texts.Chunk(2).Select(pair => (System.Text.Encoding.ASCII.GetBytes(pair[0]), System.Text.Encoding.ASCII.GetBytes(pair[1])))];
}
