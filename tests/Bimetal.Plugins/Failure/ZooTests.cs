// The zoo: what hostile plugins try, in every callback and on both kinds of instances. Each costs its own stream and is counted as what it is;
// what they try through host calls is refused. Wild pointers and lengths are in WildPointerTests, the same under load in MixedLoadTests and in
// the published binary in tests/EndToEnd.

using System.Text;
using Bimetal.Plugins.Failure;
using Bimetal.Plugins.ProxyWasm.State;
using Bimetal.Plugins.Streams;
using Bimetal.Plugins.Tests.Guests;
using Bimetal.Plugins.Tests.Streams;

namespace Bimetal.Plugins.Tests.Failure;

public sealed class ZooTests
{
    private static readonly PluginLimits s_tight = new() { CpuPerCallback = TimeSpan.FromMilliseconds(5), Start = TimeSpan.FromSeconds(10) };

    private static readonly PluginLimits s_generous = new() { CpuPerCallback = TimeSpan.FromSeconds(10), Start = TimeSpan.FromSeconds(10) };

    private static readonly string[] s_callbacks =
    [
        "context_create", "request_headers", "request_body", "request_trailers", "response_headers", "response_body", "response_trailers", "done", "log", "delete",
    ];

    public static TheoryData<string, InstancePolicy> CallbacksAndPolicies =>
        new(s_callbacks.SelectMany(callback => new[] { (callback, InstancePolicy.PerRequest), (callback, InstancePolicy.Shared) }));

    [Theory]
    [MemberData(nameof(CallbacksAndPolicies))]
    public async Task EndlessLoop_InEachCallback_IsATimeout(string callback, InstancePolicy policy) =>
        await FailsOnceAsync($"{callback}: loop", policy, s_tight, FailureKind.Timeout);

    [Theory]
    [MemberData(nameof(CallbacksAndPolicies))]
    public async Task Trap_InEachCallback_IsATrap(string callback, InstancePolicy policy) =>
        await FailsOnceAsync($"{callback}: trap", policy, s_generous, FailureKind.Trap);

    [Theory]
    [MemberData(nameof(CallbacksAndPolicies))]
    public async Task Recursion_InEachCallback_IsATrap(string callback, InstancePolicy policy) =>
        await FailsOnceAsync($"{callback}: recurse", policy, s_generous, FailureKind.Trap);

