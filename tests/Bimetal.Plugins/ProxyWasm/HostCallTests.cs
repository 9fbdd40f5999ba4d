// The other host calls: local responses, properties, log, clocks, shared state, and those of ABI 0.1.0.

using System.Net;
using Bimetal.Plugins.Streams;
using Bimetal.Plugins.Tests.Guests;
using Bimetal.Plugins.Tests.Streams;
using Bimetal.Testing;

namespace Bimetal.Plugins.Tests.ProxyWasm;

public sealed class HostCallTests
{
    [Fact]
    public async Task LocalResponse_FirstOneWins()
    {
        await using var plugin = await ScriptPlugin.LoadAsync(
            """request_headers: proxy_send_local_response 403 "details" "no" "\x01\0\0\0\x03\0\0\0\x01\0\0\0X-R\01\0" -1; proxy_send_local_response 200 "" "yes" "" -1; return 0""");
        using var stream = plugin.Begin();
        Assert.Equal(FilterAction.Pause, stream.OnRequestHeaders(endOfStream: true));
        Assert.Equal(403, stream.LocalResponse!.Status);
        Assert.Equal("no"u8.ToArray(), stream.LocalResponse.Body.ToArray());
        Assert.Equal(["x-r=1"], stream.LocalResponse.Headers.Lines());
        Assert.Equal(-1, stream.LocalResponse.GrpcStatus);
        Assert.Equal(["proxy_send_local_response=0", "proxy_send_local_response=0"], plugin.Log.Lines);
    }

    [Theory]
    [InlineData("""proxy_send_local_response 100 "" "" "" -1""")]
    [InlineData("""proxy_send_local_response 600 "" "" "" -1""")]
    [InlineData("""proxy_send_local_response -1 "" "" "" -1""")]
    [InlineData("""proxy_send_local_response 200 "" "" "\x01\0\0\0\x01\0\0\0\x01\0\0\0x\0\n\0" -1""")]
    [InlineData("""proxy_send_local_response 200 "" "" "\x01\0\0\0\x07\0\0\0\x03\0\0\0:status\0200\0" -1""")]
    [InlineData("""proxy_send_local_response 200 "" "" "garbage" -1""")]
    public async Task LocalResponse_ThatIsMalformed_IsRefused(string call)
    {
        await using var plugin = await ScriptPlugin.LoadAsync("request_headers: " + call);
        using var stream = plugin.Begin();
        Assert.Equal(FilterAction.Continue, stream.OnRequestHeaders(endOfStream: true));
        Assert.Null(stream.LocalResponse);
        Assert.Equal(["proxy_send_local_response=2"], plugin.Log.Lines);
    }

    [Fact]
    public async Task Properties_AreReadAndSet()
    {
        await using var plugin = await ScriptPlugin.LoadAsync(
            """request_headers: proxy_get_property "request\0path" &s; proxy_get_property "request\0method" &s; proxy_get_property "source\0address" &s; proxy_get_property "source\0port" &b; proxy_get_property "plugin_name" &s; proxy_get_property "nothing" &s; proxy_set_property "mine\0x" "set"; proxy_get_property "mine\0x" &s; proxy_set_property "request\0path" "/"; proxy_get_property "" &s""");
        var stream = Headers.Request();
        stream.Source = new IPEndPoint(IPAddress.Loopback, 258);
        Assert.Equal(
            [
                "proxy_get_property=0 /a/b?q=1", "proxy_get_property=0 GET", "proxy_get_property=0 127.0.0.1:258", "proxy_get_property=0 0201000000000000",
                "proxy_get_property=0 script", "proxy_get_property=1", "proxy_set_property=0", "proxy_get_property=0 set", "proxy_set_property=2", "proxy_get_property=1",
            ],
            plugin.RunRequestHeaders(stream));
    }

    [Fact]
    public async Task Log_KeepsLevels_AndDropsWhatIsBelowTheSinks()
    {
        var log = new TestLog { MinimumLevel = PluginLogLevel.Info };
        await using var plugin = await ScriptPlugin.LoadAsync(
            """request_headers: proxy_log 1 "quiet"; proxy_log 3 "careful"; proxy_log 6 "unknown"; proxy_get_log_level &i""", log: log);
        Assert.Equal(["proxy_log=0", "proxy_log=0", "proxy_log=2", "proxy_get_log_level=0 2"], plugin.RunRequestHeaders());
        Assert.Equal(["careful"], log.LinesAt(PluginLogLevel.Warn));
        Assert.Empty(log.LinesAt(PluginLogLevel.Debug));
    }

