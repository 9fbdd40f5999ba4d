// Bodies: reading, replacing, holding headers until enough of the body is there.

using System.Text;
using Bimetal.Plugins.Streams;
using Bimetal.Plugins.Tests.Guests;
using Bimetal.Plugins.Tests.Streams;

namespace Bimetal.Plugins.Tests.ProxyWasm;

public sealed class BodyTests
{
    [Theory]
    [InlineData("0 100", "hello world")]
    [InlineData("6 100", "world")]
    [InlineData("6 3", "wor")]
    [InlineData("6 -1", "world")]
    [InlineData("0 -1", "hello world")]
    [InlineData("11 5", "(none)")]
    [InlineData("-1 -1", "(none)")]
    [InlineData("3 0", "(none)")]
    public async Task GetBytes_GivesThePartThatIsThere(string range, string expected)
    {
        await using var plugin = await ScriptPlugin.LoadAsync($"request_body_end: proxy_get_buffer_bytes 0 {range} &s");
        using var stream = plugin.Begin();
        stream.OnRequestHeaders(endOfStream: false);
        stream.RequestBody.TryAppend("hello world"u8);
        stream.OnRequestBody(endOfStream: true);
        Assert.Equal(["proxy_get_buffer_bytes=0 " + expected], plugin.Log.Lines);
    }

    [Theory]
    [InlineData("""0 5 "HELLO" """, "HELLO world")]
    [InlineData("""0 0 "> " """, "> hello world")]
    [InlineData("""-1 -1 "!" """, "hello world!")]
    [InlineData("""0 -1 "all new" """, "all new")]
    [InlineData("""5 -1 "" """, "hello")]
    [InlineData("""5 1 "---" """, "hello---world")]
    public async Task SetBytes_Replaces(string arguments, string expected)
    {
        await using var plugin = await ScriptPlugin.LoadAsync("response_body_end: proxy_set_buffer_bytes 1 " + arguments);
        using var stream = plugin.Begin();
        stream.OnResponseHeaders(endOfStream: false);
        stream.ResponseBody.TryAppend("hello world"u8);
        Assert.Equal(FilterAction.Continue, stream.OnResponseBody(endOfStream: true));
        Assert.Equal(expected, Encoding.Latin1.GetString(stream.ResponseBody.Span));
    }

    [Fact]
    public async Task SetBytes_PastTheBufferLimit_IsRefused()
    {
        var limits = new PluginLimits { BodyBufferBytes = 16, CpuPerCallback = null };
        await using var plugin = await ScriptPlugin.LoadAsync("""request_body_end: proxy_set_buffer_bytes 0 0 0 "0123456789" """, limits: limits);
        using var stream = plugin.Begin();
        stream.RequestBody.TryAppend("hello world"u8);
        stream.OnRequestBody(endOfStream: true);
        Assert.Equal(["proxy_set_buffer_bytes=2"], plugin.Log.Lines);
        Assert.Equal(11, stream.RequestBody.Length);
    }

