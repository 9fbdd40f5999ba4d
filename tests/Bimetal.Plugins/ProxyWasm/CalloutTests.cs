// proxy_http_call and its answers: on streams and on the root context, with fresh and with shared instances, and what ends in between.

using System.Text;
using Bimetal.Plugins.Callouts;
using Bimetal.Plugins.ProxyWasm;
using Bimetal.Plugins.Streams;
using Bimetal.Plugins.Tests.Guests;
using Bimetal.Plugins.Tests.Streams;

namespace Bimetal.Plugins.Tests.ProxyWasm;

public sealed class CalloutTests
{
    private const string Pairs = @"""\x03\0\0\0\x07\0\0\0\x04\0\0\0\x05\0\0\0\x02\0\0\0\x0a\0\0\0\x01\0\0\0:method\0POST\0:path\0/k\0:authority\0h\0""";
    private const string Call = $"""proxy_http_call "keys" {Pairs} "body" "" 500 &i""";

    public static TheoryData<InstancePolicy> Policies => [InstancePolicy.PerRequest, InstancePolicy.Shared];

    [Theory]
    [MemberData(nameof(Policies))]
    public async Task Answer_ComesToTheStream_ThatWaitsForIt(InstancePolicy policy)
    {
        var caller = new FakeCaller();
        await using var plugin = await LoadAsync(
            $"""
            request_headers: {Call}; return 1
            http_call_response: proxy_get_header_map_value 6 ":status" &s; proxy_get_buffer_bytes 4 0 100 &s; proxy_get_header_map_value 7 "t" &s; proxy_add_header_map_value 0 "x-key" "found"; proxy_continue_stream 0
            """,
            policy, caller);
        plugin.Log.Clear();
        using var stream = plugin.Begin();
        var continued = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        stream.Waiter = new Told(_ => continued.TrySetResult());
        Assert.Equal(FilterAction.Pause, stream.OnRequestHeaders(endOfStream: true));
        var request = await caller.NextAsync();
        Assert.Equal(("keys", "body", TimeSpan.FromMilliseconds(500)), (request.Request.Upstream, Encoding.ASCII.GetString(request.Request.Body.Span), request.Request.Timeout));
        request.Answer(200, "the key", ("t", "trailer"));
        await continued.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Assert.True(stream.View.Stream.RequestHeaders.TryGet("x-key"u8, out var found) && found.Span.SequenceEqual("found"u8));
        string[] expected =
        [
            "proxy_http_call=0 1", "answer 2 1 1 7 1", "proxy_get_header_map_value=0 200", "proxy_get_buffer_bytes=0 the key",
            "proxy_get_header_map_value=0 trailer", "proxy_add_header_map_value=0", "proxy_continue_stream=0",
        ];
        // The stream goes on before the last call has returned to the guest.
        await WaitForAsync(() => plugin.Log.Lines.Length == expected.Length);
        Assert.Equal(expected, plugin.Log.Lines);
    }

    [Theory]
    [MemberData(nameof(Policies))]
    public async Task NoAnswer_IsZeroHeaders_AndNothingToRead(InstancePolicy policy)
    {
        var caller = new FakeCaller();
        await using var plugin = await LoadAsync(
            $"""
            request_headers: {Call}; return 1
            http_call_response: proxy_get_header_map_value 6 ":status" &s; proxy_get_buffer_bytes 4 0 100 &s; proxy_send_local_response 503 "" "" "" 0
            """,
            policy, caller);
        using var stream = plugin.Begin();
        var woken = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        stream.Waiter = new Told(_ => woken.TrySetResult());
        stream.OnRequestHeaders(endOfStream: true);
        (await caller.NextAsync()).Fail();
        await woken.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Assert.Equal(503, stream.LocalResponse!.Status);
        Assert.Contains("answer 2 1 0 0 0", plugin.Log.Lines);
        Assert.Contains("proxy_get_buffer_bytes=1", plugin.Log.Lines);
    }