    [Theory]
    [InlineData("loop")]
    [InlineData("trap")]
    [InlineData("recurse")]
    public async Task Misbehaviour_AtTheStart_IsALoadErrorOfOneLine(string what)
    {
        var limits = s_tight with { Start = TimeSpan.FromMilliseconds(50) };
        var error = await Assert.ThrowsAsync<PluginLoadException>(() => ScriptPlugin.LoadAsync($"configure: {what}", limits: limits));
        Assert.Contains("proxy_on_configure", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Theory]
    [InlineData(InstancePolicy.PerRequest)]
    [InlineData(InstancePolicy.Shared)]
    public async Task HeaderFlood_StopsAtTheLimit(InstancePolicy policy)
    {
        const int Tries = 600;
        await using var plugin = await ScriptPlugin.LoadAsync("request_headers: " + string.Join("; ", Enumerable.Repeat("proxy_add_header_map_value 0 \"a\" \"b\"", Tries)), policy, s_generous);
        var stream = Headers.Request();
        int before = stream.RequestHeaders.Count;
        string[] answers = plugin.RunRequestHeaders(stream);
        Assert.Equal(HeaderRules.MaximumFieldCount, stream.RequestHeaders.Count);
        Assert.Equal(HeaderRules.MaximumFieldCount - before, answers.Count(line => line == "proxy_add_header_map_value=0"));
        Assert.Equal(Tries, answers.Length);
    }

    [Theory]
    [InlineData(@"a\r\nset-cookie: x=1")]
    [InlineData(@"a\nb")]
    [InlineData(@"a\rb")]
    [InlineData(@"a\0b")]
    public async Task ControlCharacters_InAFieldOrAnAnswer_AreRefused(string value)
    {
        await using var plugin = await ScriptPlugin.LoadAsync(
            $"request_headers: proxy_add_header_map_value 0 \"x\" \"{value}\"; proxy_replace_header_map_value 0 \"x\" \"{value}\"; proxy_add_header_map_value 0 \"{value}\" \"x\"", limits: s_generous);
        var stream = Headers.Request();
        string[] before = stream.RequestHeaders.Lines();
        Assert.Equal(["proxy_add_header_map_value=2", "proxy_replace_header_map_value=2", "proxy_add_header_map_value=2"], plugin.RunRequestHeaders(stream));
        Assert.Equal(before, stream.RequestHeaders.Lines());
    }

    [Fact]
    public async Task WritesAfterTheAnswer_ChangeNothingOfIt()
    {
        await using var plugin = await ScriptPlugin.LoadAsync("""
            request_headers: proxy_send_local_response 403 "" "first" "" -1; proxy_send_local_response 200 "" "second" "" -1; proxy_add_header_map_value 2 "x" "y"; return 1
            log: proxy_send_local_response 200 "" "third" "" -1; proxy_add_header_map_value 2 "x" "y"; proxy_set_buffer_bytes 1 0 0 "more"; proxy_continue_stream 1
            """, limits: s_generous);
        using var stream = plugin.Begin();
        stream.OnRequestHeaders(endOfStream: true);
        stream.OnLog();
        Assert.Null(stream.Failure);
        Assert.Equal(403u, (uint)stream.LocalResponse!.Status);
        Assert.Equal("first", Encoding.Latin1.GetString(stream.LocalResponse.Body.Span));
        Assert.Null(stream.View.Stream.ResponseHeaders.Value("x"));
    }

    [Fact]
    public async Task WritesAfterClose_ChangeNothingOfIt()
    {
        await using var plugin = await ScriptPlugin.LoadAsync("""
            request_headers: proxy_close_stream 0; proxy_continue_stream 0; proxy_set_buffer_bytes 0 0 0 "more"; proxy_add_header_map_value 2 "x" "y"; return 0
            request_body: say "not called"
            """, limits: s_generous);
        using var stream = plugin.Begin();
        Assert.Equal(FilterAction.Pause, stream.OnRequestHeaders(endOfStream: false));
        stream.OnRequestBody(endOfStream: true);
        stream.OnLog();
        Assert.True(stream.IsReset);
        Assert.Null(stream.Failure);
        Assert.Null(stream.LocalResponse);
        Assert.DoesNotContain("not called", plugin.Log.Lines);
        Assert.Null(stream.View.Stream.ResponseHeaders.Value("x"));
    }

    /// <summary>An allocator that asks the host for something that has to be allocated: refused, and the outer call goes on.</summary>
    [Fact]
    public async Task Reentry_FromTheAllocator_IsRefused()
    {
        await using var plugin = await ScriptPlugin.LoadAsync("", limits: s_generous, bundle: Guest.FromWat("reentry.wasm", """
            (module
              (import "env" "proxy_get_property" (func $get (param i32 i32 i32 i32) (result i32)))
              (import "env" "proxy_send_local_response" (func $answer (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
              (memory (export "memory") 2)
              (data (i32.const 1024) "plugin_name")
              (global $inner (mut i32) (i32.const 0))
              (func (export "proxy_abi_version_0_2_1"))
              (func (export "proxy_on_memory_allocate") (param i32) (result i32)
                (global.set $inner (call $get (i32.const 1024) (i32.const 11) (i32.const 512) (i32.const 516)))
                (i32.const 65536))
              (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) (local $outer i32)
                (local.set $outer (call $get (i32.const 1024) (i32.const 11) (i32.const 520) (i32.const 524)))
                (drop (call $answer (i32.add (i32.const 200) (i32.add (i32.mul (global.get $inner) (i32.const 10)) (local.get $outer)))
                  (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const -1)))
                (i32.const 1)))
            """));
        using var stream = plugin.Begin();
        stream.OnRequestHeaders(endOfStream: true);
        Assert.Equal(200 + (10 * (int)HostStatus.InternalFailure) + (int)HostStatus.Ok, stream.LocalResponse?.Status);
    }

    [Fact]
    public void AHundredThousandSharedKeys_StopAtTheQuota()
    {
        var data = new SharedDataStore();
        int stored = Enumerable.Range(0, 100_000).Count(key => data.Set(BitConverter.GetBytes(key), "v"u8, 0) == HostStatus.Ok);
        Assert.Equal(new PluginQuotas().SharedKeys, stored);
    }

    // One stream through all of its callbacks: the failure is counted once, nothing escapes, and the plugin can be unloaded.
    private static async Task FailsOnceAsync(string script, InstancePolicy policy, PluginLimits limits, FailureKind kind)
    {
        await using var plugin = await ScriptPlugin.LoadAsync(script, policy, limits);
        if (plugin.Plugin.TryBegin(Headers.Request(), out _) is { } stream)
        {
            stream.OnRequestHeaders(endOfStream: false);
            stream.OnRequestBody(endOfStream: false);
            stream.OnRequestTrailers();
            Headers.Fill(stream.View.Stream.ResponseHeaders, (":status", "200"));
            stream.OnResponseHeaders(endOfStream: false);
            stream.OnResponseBody(endOfStream: false);
            stream.OnResponseTrailers();
            stream.OnLog();
            stream.Dispose();
        }

        Assert.Equal(1, plugin.Plugin.Statistics.FailuresOf(kind));
        Assert.All(Enum.GetValues<FailureKind>().Where(other => other != kind), other => Assert.Equal(0, plugin.Plugin.Statistics.FailuresOf(other)));
    }
}
