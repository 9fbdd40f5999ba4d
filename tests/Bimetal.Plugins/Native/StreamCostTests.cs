// What a request through a native plugin leaves to the collector, and that what a plugin writes is judged however often it writes it.

using System.Text;
using Bimetal.Plugins.Native;
using Bimetal.Plugins.Streams;
using Bimetal.Plugins.Tests.Streams;
using Bimetal.Testing;

namespace Bimetal.Plugins.Tests.Native;

public sealed class StreamCostTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>The stream, and the map's room for the field; nothing for the field itself, the waiter or memory that nobody borrows.</summary>
    [Fact]
    public async Task Native_ThatSetsOneField_LeavesOneObject()
    {
        await using var plugin = Load("s->header_set(t, 2, \"x-stamp\", 7, \"bimetal\", 7);");
        var exchange = new HttpStream();
        Headers.Fill(exchange.ResponseHeaders, (":status", "200"));
        for (int warm = 0; warm < 100; warm++) Run(plugin, exchange);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int time = 0; time < 1000; time++) Run(plugin, exchange);
        Assert.InRange((GC.GetAllocatedBytesForCurrentThread() - before) / 1000, 0, 256);
        Assert.Equal([":status=200", "x-stamp=bimetal"], exchange.ResponseHeaders.Lines());
    }

    [Fact]
    public async Task Native_FieldThatSplitsTheMessage_IsRefusedEachTime()
    {
        await using var plugin = Load("s->header_set(t, 2, \"x-stamp\", 7, \"a\\r\\nb\", 4); s->header_add(t, 2, \"x:\", 2, \"a\", 1);");
        var exchange = new HttpStream();
        for (int time = 0; time < 5; time++) Run(plugin, exchange);
        Assert.Equal(0, exchange.ResponseHeaders.Count);
    }

    [Fact]
    public async Task Native_FieldWithTwoValues_IsWrittenEachTime()
    {
        await using var plugin = Load("s->header_add(t, 2, \"x-a\", 3, \"1\", 1); s->header_set(t, 2, \"X-A\", 3, \"2\", 1); s->header_add(t, 2, \"x-a\", 3, \"1\", 1);");
        for (int time = 0; time < 5; time++)
        {
            var exchange = new HttpStream();
            Run(plugin, exchange);
            Assert.Equal(["x-a=2", "x-a=1"], exchange.ResponseHeaders.Lines());
        }
    }

    private NativePlugin Load(string body)
    {
        string source = NativeObject.Start + $"static const bimetal_host *s;\nstatic int32_t headers(void *p, bimetal_stream t, void *v, uint32_t e) {{ (void)p; (void)v; (void)e; {body} return 0; }}\n"
            + "int32_t bimetal_plugin_init(const bimetal_host *h, bimetal_plugin *p) { s = h; p->abi_version = 1; p->response_headers = headers; return 0; }";
        string path = NativeObject.Build(_folder, source);
        var config = new PluginConfig { Name = "test", Bundle = path, Trust = Trust.FirstParty, Configuration = Encoding.UTF8.GetBytes("x"), Limits = new PluginLimits() };
        return NativePlugin.Load(config, new PluginSource(path), new PluginHostServices());
    }

    private static void Run(NativePlugin plugin, HttpStream exchange)
    {
        using var stream = plugin.TryBegin(exchange, out _)!;
        bool isThrough = stream.OnRequestHeaders(endOfStream: true) == FilterAction.Continue && stream.OnResponseHeaders(endOfStream: true) == FilterAction.Continue;
        stream.OnLog();
        Assert.True(isThrough && stream.Failure is null);
    }
}
