// Loading: what is refused, in which words; and what the host guards a native plugin against.

using System.Text;
using Bimetal.Plugins.Native;
using Bimetal.Plugins.Streams;
using Bimetal.Testing;

namespace Bimetal.Plugins.Tests.Native;

public sealed class NativePluginTests : IDisposable
{
    private const string Empty = "int32_t bimetal_plugin_init(const bimetal_host *h, bimetal_plugin *p) { p->abi_version = 1; p->struct_size = sizeof *p; (void)h; return 0; }\n";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("int nothing;", "exports no bimetal_plugin_init")]
    [InlineData("int missing(void); int32_t bimetal_plugin_init(const bimetal_host *h, bimetal_plugin *p) { return missing() + (h == 0) + (p == 0); }", "undefined symbol: missing")]
    [InlineData("int32_t bimetal_plugin_init(const bimetal_host *h, bimetal_plugin *p) { (void)h; p->abi_version = 7; return 12; }", "built for version 7 of bimetal.h, and this gateway has 1")]
    [InlineData("int32_t bimetal_plugin_init(const bimetal_host *h, bimetal_plugin *p) { h->log(h->handle, 4, \"no luck\", 7); p->abi_version = 1; return 10; }", "failed with status 10: no luck")]
    [InlineData("int32_t bimetal_plugin_init(const bimetal_host *h, bimetal_plugin *p) { (void)h; p->abi_version = 1; return 12; }", "needs more of bimetal.h than this gateway has; build it again with this gateway's SDK, or update the gateway")]
    [InlineData("int32_t bimetal_plugin_init(const bimetal_host *h, bimetal_plugin *p) { (void)h; p->abi_version = 1; p->struct_size = 8; return 0; }", "its plugin table has 8 bytes")]
    [InlineData("int32_t bimetal_plugin_init(const bimetal_host *h, bimetal_plugin *p) { (void)h; p->abi_version = 1; p->stream_state_size = 2u << 20; return 0; }", "wants 2097152 bytes of state")]
    public void Load_Unsuitable_SaysWhyInOneLine(string source, string expected)
    {
        var thrown = Assert.Throws<PluginLoadException>(() => Load(NativeObject.Build(_folder, NativeObject.Start + source)));
        Assert.Contains(expected, thrown.Message);
        Assert.Contains(_folder.Path, thrown.Message);
        Assert.DoesNotContain('\n', thrown.Message);
    }

    [Fact]
    public void Load_RefusedConfiguration_RepeatsThePluginsWords()
    {
        string source = "static const bimetal_host *s;\nstatic int32_t configure(void *p, const uint8_t *c, size_t n) { (void)p; (void)c; (void)n; s->log(s->handle, 4, \"key is missing\", 14); return 2; }\n"
            + "int32_t bimetal_plugin_init(const bimetal_host *h, bimetal_plugin *p) { s = h; p->abi_version = 1; p->configure = configure; return 0; }";
        var thrown = Assert.Throws<PluginLoadException>(() => Load(NativeObject.Build(_folder, NativeObject.Start + source)));
        Assert.EndsWith("refused its configuration: key is missing", thrown.Message);
    }

    [Theory]
    [InlineData("not elf at all, but long enough", "is not an ELF shared object")]
    [InlineData("", "is not an ELF shared object")]
    public void Load_NotElf_SaysSo(string content, string expected) =>
        Assert.Contains(expected, Assert.Throws<PluginLoadException>(() => Load(_folder.Write("plugin.so", content))).Message);

    [Fact]
    public void Load_OtherArchitecture_NamesBoth()
    {
        byte[] file = File.ReadAllBytes(NativeObject.Build(_folder, NativeObject.Start + Empty));
        file[18] = file[18] == 62 ? (byte)183 : (byte)62;
        var thrown = Assert.Throws<PluginLoadException>(() => Load(_folder.Write("plugin.so", file)));
        Assert.Matches("is built for (x64|arm64), and this gateway runs on (x64|arm64)", thrown.Message);
    }

    [Fact]
    public void Load_MissingFile_NamesIt() =>
        Assert.Contains("absent.so", Assert.Throws<PluginLoadException>(() => Load(Path.Combine(_folder.Path, "absent.so"))).Message);

    [Fact]
    public async Task Load_FileReplacedAfterwards_TheRunningPluginIsUntouched()
    {
        string path = NativeObject.Build(_folder, NativeObject.Start + Answering(201));
        await using var first = Load(path);
        File.Copy(NativeObject.Build(_folder, NativeObject.Start + Answering(202)), path, overwrite: true);
        await using var second = Load(path);
        Assert.Equal((201, 202), (Status(first), Status(second)));
    }

    [Fact]
    public async Task Load_SameFileTwice_GlobalsAreSeparate()
    {
        string source = "static uint32_t s_status = 201; static const bimetal_host *s;\n"
            + "static int32_t headers(void *p, bimetal_stream t, void *v, uint32_t e) { (void)p; (void)v; (void)e; s->send_local_response(t, s_status++, 0, 0, 0, 0); return 1; }\n"
            + "int32_t bimetal_plugin_init(const bimetal_host *h, bimetal_plugin *p) { s = h; p->abi_version = 1; p->request_headers = headers; return 0; }";
        string path = NativeObject.Build(_folder, NativeObject.Start + source);
        await using var first = Load(path);
        await using var second = Load(path);
        Assert.Equal((201, 202, 201), (Status(first), Status(first), Status(second)));
    }

    [Fact]
    public async Task HostFunction_HandleOfAnEndedStream_FindsNothing()
    {
        // Every stream asks about the one before it.
        string source = "static bimetal_stream s_last; static const bimetal_host *s;\n"
            + "static int32_t headers(void *p, bimetal_stream t, void *v, uint32_t e) { (void)p; (void)v; (void)e; bimetal_slice x; size_t n;\n"
            + "  int r = s->header_get(s_last, 0, \":path\", 5, &x) * 100 + s->header_count(s_last ^ (1ull << 62), 0, &n) * 10 + s->header_get(t, 0, \":path\", 5, &x); s_last = t;\n"
            + "  s->send_local_response(t, 300 + r, 0, 0, 0, 0); return 1; }\n"
            + "int32_t bimetal_plugin_init(const bimetal_host *h, bimetal_plugin *p) { s = h; p->abi_version = 1; p->request_headers = headers; return 0; }";
        await using var plugin = Load(NativeObject.Build(_folder, NativeObject.Start + source));
        Assert.Equal(300 + 110, Status(plugin));
        Assert.Equal(300 + 110, Status(plugin));
    }

    [Fact]
    public async Task HostFunction_NullAndAbsurdArguments_AreRefused()
    {
        string source = "static const bimetal_host *s;\n"
            + "static int32_t headers(void *p, bimetal_stream t, void *v, uint32_t e) { (void)p; (void)v; (void)e; bimetal_slice x; int bad = 0;\n"
            + "  bad += s->header_get(t, 0, 0, 5, &x) == 2; bad += s->header_get(t, 0, \"a\", 1, 0) == 2; bad += s->header_get(t, 9, \"a\", 1, &x) == 2;\n"
            + "  bad += s->header_set(t, 0, \"a\", 1, 0, 1) == 2; bad += s->header_set(t, 0, \"a\", SIZE_MAX, \"b\", 1) == 2; bad += s->buffer_get(t, 2, 0, 1, &x) == 2;\n"
            + "  bad += s->buffer_replace(t, 0, 0, 0, 0, 7) == 2; bad += s->send_local_response(t, 99, 0, 0, 0, 0) == 2; bad += s->send_local_response(t, 200, 0, 3, 0, 0) == 2;\n"
            + "  bad += s->continue_stream(t, 2) == 2; bad += s->property_get(t, 0, 3, &x) == 2; bad += s->log(0, 1, \"a\", 1) == 2; bad += s->log(s->handle, 9, \"a\", 1) == 2;\n"
            + "  bad += s->clock(s->handle, 2, 0) == 2; s->send_local_response(t, 200 + bad, 0, 0, 0, 0); return 1; }\n"
            + "int32_t bimetal_plugin_init(const bimetal_host *h, bimetal_plugin *p) { s = h; p->abi_version = 1; p->request_headers = headers; return 0; }";
        await using var plugin = Load(NativeObject.Build(_folder, NativeObject.Start + source));
        Assert.Equal(200 + 14, Status(plugin));
    }

    [Fact]
    public async Task Streams_OnManyThreads_KeepTheirOwnStateAndBytes()
    {
        // State is zeroed for each stream; the value that was read stays the stream's own while other threads run.
        string source = "static const bimetal_host *s;\n"
            + "static int32_t headers(void *p, bimetal_stream t, void *v, uint32_t e) { (void)p; (void)e; bimetal_slice x; uint64_t *state = v;\n"
            + "  if (state[0] != 0 || s->header_get(t, 0, \"x-id\", 4, &x) != 0) return 1; state[0] = x.data[0] - '0'; return 0; }\n"
            + "static int32_t body(void *p, bimetal_stream t, void *v, size_t n, uint32_t e) { (void)p; (void)e; bimetal_slice x, y; uint64_t *state = v;\n"
            + "  if (s->header_get(t, 0, \"x-id\", 4, &y) != 0 || s->buffer_get(t, 0, 0, n, &x) != 0 || x.length != n) return 1;\n"
            + "  for (size_t i = 0; i < n; i++) if (x.data[i] != y.data[0] || x.data[i] - '0' != state[0]) return 1; return 0; }\n"
            + "int32_t bimetal_plugin_init(const bimetal_host *h, bimetal_plugin *p) { s = h; p->abi_version = 1; p->stream_state_size = 64; p->request_headers = headers; p->request_body = body; return 0; }";
        await using var plugin = Load(NativeObject.Build(_folder, NativeObject.Start + source));
        int wrong = 0;
        Parallel.For(0, 4000, new ParallelOptions { MaxDegreeOfParallelism = 8 }, number =>
        {
            byte digit = (byte)('0' + (number % 10));
            var stream = new HttpStream();
            stream.RequestHeaders.Add("x-id"u8.ToArray(), new[] { digit });
            using var running = plugin.TryBegin(stream, out _)!;
            bool isRight = running.OnRequestHeaders(false) == FilterAction.Continue;
            isRight &= running.RequestBody.TryAppend(Enumerable.Repeat(digit, 2000).ToArray());
            isRight &= running.OnRequestBody(true) == FilterAction.Continue;
            if (!isRight) Interlocked.Increment(ref wrong);
            if (number % 500 == 0) GC.Collect();
        });
        Assert.Equal(0, wrong);
    }

    [Fact]
    public async Task Dispose_WithAnOpenStream_ItsNextCallbackFails()
    {
        var plugin = Load(NativeObject.Build(_folder, NativeObject.Start + Answering(200)));
        using var open = plugin.TryBegin(new HttpStream(), out _)!;
        await plugin.DisposeAsync();
        open.OnRequestHeaders(true);
        Assert.NotNull(open.Failure);
        Assert.Null(plugin.TryBegin(new HttpStream(), out var failure));
        Assert.NotNull(failure);
    }

    [Fact]
    public async Task Tick_ComesInItsPeriod_UntilThePluginIsRetired()
    {
        string source = "static const bimetal_host *s; static uint32_t m;\n"
            + "static int32_t configure(void *p, const uint8_t *c, size_t n) { (void)p; (void)c; (void)n; return s->metric_define(s->handle, 0, \"ticks\", 5, &m) + s->tick_every(s->handle, 100); }\n"
            + "static void tick(void *p) { (void)p; s->metric_increment(s->handle, m, 1); }\n"
            + "int32_t bimetal_plugin_init(const bimetal_host *h, bimetal_plugin *p) { s = h; p->abi_version = 1; p->configure = configure; p->tick = tick; return 0; }";
        var time = new VirtualTime(DateTimeOffset.UnixEpoch);
        var services = new PluginHostServices { Time = time };
        var plugin = Load(NativeObject.Build(_folder, NativeObject.Start + source), services);
        var ticks = services.States.Of("test").Metrics.All.Single(metric => metric.Name == "ticks");
        Assert.Equal(0, ticks.Value);
        for (int period = 0; period < 3; period++) time.Advance(TimeSpan.FromMilliseconds(100));
        Assert.Equal(3, ticks.Value);
        await plugin.DisposeAsync();
        time.Advance(TimeSpan.FromMilliseconds(500));
        Assert.Equal(3, ticks.Value);
    }

    [Fact]
    public async Task Load_TableFromBeforeTicks_IsTaken()
    {
        string source = "int32_t bimetal_plugin_init(const bimetal_host *h, bimetal_plugin *p) { (void)h; p->abi_version = 1; p->struct_size = offsetof(bimetal_plugin, tick); p->tick = (void (*)(void *))1; h->tick_every(h->handle, 100); return 0; }";
        var time = new VirtualTime(DateTimeOffset.UnixEpoch);
        await using var plugin = Load(NativeObject.Build(_folder, NativeObject.Start + source), new PluginHostServices { Time = time });
        time.Advance(TimeSpan.FromMilliseconds(200));
        Assert.Equal(0, Status(plugin));
    }

    /// <summary>Answers with a count in its globals, and where it lies.</summary>
    private static string Counting(string more) =>
        "static const bimetal_host *s; static uint32_t s_status = 201; static void *s_kept;\n"
        + "static int32_t headers(void *p, bimetal_stream t, void *v, uint32_t e) { (void)p; (void)v; (void)e; void *at = &s_status; s->send_local_response(t, s_status++, 0, 0, &at, sizeof at); return 1; }\n"
        + "static void retire(void *p) { (void)p; s_kept = &s_status; }\n"
        + "int32_t bimetal_plugin_init(const bimetal_host *h, bimetal_plugin *p) { s = h; p->abi_version = 1; p->request_headers = headers; if (s_kept) return 10; s_kept = p; "
        + more + " (void)retire; return 0; }";

    [Fact]
    public async Task Retired_TheSameContent_IsLoadedIntoItsImage_WithFreshData()
    {
        string path = NativeObject.Build(_folder, NativeObject.Start + Counting("p->retire = retire;"));
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (int load = 0; load < 5; load++)
        {
            await using var plugin = Load(path);
            var (status, at) = Ask(plugin);
            Assert.Equal(201, status);
            Assert.Equal(202, Ask(plugin).Status);
            seen.Add(at);
        }

        Assert.Single(seen);
    }

    [Fact]
    public async Task Retired_WhileAStreamIsOpen_ItsImageServesNobody()
    {
        string path = NativeObject.Build(_folder, NativeObject.Start + Counting("p->retire = retire;"));
        var first = Load(path);
        string at = Ask(first).At;
        var open = first.TryBegin(new HttpStream(), out _)!;
        await first.DisposeAsync();
        await using (var second = Load(path)) Assert.NotEqual(at, Ask(second).At);
        open.Dispose();
        await using var third = Load(path);
        await using var fourth = Load(path);
        Assert.Contains(at, new[] { Ask(third).At, Ask(fourth).At });
    }

    [Fact]
    public async Task Retired_WithoutTheCallback_EachLoadHasAnImage()
    {
        string path = NativeObject.Build(_folder, NativeObject.Start + Counting(""));
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (int load = 0; load < 3; load++)
        {
            await using var plugin = Load(path);
            seen.Add(Ask(plugin).At);
        }

        Assert.Equal(3, seen.Count);
    }

    private static (int Status, string At) Ask(NativePlugin plugin)
    {
        using var stream = plugin.TryBegin(new HttpStream(), out _)!;
        stream.OnRequestHeaders(true);
        return (stream.LocalResponse!.Status, Convert.ToHexString(stream.LocalResponse.Body.Span));
    }

    private static string Answering(int status) =>
        "static const bimetal_host *s;\n"
        + $"static int32_t headers(void *p, bimetal_stream t, void *v, uint32_t e) {{ (void)p; (void)v; (void)e; s->send_local_response(t, {status}, 0, 0, 0, 0); return 1; }}\n"
        + "int32_t bimetal_plugin_init(const bimetal_host *h, bimetal_plugin *p) { s = h; p->abi_version = 1; p->request_headers = headers; return 0; }";

    private static NativePlugin Load(string path, PluginHostServices? services = null) =>
        NativePlugin.Load(new PluginConfig { Name = "test", Bundle = path, Trust = Trust.FirstParty, Configuration = Encoding.UTF8.GetBytes("x") }, new PluginSource(path), services ?? new PluginHostServices());

    private static int Status(Plugin plugin)
    {
        var stream = new HttpStream();
        stream.RequestHeaders.Add(":path"u8.ToArray(), "/"u8.ToArray());
        using var running = plugin.TryBegin(stream, out _)!;
        running.OnRequestHeaders(true);
        return running.LocalResponse?.Status ?? 0;
    }
}
