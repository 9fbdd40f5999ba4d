// vm_config, and streams that a plugin keeps beyond their end: the same on both metals, from one source in C (tests/Plugins/keeper) or Rust.

using System.Text;
using Bimetal.Plugins.Bundles;
using Bimetal.Plugins.Streams;
using Bimetal.Plugins.Tests.Guests;
using Bimetal.Testing;

namespace Bimetal.Plugins.Tests.Native;

public sealed class KeptStreamTests
{
    private static readonly string[] s_plugins = ["keeper", "keeper-rust"];

    public static TheoryData<string, MetalChoice> Metals =>
        new(s_plugins.SelectMany(name => new[] { (name, MetalChoice.Native), (name, MetalChoice.Wasm) }));

    [Theory]
    [MemberData(nameof(Metals))]
    public async Task VmConfiguration_IsReadable_WhenThePluginStarts(string name, MetalChoice metal)
    {
        await using var keeper = await Keeper.LoadAsync(name, metal, vmConfiguration: "of the vm");
        using var stream = keeper.Begin("vm");
        stream.OnRequestHeaders(endOfStream: true);
        Assert.Equal("of the vm", Encoding.ASCII.GetString(stream.LocalResponse!.Body.Span));
    }

    [Theory]
    [MemberData(nameof(Metals))]
    public async Task VmConfiguration_ThatIsRefused_IsALoadError(string name, MetalChoice metal)
    {
        var error = await Assert.ThrowsAsync<PluginLoadException>(() => Keeper.LoadAsync(name, metal, vmConfiguration: "refuse"));
        Assert.Contains("refused to start", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Metals))]
    public async Task KeptStream_IsLoggedAndEnds_OnceItsPluginSaysSo(string name, MetalChoice metal)
    {
        await using var keeper = await Keeper.LoadAsync(name, metal);
        keeper.Exchange("keep");
        keeper.Exchange("pass");
        Assert.Equal((1, 0), (keeper["ended"], keeper["late"]));
        keeper.Time.Advance(TimeSpan.FromMilliseconds(10));
        await keeper.WaitForAsync("ended", 2);
        Assert.Equal((2, 1, 1, 1), (keeper["ended"], keeper["late"], keeper["done"], keeper["again"]));
    }

    /// <summary>Without on_log: broken off before.</summary>
    [Theory]
    [MemberData(nameof(Metals))]
    public async Task KeptStream_ThatWasNotLoggedByTheGateway_EndsTheSame(string name, MetalChoice metal)
    {
        await using var keeper = await Keeper.LoadAsync(name, metal);
        using (var stream = keeper.Begin("keep")) stream.OnRequestHeaders(endOfStream: true);
        Assert.Equal(0, keeper["ended"]);
        keeper.Time.Advance(TimeSpan.FromMilliseconds(10));
        await keeper.WaitForAsync("ended", 1);
        Assert.Equal((1, 1), (keeper["late"], keeper["done"]));
    }

    /// <summary>Fields are borrowed from the buffers of connections, which the next request gets.</summary>
    [Theory]
    [MemberData(nameof(Metals))]
    public async Task KeptStream_LogsItsOwnFields_WhateverTheBuffersHoldByThen(string name, MetalChoice metal)
    {
        await using var keeper = await Keeper.LoadAsync(name, metal);
        byte[] buffer = "keep"u8.ToArray();
        using (var stream = keeper.Begin(buffer))
        {
            stream.OnRequestHeaders(endOfStream: true);
            stream.OnLog();
        }

        "next"u8.CopyTo(buffer);
        keeper.Time.Advance(TimeSpan.FromMilliseconds(10));
        await keeper.WaitForAsync("ended", 1);
        Assert.Equal(1, keeper["late"]);
    }

    /// <summary>The plugin's own tick may come between the gateway's last callback and its letting go.</summary>
    [Theory]
    [MemberData(nameof(Metals))]
    public async Task StreamDone_BeforeTheGatewayLetsGo_EndsItOnce(string name, MetalChoice metal)
    {
        await using var keeper = await Keeper.LoadAsync(name, metal);
        using (var stream = keeper.Begin("keep"))
        {
            stream.OnRequestHeaders(endOfStream: true);
            stream.OnLog();
            keeper.Time.Advance(TimeSpan.FromMilliseconds(10));
            await keeper.WaitForAsync("done", 1);
        }

        await keeper.WaitForAsync("ended", 1);
        await Task.Delay(50, TestContext.Current.CancellationToken);
        Assert.Equal((1, 1, 1), (keeper["ended"], keeper["late"], keeper["again"]));
    }

    [Theory]
    [InlineData("keeper")]
    [InlineData("keeper-rust")]
    public async Task PerRequest_OnWasm_EndsAtOnce(string name)
    {
        await using var keeper = await Keeper.LoadAsync(name, MetalChoice.Wasm, InstancePolicy.PerRequest);
        keeper.Exchange("keep");
        Assert.Equal((1, 1), (keeper["ended"], keeper["late"]));
    }

    [Theory]
    [InlineData("keeper")]
    [InlineData("keeper-rust")]
    public async Task Native_Retired_EndsWhatItKept_WithoutLog(string name)
    {
        var keeper = await Keeper.LoadAsync(name, MetalChoice.Native);
        keeper.Exchange("keep");
        keeper.Exchange("keep");
        await keeper.DisposeAsync();
        await keeper.WaitForAsync("ended", 2);
        Assert.Equal(0, keeper["late"]);
    }

    [Fact]
    public async Task Native_BeyondTheLimit_StreamsEndAtOnce()
    {
        await using var keeper = await Keeper.LoadAsync("keeper", MetalChoice.Native);
        for (int count = 0; count < 16_384 + 3; count++) keeper.Exchange("keep");
        Assert.Equal((3, 3), (keeper["ended"], keeper["late"]));
        keeper.Time.Advance(TimeSpan.FromMilliseconds(10));
        await keeper.WaitForAsync("ended", 16_384 + 3);
        Assert.Equal(16_384, keeper["done"]);
    }

    /// <summary>Ticks, which end streams, beside exchanges that end themselves, on many threads.</summary>
    [Theory]
    [MemberData(nameof(Metals))]
    public async Task ManyStreams_EachEndsOnce(string name, MetalChoice metal)
    {
        await using var keeper = await Keeper.LoadAsync(name, metal, time: TimeProvider.System);
        Parallel.For(0, 2000, new ParallelOptions { MaxDegreeOfParallelism = 8 }, index => keeper.Exchange(index % 3 == 0 ? "pass" : "keep"));
        await keeper.WaitForAsync("ended", 2000);
        await Task.Delay(50, TestContext.Current.CancellationToken);
        Assert.Equal((2000, 1333, 1333), (keeper["ended"], keeper["late"], keeper["done"]));
    }

    /// <summary>A loaded keeper, with ticks, and its metrics.</summary>
    private sealed class Keeper(Plugin plugin, PluginHostServices services, VirtualTime time) : IAsyncDisposable
    {
        public VirtualTime Time => time;

        public long this[string metric] => services.States.Of(plugin.Name).Metrics.All.Single(one => one.Name == metric).Value;

        public static async Task<Keeper> LoadAsync(
            string name, MetalChoice metal, InstancePolicy instance = InstancePolicy.Shared, string vmConfiguration = "", TimeProvider? time = null)
        {
            var folder = PluginFolder.Open(Path.Combine(Repository.Root, "tests/Plugins", name));
            await PluginBuilder.EnsureAsync(folder, cancellation: TestContext.Current.CancellationToken);
            var virtualTime = new VirtualTime(DateTimeOffset.UnixEpoch);
            var services = new PluginHostServices { Engine = Guest.Engine, Time = time ?? virtualTime };
            var config = new PluginConfig
            {
                Name = name,
                Bundle = folder.Path,
                Trust = Trust.FirstParty,
                Metal = metal,
                Instance = instance,
                Limits = new PluginLimits { CpuPerCallback = TimeSpan.FromSeconds(5) },
                Configuration = "ticks"u8.ToArray(),
                VmConfiguration = Encoding.ASCII.GetBytes(vmConfiguration),
            };
            return new Keeper(await PluginLoader.LoadAsync(config, services, TestContext.Current.CancellationToken), services, virtualTime);
        }

        public PluginStream Begin(string what) => Begin(Encoding.ASCII.GetBytes(what));

        public PluginStream Begin(byte[] what)
        {
            var exchange = new HttpStream();
            exchange.RequestHeaders.Add(":path"u8.ToArray(), "/"u8.ToArray());
            exchange.RequestHeaders.Add("x-do"u8.ToArray(), what);
            var stream = plugin.TryBegin(exchange, out var failure);
            Assert.True(stream is not null, failure?.Detail);
            return stream;
        }

        public void Exchange(string what)
        {
            using var stream = Begin(what);
            stream.OnRequestHeaders(endOfStream: true);
            stream.OnLog();
        }

        public async Task WaitForAsync(string metric, long value)
        {
            for (int attempt = 0; this[metric] < value && attempt < 3000; attempt++) await Task.Delay(10, TestContext.Current.CancellationToken);
            Assert.Equal(value, this[metric]);
        }

        public ValueTask DisposeAsync() => plugin.DisposeAsync();
    }
}
