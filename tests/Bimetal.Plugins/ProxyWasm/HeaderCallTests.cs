// The header map calls, made by a guest.

using Bimetal.Plugins.Streams;
using Bimetal.Plugins.Tests.Guests;
using Bimetal.Plugins.Tests.Streams;

namespace Bimetal.Plugins.Tests.ProxyWasm;

public sealed class HeaderCallTests
{
    [Fact]
    public async Task GetValue_FindsTheFirstAndSaysWhenThereIsNone()
    {
        await using var plugin = await ScriptPlugin.LoadAsync(
            """request_headers: proxy_get_header_map_value 0 "X-A" &s; proxy_get_header_map_value 0 ":path" &s; proxy_get_header_map_value 0 "none" &s; proxy_get_header_map_value 0 "x-empty" &s""");
        Assert.Equal(
            ["proxy_get_header_map_value=0 first", "proxy_get_header_map_value=0 /a/b?q=1", "proxy_get_header_map_value=1", "proxy_get_header_map_value=0 (none)"],
            plugin.RunRequestHeaders(Headers.Request(("x-a", "first"), ("x-a", "second"), ("x-empty", ""))));
    }

    [Fact]
    public async Task Changes_ArriveInTheMap()
    {
        await using var plugin = await ScriptPlugin.LoadAsync(
            """request_headers: proxy_add_header_map_value 0 "X-New" "1"; proxy_add_header_map_value 0 "x-new" "2"; proxy_replace_header_map_value 0 "x-old" "changed"; proxy_remove_header_map_value 0 "x-gone"; proxy_remove_header_map_value 0 "x-absent"; proxy_replace_header_map_value 0 ":path" "/elsewhere" """);
        var stream = Headers.Request(("x-old", "1"), ("x-gone", "1"), ("x-old", "2"));
        Assert.All(plugin.RunRequestHeaders(stream), line => Assert.EndsWith("=0", line, StringComparison.Ordinal));
        Assert.Equal([":method=GET", ":path=/elsewhere", ":authority=example.test", ":scheme=http", "x-old=changed", "x-new=1", "x-new=2"], stream.RequestHeaders.Lines());
    }

    [Theory]
    [InlineData("""proxy_add_header_map_value 0 "x" "a\r\nset-cookie: b" """)]
    [InlineData("""proxy_add_header_map_value 0 "x" "a\nb" """)]
    [InlineData("""proxy_add_header_map_value 0 "x" "a\0b" """)]
    [InlineData("""proxy_replace_header_map_value 0 "x y" "a" """)]
    [InlineData("""proxy_replace_header_map_value 0 "" "a" """)]
    [InlineData("""proxy_replace_header_map_value 0 "x\r\ny" "a" """)]
    [InlineData("""proxy_replace_header_map_value 0 ":path" "no slash" """)]
    [InlineData("""proxy_replace_header_map_value 0 ":status" "200" """)]
    [InlineData("""proxy_remove_header_map_value 0 ":method" """)]
    [InlineData("""proxy_add_header_map_value 8 "x" "1" """)]
    [InlineData("""proxy_add_header_map_value -1 "x" "1" """)]
    [InlineData("""proxy_add_header_map_value 2 "x" "1" """)]
    [InlineData("""proxy_add_header_map_value 4 "x" "1" """)]
    [InlineData("""proxy_get_header_map_value 8 "x" &s""")]
    [InlineData("""proxy_get_header_map_pairs 8 &b""")]
    [InlineData("""proxy_get_header_map_size 8 &i""")]
    [InlineData("""proxy_set_header_map_pairs 0 "\x01\0\0\0" """)]
    [InlineData("""proxy_set_header_map_pairs 8 "" """)]
    public async Task BadArguments_AreRefused_AndChangeNothing(string call)
    {
        await using var plugin = await ScriptPlugin.LoadAsync("request_headers: " + call);
        var stream = Headers.Request();
        string[] before = stream.RequestHeaders.Lines();
        Assert.EndsWith("=2", Assert.Single(plugin.RunRequestHeaders(stream)), StringComparison.Ordinal);
        Assert.Equal(before, stream.RequestHeaders.Lines());
    }

    [Fact]
    public async Task Pairs_AreTheWholeMap()
    {
        await using var plugin = await ScriptPlugin.LoadAsync("response_headers: proxy_get_header_map_pairs 2 &b; proxy_get_header_map_size 2 &i");
        var stream = Headers.Request();
        Headers.Fill(stream.ResponseHeaders, ("a", "1"), ("b", "22"));
        using var pluginStream = plugin.Begin(stream);
        pluginStream.OnResponseHeaders(endOfStream: true);
        Assert.Equal(
            ["proxy_get_header_map_pairs=0 0200000001000000010000000100000002000000" + "61003100" + "6200323200", "proxy_get_header_map_size=0 29"],
            plugin.Log.Lines);
    }

    [Fact]
    public async Task SetPairs_ReplacesTheMap()
    {
        await using var plugin = await ScriptPlugin.LoadAsync(
            """response_headers: proxy_set_header_map_pairs 2 "\x01\0\0\0\x03\0\0\0\x01\0\0\0x-n\01\0" """);
        var stream = Headers.Request();
        Headers.Fill(stream.ResponseHeaders, (":status", "200"), ("b", "22"));
        using var pluginStream = plugin.Begin(stream);
        pluginStream.OnResponseHeaders(endOfStream: true);
        Assert.Null(pluginStream.Failure);
        Assert.Equal([":status=200", "x-n=1"], stream.ResponseHeaders.Lines());
    }

    [Fact]
    public async Task EveryMap_IsReachedInItsCallback()
    {
        await using var plugin = await ScriptPlugin.LoadAsync(
            """
            request_headers: proxy_add_header_map_value 0 "x" "0"
            request_trailers: proxy_add_header_map_value 1 "x" "1"
            response_headers: proxy_add_header_map_value 2 "x" "2"
            response_trailers: proxy_add_header_map_value 3 "x" "3"
            log: proxy_get_header_map_value 0 "x" &s; proxy_get_header_map_value 1 "x" &s; proxy_get_header_map_value 2 "x" &s; proxy_get_header_map_value 3 "x" &s; proxy_add_header_map_value 2 "x" "late"
            """);
        using var stream = plugin.Begin();
        stream.OnRequestHeaders(endOfStream: false);
        stream.OnRequestTrailers();
        stream.OnResponseHeaders(endOfStream: false);
        stream.OnResponseTrailers();
        plugin.Log.Clear();
        stream.OnLog();
        Assert.Equal(
            ["proxy_get_header_map_value=0 0", "proxy_get_header_map_value=0 1", "proxy_get_header_map_value=0 2", "proxy_get_header_map_value=0 3", "proxy_add_header_map_value=2"],
            plugin.Log.Lines);
    }

    [Fact]
    public async Task HeadersThatWerePassedOn_AreReadOnly()
    {
        await using var plugin = await ScriptPlugin.LoadAsync("""response_headers: proxy_add_header_map_value 0 "x" "late"; proxy_get_header_map_value 0 ":path" &s""");
        using var stream = plugin.Begin();
        stream.OnRequestHeaders(endOfStream: true);
        stream.OnResponseHeaders(endOfStream: true);
        Assert.Equal(["proxy_add_header_map_value=2", "proxy_get_header_map_value=0 /a/b?q=1"], plugin.Log.Lines);
    }
}