    [Fact]
    public async Task Print_BecomesALogLine()
    {
        await using var plugin = await ScriptPlugin.LoadAsync("""request_headers: print "two\nlines"; print " of text" """);
        Assert.Equal(["two", "lines of text"], plugin.RunRequestHeaders());
    }

    [Fact]
    public async Task Print_OfEndlessLineEnds_MakesFewLogLines()
    {
        string lineEnds = string.Concat(Enumerable.Repeat("\\n", 5000));
        await using var plugin = await ScriptPlugin.LoadAsync($"""request_headers: print "{lineEnds}" """);
        Assert.Equal(1025, plugin.RunRequestHeaders().Length);
        Assert.Equal(1025, plugin.RunRequestHeaders().Length);
    }

    [Fact]
    public async Task Clocks_AreTheHosts()
    {
        var time = new VirtualTime(DateTimeOffset.UnixEpoch.AddSeconds(1000));
        await using var plugin = await ScriptPlugin.LoadAsync("request_headers: proxy_get_current_time_nanoseconds &l; now", time: time);
        Assert.Equal(["proxy_get_current_time_nanoseconds=0 1000000000000", "now=0 1000000000000"], plugin.RunRequestHeaders());
    }

    [Fact]
    public async Task SharedState_IsSharedByInstances()
    {
        await using var plugin = await ScriptPlugin.LoadAsync(
            """request_headers: proxy_get_shared_data "k" &s &i; proxy_set_shared_data "k" "v" 0; proxy_set_shared_data "k" "v" 77; proxy_register_shared_queue "q" &i; proxy_resolve_shared_queue "" "q" &i; proxy_resolve_shared_queue "other" "q" &i; proxy_dequeue_shared_queue 1 &s; proxy_enqueue_shared_queue 1 "item"; proxy_enqueue_shared_queue 2 "item" """,
            InstancePolicy.PerRequest);
        Assert.Equal(
            [
                "proxy_get_shared_data=1", "proxy_set_shared_data=0", "proxy_set_shared_data=8", "proxy_register_shared_queue=0 1",
                "proxy_resolve_shared_queue=0 1", "proxy_resolve_shared_queue=1", "proxy_dequeue_shared_queue=7", "proxy_enqueue_shared_queue=0", "proxy_enqueue_shared_queue=1",
            ],
            plugin.RunRequestHeaders());
        string[] again = plugin.RunRequestHeaders();
        Assert.Equal("proxy_get_shared_data=0 v 1", again[0]);
        Assert.Equal("proxy_dequeue_shared_queue=0 item", again[6]);
    }

    [Fact]
    public async Task Metrics_AreCounted()
    {
        // "metric" is proxy_record_metric, then proxy_increment_metric, and says both statuses.
        await using var plugin = await ScriptPlugin.LoadAsync(
            """request_headers: proxy_define_metric 1 "g" &i; metric 1 5 -2; proxy_get_metric 1 &l; proxy_define_metric 3 "x" &i; proxy_get_metric 9 &l; metric 9 1 1""");
        Assert.Equal(
            ["proxy_define_metric=0 1", "metric=0,0", "proxy_get_metric=0 3", "proxy_define_metric=2", "proxy_get_metric=1", "metric=1,1"],
            plugin.RunRequestHeaders());
    }

    [Fact]
    public async Task GrpcCallouts_AreUnimplemented()
    {
        // Answers with 200 and a one for each function that says 12.
        string file = Guest.FromWat("grpc.wasm", """
            (module
              (import "env" "proxy_grpc_call" (func $call (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
              (import "env" "proxy_grpc_stream" (func $stream (param i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
              (import "env" "proxy_grpc_send" (func $send (param i32 i32 i32 i32) (result i32)))
              (import "env" "proxy_grpc_cancel" (func $cancel (param i32) (result i32)))
              (import "env" "proxy_grpc_close" (func $close (param i32) (result i32)))
              (import "env" "proxy_send_local_response" (func $answer (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
              (memory (export "memory") 1)
              (func $one (param i32) (result i32) (i32.eq (local.get 0) (i32.const 12)))
              (func (export "proxy_abi_version_0_2_1"))
              (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) (local $count i32)
                (local.set $count (i32.add (i32.const 200) (call $one (call $call (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
                  (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)))))
                (local.set $count (i32.add (local.get $count) (call $one (call $stream (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
                  (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)))))
                (local.set $count (i32.add (local.get $count) (call $one (call $send (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0)))))
                (local.set $count (i32.add (local.get $count) (call $one (call $cancel (i32.const 1)))))
                (local.set $count (i32.add (local.get $count) (call $one (call $close (i32.const 1)))))
                (drop (call $answer (local.get $count) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const -1)))
                (i32.const 1)))
            """);
        await using var plugin = await ScriptPlugin.LoadAsync("", bundle: file);
        using var stream = plugin.Begin();
        stream.OnRequestHeaders(endOfStream: true);
        Assert.Equal(205, stream.LocalResponse?.Status);
    }

