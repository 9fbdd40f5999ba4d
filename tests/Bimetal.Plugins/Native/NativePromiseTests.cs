// Lines of docs/promises.md about the native metal: what it does not promise is shown, too.

using System.Text;
using Bimetal.Plugins.Native;
using Bimetal.Plugins.Streams;
using Bimetal.Testing;

namespace Bimetal.Plugins.Tests.Native;

public sealed class NativePromiseTests : IDisposable
{
    private const string Init = "int32_t bimetal_plugin_init(const bimetal_host *h, bimetal_plugin *p) { s = h; p->abi_version = 1; p->request_headers = headers; return 0; }";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Native_LongPastItsLimits_GoesOn_AndIsMeasured()
    {
        var limits = new PluginLimits { CpuPerCallback = TimeSpan.FromMilliseconds(1), CpuPerStream = TimeSpan.FromMilliseconds(1) };
        await using var plugin = Load("static volatile uint32_t s_turns;\n" + Headers("for (uint32_t i = 0; i < 20000000; i++) s_turns++; s->send_local_response(t, 204, 0, 0, 0, 0); return 1;"), limits);
        Assert.Equal(204, Run(plugin, new HttpStream()));
        Assert.True(plugin.Statistics.EstimatedCpu > limits.CpuPerCallback, $"{plugin.Statistics.EstimatedCpu}");
    }

    /// <summary>One plugin tells where a number of its own lies, the other one changes it.</summary>
    [Fact]
    public async Task Native_ReachesTheMemoryOfAnotherPlugin()
    {
        await using var owner = Load("static volatile uint32_t s_status = 201; static volatile uint32_t *s_at = &s_status;\n"
            + Headers("if (s->property_set(t, \"at\", 2, (const void *)&s_at, sizeof s_at) != 0) return 1; s->send_local_response(t, s_status, 0, 0, 0, 0); return 1;"));
        await using var other = Load(Headers("bimetal_slice x; if (s->property_get(t, \"at\", 2, &x) != 0 || x.length != 8) return 1; uint32_t *at; __builtin_memcpy(&at, x.data, 8); *at = 299; return 0;"));
        var exchange = new HttpStream();
        Assert.Equal(201, Run(owner, exchange));
        Assert.Equal(0, Run(other, exchange));
        Assert.Equal(299, Run(owner, exchange));
    }

    [Fact]
    public async Task Native_Globals_AreSharedByAllThreads()
    {
        await using var plugin = Load("static uint32_t s_count;\n"
            + Headers("s->send_local_response(t, 200 + __atomic_add_fetch(&s_count, 1, __ATOMIC_RELAXED) % 400, 0, 0, 0, 0); return 1;"));
        int[] seen = new int[100];
        Parallel.For(0, seen.Length, new ParallelOptions { MaxDegreeOfParallelism = 8 }, index => seen[index] = Run(plugin, new HttpStream()));
        Assert.Equal(Enumerable.Range(201, 100), seen.Order());
    }

    private static string Headers(string body) =>
        $"static const bimetal_host *s;\nstatic int32_t headers(void *p, bimetal_stream t, void *v, uint32_t e) {{ (void)p; (void)v; (void)e; {body} }}\n";

    private NativePlugin Load(string source, PluginLimits? limits = null)
    {
        string path = NativeObject.Build(_folder, NativeObject.Start + source + Init);
        var config = new PluginConfig { Name = "test", Bundle = path, Trust = Trust.FirstParty, Configuration = Encoding.UTF8.GetBytes("x"), Limits = limits ?? new PluginLimits() };
        return NativePlugin.Load(config, new PluginSource(path), new PluginHostServices { MeasureOneIn = 1 });
    }

    private static int Run(NativePlugin plugin, HttpStream exchange)
    {
        using var stream = plugin.TryBegin(exchange, out _)!;
        stream.OnRequestHeaders(endOfStream: true);
        Assert.Null(stream.Failure);
        return stream.LocalResponse?.Status ?? 0;
    }
}
