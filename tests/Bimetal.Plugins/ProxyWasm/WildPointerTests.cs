// Every host call with pointers that lead outside of the guest's memory: a status, never a crash, never a byte of the host's.

using Bimetal.Plugins.Tests.Guests;

namespace Bimetal.Plugins.Tests.ProxyWasm;

public sealed class WildPointerTests
{
    private const string InvalidMemoryAccess = "=6";

    // W stands for a pointer that is wild, L for a length that is too long from any pointer.
    public static TheoryData<string> Calls =>
    [
        "proxy_log 2 W 1",
        "proxy_log 2 16 L",
        "proxy_get_log_level W",
        "proxy_get_current_time_nanoseconds W",
        """proxy_get_header_map_value 0 W 5 &s""",
        """proxy_get_header_map_value 0 16 L &s""",
        """proxy_get_header_map_value 0 ":path" W &i""",
        """proxy_get_header_map_value 0 ":path" &i W""",
        """proxy_add_header_map_value 0 W 1 "v" """,
        """proxy_add_header_map_value 0 "k" W 1""",
        """proxy_add_header_map_value 0 "k" 16 L""",
        """proxy_replace_header_map_value 0 W 1 "v" """,
        """proxy_replace_header_map_value 0 "k" W 1""",
        "proxy_remove_header_map_value 0 W 1",
        "proxy_get_header_map_pairs 0 W &i",
        "proxy_get_header_map_pairs 0 &i W",
        "proxy_set_header_map_pairs 0 W 9",
        "proxy_set_header_map_pairs 0 16 L",
        "proxy_get_header_map_size 0 W",
        "proxy_get_buffer_bytes 0 0 5 W &i",
        "proxy_get_buffer_bytes 0 0 5 &i W",
        "proxy_set_buffer_bytes 0 0 5 W 1",
        "proxy_set_buffer_bytes 0 0 5 16 L",
        "proxy_get_buffer_status 0 W &i",
        "proxy_get_buffer_status 0 &i W",
        "proxy_get_property W 4 &s",
        "proxy_get_property 16 L &s",
        """proxy_get_property "request\0path" W &i""",
        """proxy_get_property "request\0path" &i W""",
        """proxy_set_property W 1 "v" """,
        """proxy_set_property "mine" W 1""",
        """proxy_send_local_response 200 W 1 "" "" -1""",
        """proxy_send_local_response 200 "" W 1 "" -1""",
        """proxy_send_local_response 200 "" "" W 1 -1""",
        """proxy_send_local_response 200 "" 16 L "" -1""",
        """proxy_get_shared_data W 1 &s &i""",
        """proxy_get_shared_data "k" W &i &i""",
        """proxy_get_shared_data "k" &i W &i""",
        """proxy_get_shared_data "k" &s W""",
        """proxy_set_shared_data W 1 "v" 0""",
        """proxy_set_shared_data "k" W 1 0""",
        "proxy_register_shared_queue W 1 &i",
        """proxy_register_shared_queue "q" W""",
        """proxy_resolve_shared_queue W 1 "q" &i""",
        """proxy_resolve_shared_queue "" W 1 &i""",
        """proxy_resolve_shared_queue "" "q" W""",
        "proxy_enqueue_shared_queue 1 W 1",
        "proxy_dequeue_shared_queue 1 W &i",
        "proxy_dequeue_shared_queue 1 &i W",
        "proxy_define_metric 0 W 1 &i",
        """proxy_define_metric 0 "m" W""",
        "proxy_get_metric 1 W",
        "proxy_get_status W &s",
        "proxy_get_status &i W &i",
        "proxy_get_status &i &i W",
        """proxy_call_foreign_function W 1 "" &s""",
        """proxy_call_foreign_function "f" W 1 &s""",
        "proxy_get_configuration W &i",
        "proxy_get_configuration &i W",
    ];

    [Theory]
    [MemberData(nameof(Calls))]
    public async Task WildPointer_IsInvalidMemoryAccess(string call)
    {
        // What the call needs to get as far as its pointers: a body, a key, a queue with an item, a metric.
        const string Preparation = """proxy_set_shared_data "k" "v" 0; proxy_register_shared_queue "q" &i; proxy_enqueue_shared_queue 1 "item"; proxy_define_metric 1 "g" &i; """;
        string[] wild = ["0xffffffff", "0xfffffffc", "0x80000000", "0x01000000", "-3"];
        string script = string.Join("; ", wild.Select(pointer => call.Replace("W", pointer, StringComparison.Ordinal).Replace("L", "0xfffffff0", StringComparison.Ordinal)));
        await using var plugin = await ScriptPlugin.LoadAsync("configure: " + Preparation + "return 1\nrequest_body_end: " + script);
        plugin.Log.Clear();
        using var stream = plugin.Begin();
        stream.OnRequestHeaders(endOfStream: false);
        stream.RequestBody.TryAppend("12345"u8);
        int headerVersion = stream.View.Stream.RequestHeaders.Version;
        stream.OnRequestBody(endOfStream: true);
        Assert.Null(stream.Failure);
        Assert.Equal(wild.Length, plugin.Log.Lines.Length);
        Assert.All(plugin.Log.Lines, line => Assert.EndsWith(InvalidMemoryAccess, line, StringComparison.Ordinal));
        Assert.Equal(headerVersion, stream.View.Stream.RequestHeaders.Version);
        Assert.Equal("12345"u8.ToArray(), stream.RequestBody.Span.ToArray());
        Assert.Null(stream.LocalResponse);
    }

    [Fact]
    public async Task PointersAtTheVeryEnd_AreInside()
    {
        // Two pages at least: the last four bytes of the first are ordinary memory.
        await using var plugin = await ScriptPlugin.LoadAsync("request_headers: proxy_get_log_level 65532; proxy_log 2 65536 0");
        Assert.Equal(["proxy_get_log_level=0", "", "proxy_log=0"], plugin.RunRequestHeaders());
    }
}