    [Theory]
    [InlineData("request_headers: proxy_get_buffer_bytes 0 0 1 &s", 1)]
    [InlineData("request_headers: proxy_get_buffer_bytes 4 0 1 &s", 1)]
    [InlineData("request_headers: proxy_get_buffer_bytes 6 0 1 &s", 1)]
    [InlineData("request_headers: proxy_get_buffer_bytes 7 0 1 &s", 1)]
    [InlineData("request_headers: proxy_get_buffer_bytes 9 0 1 &s", 2)]
    [InlineData("""request_headers: proxy_set_buffer_bytes 1 0 1 "x" """, 1)]
    [InlineData("""request_headers: proxy_set_buffer_bytes 7 0 1 "x" """, 1)]
    [InlineData("""request_headers: proxy_set_buffer_bytes -1 0 1 "x" """, 2)]
    [InlineData("request_headers: proxy_get_buffer_status 1 &i &i", 1)]
    [InlineData("request_headers: proxy_get_buffer_status 9 &i &i", 2)]
    public async Task BuffersThatAreNotThere_AreNotFound(string script, int status)
    {
        await using var plugin = await ScriptPlugin.LoadAsync(script);
        Assert.EndsWith($"={status}", Assert.Single(plugin.RunRequestHeaders()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Status_SaysTheLength()
    {
        await using var plugin = await ScriptPlugin.LoadAsync("request_body_end: proxy_get_buffer_status 0 &i &i");
        using var stream = plugin.Begin();
        stream.RequestBody.TryAppend("12345"u8);
        stream.OnRequestBody(endOfStream: true);
        Assert.Equal(["proxy_get_buffer_status=0 5 0"], plugin.Log.Lines);
    }

    [Fact]
    public async Task HeadersAreHeld_UntilTheBodyWasRead()
    {
        await using var plugin = await ScriptPlugin.LoadAsync(
            """
            response_headers: return 1
            response_body: proxy_get_buffer_bytes 1 0 100 &s; return 1
            response_body_end: proxy_get_buffer_bytes 1 0 100 &s; proxy_replace_header_map_value 2 "x-seen" "yes"; return 0
            """);
        var exchange = Headers.Request();
        Headers.Fill(exchange.ResponseHeaders, (":status", "200"));
        using var stream = plugin.Begin(exchange);
        Assert.Equal(FilterAction.Pause, stream.OnResponseHeaders(endOfStream: false));
        stream.ResponseBody.TryAppend("one "u8);
        Assert.Equal(FilterAction.Pause, stream.OnResponseBody(endOfStream: false));
        stream.ResponseBody.TryAppend("two"u8);
        Assert.Equal(FilterAction.Continue, stream.OnResponseBody(endOfStream: true));
        Assert.Equal("yes", exchange.ResponseHeaders.Value("x-seen"));
        Assert.Equal(["proxy_get_buffer_bytes=0 one ", "proxy_get_buffer_bytes=0 one two", "proxy_replace_header_map_value=0"], plugin.Log.Lines);
    }

    [Fact]
    public async Task WhatIsHeld_StaysHeld_WhenThereIsNoBodyCallback()
    {
        string module = Guest.FromWat("pauses.wasm", """
            (module
              (memory (export "memory") 1)
              (func (export "proxy_abi_version_0_2_0"))
              (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) i32.const 1))
            """);
        await using var plugin = await ScriptPlugin.LoadAsync("", bundle: module);
        using var stream = plugin.Begin();
        Assert.False(stream.WantsRequestBody);
        Assert.Equal(FilterAction.Pause, stream.OnRequestHeaders(endOfStream: false));
        Assert.Equal(FilterAction.Pause, stream.OnRequestBody(endOfStream: true));
        Assert.Equal(FilterAction.Continue, stream.OnResponseHeaders(endOfStream: true));
    }

    [Fact]
    public async Task ContinueStream_InTheCallback_OverridesThePause()
    {
        await using var plugin = await ScriptPlugin.LoadAsync("request_headers: proxy_continue_stream 0; return 1");
        using var stream = plugin.Begin();
        Assert.Equal(FilterAction.Continue, stream.OnRequestHeaders(endOfStream: true));
    }

    [Fact]
    public async Task ContinueStream_OfTheOtherDirection_TellsTheGateway()
    {
        await using var plugin = await ScriptPlugin.LoadAsync(
            """
            request_headers: return 1
            response_headers: proxy_continue_stream 0; proxy_continue_stream 2; proxy_continue_stream 4
            """);
        using var stream = plugin.Begin();
        var continued = new List<bool>();
        stream.Waiter = new Told(continued.Add);
        stream.OnRequestHeaders(endOfStream: true);
        stream.OnResponseHeaders(endOfStream: true);
        Assert.Equal([true], continued);
        Assert.Equal(["proxy_continue_stream=0", "proxy_continue_stream=12", "proxy_continue_stream=2"], plugin.Log.Lines);
    }

    [Fact]
    public async Task CloseStream_AsksForAReset()
    {
        await using var plugin = await ScriptPlugin.LoadAsync("request_headers: proxy_close_stream 4; proxy_close_stream 1; return 0");
        using var stream = plugin.Begin();
        Assert.Equal(FilterAction.Pause, stream.OnRequestHeaders(endOfStream: true));
        Assert.True(stream.IsReset);
        Assert.Equal(["proxy_close_stream=2", "proxy_close_stream=0"], plugin.Log.Lines);
    }
}