    [Fact]
    public async Task FunctionsWithoutAnImplementation_SayTheirStatus()
    {
        await using var plugin = await ScriptPlugin.LoadAsync(
            """request_headers: proxy_http_call "u" "" "" "" 100 &i; proxy_grpc_cancel 1; proxy_call_foreign_function "f" "" &s; proxy_get_status &i &s; proxy_done; proxy_set_effective_context 99; proxy_set_effective_context 1; proxy_get_property "request\0path" &s; proxy_clear_route_cache; pthread_equal 3 3; pthread_equal 3 4""");
        Assert.Equal(
            [
                "proxy_http_call=2", "proxy_grpc_cancel=12", "proxy_call_foreign_function=1", "proxy_get_status=0 0 (none)", "proxy_done=1",
                "proxy_set_effective_context=2", "proxy_set_effective_context=0", "proxy_get_property=1", "proxy_clear_route_cache=0", "pthread_equal=1", "pthread_equal=0",
            ],
            plugin.RunRequestHeaders());
    }

    [Fact]
    public async Task RootId_IsKnownFromTheFirstCallbackOn()
    {
        await using var plugin = await ScriptPlugin.LoadAsync("""configure: proxy_get_property "plugin_root_id\0" &s; return 1""", rootId: "add_header");
        Assert.Equal(["proxy_get_property=0 add_header"], plugin.Log.Lines);
    }

    [Fact]
    public async Task Configuration_IsReadableWhileConfiguring()
    {
        await using var plugin = await ScriptPlugin.LoadAsync("configure: proxy_get_buffer_bytes 7 0 9 &s; proxy_get_buffer_status 7 &i &i; proxy_get_buffer_bytes 6 0 9 &s; return 1");
        string[] lines = plugin.Log.Lines;
        Assert.Equal(["proxy_get_buffer_bytes=0 configure", "proxy_get_buffer_status=0 118 0", "proxy_get_buffer_bytes=1"], lines);
    }

    [Fact]
    public async Task OldAbi_HasItsOwnFunctions_AndMissingHeadersAreEmpty()
    {
        await using var plugin = await ScriptPlugin.LoadAsync(
            """
            configure: proxy_get_configuration &s; return 1
            request_headers: proxy_get_header_map_value 0 "absent" &s; proxy_get_configuration &s; proxy_continue_request; return 1
            response_headers: proxy_continue_response; return 1
            """,
            bundle: Guest.OldScript);
        Assert.StartsWith("proxy_get_configuration=0 configure:", Assert.Single(plugin.Log.Lines), StringComparison.Ordinal);
        plugin.Log.Clear();
        using var stream = plugin.Begin();
        Assert.Equal(FilterAction.Continue, stream.OnRequestHeaders(endOfStream: true));
        Assert.Equal(FilterAction.Continue, stream.OnResponseHeaders(endOfStream: true));
        Assert.Equal(
            ["proxy_get_header_map_value=0 (none)", "proxy_get_configuration=0 (none)", "proxy_continue_request=0", "proxy_continue_response=0"],
            plugin.Log.Lines);
    }

    [Fact]
    public async Task OldAbi_WithoutResults_IsAccepted()
    {
        string module = Guest.FromWat("void.wasm", """
            (module
              (import "env" "proxy_continue_request" (func $continue))
              (import "env" "proxy_clear_route_cache" (func $clear))
              (import "env" "emscripten_notify_memory_growth" (func $grown (param i32)))
              (memory (export "memory") 1)
              (func (export "proxy_abi_version_0_1_0"))
              (func (export "proxy_on_request_headers") (param i32 i32) (result i32)
                call $clear
                call $continue
                i32.const 0
                call $grown
                i32.const 1))
            """);
        await using var plugin = await ScriptPlugin.LoadAsync("", bundle: module);
        using var stream = plugin.Begin();
        Assert.Equal(FilterAction.Continue, stream.OnRequestHeaders(endOfStream: true));
        Assert.Null(stream.Failure);
    }
}