    [Theory]
    [MemberData(nameof(Policies))]
    public async Task Stream_ThatEnds_TakesItsCalloutsWithIt(InstancePolicy policy)
    {
        var caller = new FakeCaller();
        await using var plugin = await LoadAsync($"request_headers: {Call}; return 1", policy, caller);
        var stream = plugin.Begin();
        stream.OnRequestHeaders(endOfStream: true);
        var request = await caller.NextAsync();
        plugin.Log.Clear();
        stream.Dispose();
        Assert.True(request.Cancellation.IsCancellationRequested);
        request.Answer(200, "late");
        using var next = plugin.Begin();
        next.OnRequestHeaders(endOfStream: true);
        (await caller.NextAsync()).Fail();
        await WaitForAsync(() => plugin.Log.Lines.Any(line => line.StartsWith("answer", StringComparison.Ordinal)));
        Assert.DoesNotContain(plugin.Log.Lines, line => line.Contains(" 1 4 ", StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Policies))]
    public async Task Trap_InTheAnswer_FailsTheStream(InstancePolicy policy)
    {
        var caller = new FakeCaller();
        await using var plugin = await LoadAsync($"request_headers: {Call}; return 1\nhttp_call_response: trap", policy, caller);
        using var stream = plugin.Begin();
        var woken = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        stream.Waiter = new Told(_ => woken.TrySetResult());
        stream.OnRequestHeaders(endOfStream: true);
        (await caller.NextAsync()).Answer(200, "x");
        await woken.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Assert.NotNull(stream.Failure);
        Assert.Contains("proxy_on_http_call_response", stream.Failure.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RootContext_LearnsFromItsAnswer_AndNewStreamsSeeIt()
    {
        var caller = new FakeCaller();
        await using var plugin = await LoadAsync(
            $"""
            configure: count; {Call}
            root_http_call_response: count
            request_headers: count
            """,
            InstancePolicy.PerRequest, caller);
        Assert.Contains("count=2", plugin.RunRequestHeaders());
        (await caller.NextAsync()).Answer(200, "keys");
        await WaitForAsync(() => plugin.RunRequestHeaders().Contains("count=3"));
    }

    [Theory]
    [InlineData("""proxy_http_call "other" PAIRS "" "" 500 &i""", 2)]
    [InlineData("""proxy_http_call "keys" "" "" "" 500 &i""", 2)]
    [InlineData("""proxy_http_call "keys" "\x01\0\0\0\x07\0\0\0\x03\0\0\0:method\0GET\0" "" "" 500 &i""", 2)]
    [InlineData("""proxy_http_call "keys" "\xff\xff\xff\xff" "" "" 500 &i""", 2)]
    [InlineData("""proxy_http_call "keys" PAIRS "" "\x01\0\0\0\x05\0\0\0\x01\0\0\0:path\0/\0" 500 &i""", 2)]
    [InlineData("""proxy_http_call "keys" 0xfffffff0 64 "" "" 500 &i""", 6)]
    [InlineData("""proxy_http_call "keys" PAIRS "" "" 500 0xfffffffd""", 6)]
    public async Task Call_ThatIsWrong_IsRefusedAtOnce(string call, int status)
    {
        await using var plugin = await LoadAsync("request_headers: " + call.Replace("PAIRS", Pairs, StringComparison.Ordinal), InstancePolicy.PerRequest, new FakeCaller());
        Assert.Contains($"proxy_http_call={status}", plugin.RunRequestHeaders());
    }

    [Fact]
    public async Task Calls_BeyondTheQuota_AreRefused()
    {
        var caller = new FakeCaller();
        await using var plugin = await LoadAsync($"request_headers: {Call}; return 1", InstancePolicy.Shared, caller);
        var streams = new List<PluginStream>();
        for (int count = 0; count <= new PluginQuotas().Callouts; count++)
        {
            streams.Add(plugin.Begin());
            streams[^1].OnRequestHeaders(endOfStream: true);
        }

        Assert.Equal("proxy_http_call=10", plugin.Log.Lines[^1]);
        Assert.Equal(new PluginQuotas().Callouts, plugin.Log.Lines.Count(line => line.StartsWith("proxy_http_call=0", StringComparison.Ordinal)));
        foreach (var stream in streams) stream.Dispose();
    }

    [Fact]
    public async Task ManyStreams_WithAnswersInBetween_AllEndWell()
    {
        var caller = new FakeCaller { AnswersAtOnce = true };
        await using var plugin = await LoadAsync(
            $"""
            request_headers: {Call}; return 1
            http_call_response: proxy_continue_stream 0
            """,
            InstancePolicy.PerRequest, caller);
        await Parallel.ForAsync(0, 400, TestContext.Current.CancellationToken, async (_, cancellation) =>
        {
            using var stream = plugin.Begin();
            var woken = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            stream.Waiter = new Told(_ => woken.TrySetResult());
            if (stream.OnRequestHeaders(endOfStream: true) == FilterAction.Pause) await woken.Task.WaitAsync(TimeSpan.FromSeconds(60), cancellation);
            Assert.Null(stream.Failure);
            stream.OnLog();
        });
    }

    [Theory]
    [MemberData(nameof(Policies))]
    public async Task Item_InAQueue_IsToldToTheInstanceThatRegisteredIt(InstancePolicy policy)
    {
        await using var plugin = await LoadAsync(
            """
            configure: proxy_register_shared_queue "q" &i
            request_headers: proxy_resolve_shared_queue "" "q" &i; proxy_enqueue_shared_queue 1 "item"
            queue_ready: proxy_dequeue_shared_queue 1 &s
            """,
            policy, new FakeCaller());
        for (int count = 0; count < 3; count++)
        {
            using var stream = plugin.Begin();
            stream.OnRequestHeaders(endOfStream: true);
        }

        await WaitForAsync(() => plugin.Log.Lines.Count(line => line == "proxy_dequeue_shared_queue=0 item") == 3);
    }

    [Fact]
    public async Task VmConfiguration_IsReadableAtVmStart()
    {
        await using var plugin = await LoadAsync("request_headers: count", InstancePolicy.PerRequest, new FakeCaller(), "of the vm");
        Assert.Contains("vm=of the vm", plugin.Log.Lines);
    }

    [Fact]
    public async Task ForeignFunctions_ThatAreKnown_Answer()
    {
        await using var plugin = await LoadAsync(
            """request_headers: proxy_call_foreign_function "uncompress" "\x78\x01\x4b\x4c\x4a\x06\0\x02\x4d\x01\x27" &s; proxy_call_foreign_function "uncompress" "junk" &s; proxy_call_foreign_function "nothing" "" &s""",
            InstancePolicy.PerRequest, new FakeCaller());
        Assert.Equal(["proxy_call_foreign_function=0 abc", "proxy_call_foreign_function=2", "proxy_call_foreign_function=1"], plugin.RunRequestHeaders());
    }

    private static Task<ScriptPlugin> LoadAsync(string script, InstancePolicy policy, IHttpCaller caller, string vmConfiguration = "") =>
        ScriptPlugin.LoadAsync(script, instance: policy, caller: caller, vmConfiguration: vmConfiguration);

    private static async Task WaitForAsync(Func<bool> condition)
    {
        for (int attempt = 0; !condition(); attempt++)
        {
            Assert.True(attempt < 3000, "did not happen within 30 s");
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }
    }
}
