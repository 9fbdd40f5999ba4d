// What plugins do beside their streams' callbacks: the same on both metals, from one source in C (tests/Plugins/caller) or Rust.

using System.Text;
using Bimetal.Plugins.Bundles;
using Bimetal.Plugins.Streams;
using Bimetal.Plugins.Tests.Streams;
using Bimetal.Plugins.Tests.Guests;
using Bimetal.Testing;

namespace Bimetal.Plugins.Tests.Native;

public sealed class OwnRequestTests
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30);

    private static readonly string[] s_plugins = ["caller", "caller-rust"];

    public static TheoryData<string, MetalChoice> Metals =>
        new(s_plugins.SelectMany(name => new[] { (name, MetalChoice.Native), (name, MetalChoice.Wasm) }));

    /// <summary>Statuses as bimetal.h numbers them: 1 not found, 2 bad argument.</summary>
    public static TheoryData<string, MetalChoice, string, string> Statuses =>
        new(Metals.Select(row => row.Data).SelectMany(row => new[] { ("nobody", "2"), ("compress", "1"), ("property", "2") }.Select(ask => (row.Item1, row.Item2, ask.Item1, ask.Item2))));

    [Theory]
    [MemberData(nameof(Metals))]
    public async Task Answer_ComesToTheStreamThatIsHeld_AndAnswersIt(string name, MetalChoice metal)
    {
        var caller = new FakeCaller();
        await using var plugin = await LoadAsync(name, metal, caller);
        using var stream = Begin(plugin, "call", out var continued);
        Assert.Equal(FilterAction.Pause, stream.OnRequestHeaders(endOfStream: true));
        var call = await caller.NextAsync();
        Assert.Equal(("keys", "body", TimeSpan.FromMilliseconds(500)), (call.Request.Upstream, Encoding.ASCII.GetString(call.Request.Body.Span), call.Request.Timeout));
        Assert.Equal("POST", Text(call.Request.Headers, ":method"));
        Assert.Equal("1", Text(call.Request.Trailers, "x-end"));
        call.Answer(200, "the key", ("t", "trailer"));
        await continued.WaitAsync(s_limit, TestContext.Current.CancellationToken);
        Assert.Equal((201, "the key", "trailer"), (stream.LocalResponse!.Status, Body(stream), Text(stream.LocalResponse.Headers, "x-end")));
    }

    [Theory]
    [MemberData(nameof(Metals))]
    public async Task Answer_ThatChangesHeldHeaders_AndContinues(string name, MetalChoice metal)
    {
        var caller = new FakeCaller();
        await using var plugin = await LoadAsync(name, metal, caller);
        using var stream = Begin(plugin, "change", out var continued);
        stream.OnRequestHeaders(endOfStream: true);
        (await caller.NextAsync()).Answer(200, "the key");
        await continued.WaitAsync(s_limit, TestContext.Current.CancellationToken);
        Assert.Equal("key", Text(stream.View.Stream.RequestHeaders, "x-key"));
        Assert.False(stream.View.IsHeld(isRequest: true));
    }

    [Theory]
    [MemberData(nameof(Metals))]
    public async Task NoAnswer_HasNoStatusAndNoBody(string name, MetalChoice metal)
    {
        var caller = new FakeCaller();
        await using var plugin = await LoadAsync(name, metal, caller);
        using var stream = Begin(plugin, "call", out var continued);
        stream.OnRequestHeaders(endOfStream: true);
        (await caller.NextAsync()).Fail();
        await continued.WaitAsync(s_limit, TestContext.Current.CancellationToken);
        Assert.Equal((503, "1"), (stream.LocalResponse!.Status, Body(stream)));
    }

    [Theory]
    [MemberData(nameof(Metals))]
    public async Task Stream_ThatEnds_TakesItsCalloutsWithIt(string name, MetalChoice metal)
    {
        var caller = new FakeCaller();
        await using var plugin = await LoadAsync(name, metal, caller);
        var stream = Begin(plugin, "call", out _);
        stream.OnRequestHeaders(endOfStream: true);
        var call = await caller.NextAsync();
        Assert.False(call.Cancellation.IsCancellationRequested);
        stream.Dispose();
        Assert.True(call.Cancellation.IsCancellationRequested);
        call.Answer(200, "late");
        Assert.Equal((200, "2"), Ask(plugin, "nobody"));
    }

    [Theory]
    [MemberData(nameof(Metals))]
    public async Task Callouts_BeyondTheQuota_AreRefused(string name, MetalChoice metal)
    {
        var caller = new FakeCaller();
        await using var plugin = await LoadAsync(name, metal, caller, limits: new PluginLimits { Quotas = new PluginQuotas { Callouts = 2 } });
        using var first = Begin(plugin, "call", out _);
        using var second = Begin(plugin, "call", out _);
        first.OnRequestHeaders(endOfStream: true);
        second.OnRequestHeaders(endOfStream: true);
        Assert.Equal((500, "10"), Ask(plugin, "call"));
    }

    [Theory]
    [MemberData(nameof(Metals))]
    public async Task OwnAnswer_EntersAStreamThatWaits_AndContinuesIt(string name, MetalChoice metal)
    {
        var caller = new FakeCaller();
        var time = new VirtualTime(DateTimeOffset.UnixEpoch);
        // Shared: on wasm the stream and the tick must be in one instance.
        await using var plugin = await LoadAsync(name, metal, caller, time: time, configuration: "own", instance: InstancePolicy.Shared);
        time.Advance(TimeSpan.FromMilliseconds(100));
        var calls = new List<PendingCall> { await caller.NextAsync() };

        // On wasm each of the shared instances has its own tick.
        for (int other = 1; other < plugin.Instances.Existing; other++) calls.Add(await caller.NextAsync());
        using var stream = Begin(plugin, "wait", out var continued);
        Assert.Equal(FilterAction.Pause, stream.OnRequestHeaders(endOfStream: true));
        foreach (var call in calls) call.Answer(200, "learned");
        await continued.WaitAsync(s_limit, TestContext.Current.CancellationToken);
        Assert.Equal("learned", Text(stream.View.Stream.RequestHeaders, "x-own"));
    }

    [Theory]
    [MemberData(nameof(Metals))]
    public async Task Items_AreToldOf_OnceEach(string name, MetalChoice metal)
    {
        var services = Services(new FakeCaller(), TimeProvider.System);
        await using var plugin = await LoadAsync(name, metal, services, new PluginLimits(), "", InstancePolicy.PerRequest);
        for (int item = 0; item < 5; item++) Assert.Equal((200, "0"), Ask(plugin, "push"));
        var told = services.States.Of(name).Metrics.All.Single(metric => metric.Name == "items");
        for (int attempt = 0; told.Value < 5 && attempt < 3000; attempt++) await Task.Delay(10, TestContext.Current.CancellationToken);
        Assert.Equal(5, told.Value);
    }

    [Theory]
    [MemberData(nameof(Statuses))]
    public async Task Functions_WithoutAnUpstream(string name, MetalChoice metal, string what, string expected)
    {
        await using var plugin = await LoadAsync(name, metal, new FakeCaller());
        Assert.Equal((200, expected), Ask(plugin, what));
    }

    /// <summary>Two streams could wait for each other.</summary>
    [Theory]
    [InlineData("caller")]
    [InlineData("caller-rust")]
    public async Task Enter_FromAStreamsCallback_IsRefused(string name)
    {
        await using var plugin = await LoadAsync(name, MetalChoice.Native, new FakeCaller());
        Assert.Equal((200, "2"), Ask(plugin, "enter"));
    }

    [Theory]
    [MemberData(nameof(Metals))]
    public async Task Close_BreaksTheExchangeOff(string name, MetalChoice metal)
    {
        await using var plugin = await LoadAsync(name, metal, new FakeCaller());
        using var stream = Begin(plugin, "close", out _);
        stream.OnRequestHeaders(endOfStream: true);
        Assert.True(stream.IsReset);
    }

    [Fact]
    public async Task RetiredPlugin_GetsNoAnswers()
    {
        var caller = new FakeCaller();
        var time = new VirtualTime(DateTimeOffset.UnixEpoch);
        var plugin = await LoadAsync("caller", MetalChoice.Native, caller, time: time, configuration: "own");
        time.Advance(TimeSpan.FromMilliseconds(100));
        var call = await caller.NextAsync();
        await plugin.DisposeAsync();
        Assert.True(call.Cancellation.IsCancellationRequested);
    }

    /// <summary>Answers, ticks and callbacks on many threads at once: nothing is lost, nobody waits for ever.</summary>
    [Theory]
    [MemberData(nameof(Metals))]
    public async Task ManyStreams_EachGetsItsOwnAnswer(string name, MetalChoice metal)
    {
        var caller = new FakeCaller { AnswersAtOnce = true };
        await using var plugin = await LoadAsync(name, metal, caller, configuration: "own");
        int answered = 0;
        await Parallel.ForAsync(0, 400, new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = TestContext.Current.CancellationToken }, async (_, cancellation) =>
        {
            using var stream = Begin(plugin, "call", out var continued);
            stream.OnRequestHeaders(endOfStream: true);
            if (stream.LocalResponse is null) await continued.WaitAsync(s_limit, cancellation);
            if (stream.LocalResponse?.Status == 201) Interlocked.Increment(ref answered);
        });
        Assert.Equal(400, answered);
    }

    private static PluginHostServices Services(FakeCaller caller, TimeProvider time) => new() { Engine = Guest.Engine, HttpCaller = caller, Time = time };

    private static Task<Plugin> LoadAsync(
        string name, MetalChoice metal, FakeCaller caller, TimeProvider? time = null, PluginLimits? limits = null, string configuration = "", InstancePolicy instance = InstancePolicy.PerRequest) =>
        LoadAsync(name, metal, Services(caller, time ?? TimeProvider.System), limits ?? new PluginLimits(), configuration, instance);

    private static async Task<Plugin> LoadAsync(string name, MetalChoice metal, PluginHostServices services, PluginLimits limits, string configuration, InstancePolicy instance)
    {
        var folder = PluginFolder.Open(Path.Combine(Repository.Root, "tests/Plugins", name));
        await PluginBuilder.EnsureAsync(folder, cancellation: TestContext.Current.CancellationToken);
        var config = new PluginConfig
        {
            Name = name,
            Bundle = folder.Path,
            Trust = Trust.FirstParty,
            Metal = metal,
            Instance = instance,
            Limits = limits with { CpuPerCallback = TimeSpan.FromSeconds(5) },
            Configuration = Encoding.UTF8.GetBytes(configuration),
        };
        return await PluginLoader.LoadAsync(config, services, TestContext.Current.CancellationToken);
    }

    private static PluginStream Begin(Plugin plugin, string what, out Task continued)
    {
        var exchange = new HttpStream();
        exchange.RequestHeaders.Add(":path"u8.ToArray(), "/"u8.ToArray());
        exchange.RequestHeaders.Add("x-do"u8.ToArray(), Encoding.ASCII.GetBytes(what));
        var stream = plugin.TryBegin(exchange, out var failure);
        Assert.True(stream is not null, failure?.Detail);
        var source = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        stream.Waiter = new Told(_ => source.TrySetResult());
        continued = source.Task;
        return stream;
    }

    private static (int Status, string Body) Ask(Plugin plugin, string what)
    {
        using var stream = Begin(plugin, what, out _);
        stream.OnRequestHeaders(endOfStream: true);
        Assert.Null(stream.Failure);
        return (stream.LocalResponse?.Status ?? 0, stream.LocalResponse is null ? "" : Body(stream));
    }

    private static string Body(PluginStream stream) => Encoding.ASCII.GetString(stream.LocalResponse!.Body.Span);

    private static string Text(HeaderMap map, string name) => map.TryGet(Encoding.ASCII.GetBytes(name), out var value) ? Encoding.ASCII.GetString(value.Span) : "";
}
