// Reloading: applied as a whole or not at all, without losing a request; plugins, listeners and the access log that did not change stay.

using System.Net;
using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Tests.Support;
using Bimetal.Plugins;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Tests;

public sealed class ReloadTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Reload_ServesTheNewRoutes_OnTheSameConnection()
    {
        await using var first = WireUpstream.Answering("first");
        await using var second = WireUpstream.Answering("second");
        await using var gateway = await TestGateway.StartAsync(first);
        using var client = await gateway.ConnectAsync();
        Assert.Equal("first", (await client.GetAsync("/")).Text);
        await gateway.Host.ReloadAsync(To(gateway, second), Cancellation);
        Assert.Equal("second", (await client.GetAsync("/")).Text);
    }

    [Fact]
    public async Task RequestInFlight_EndsOnTheConfigurationItBeganWith()
    {
        var release = new TaskCompletionSource();
        await using var slow = new WireUpstream(async call =>
        {
            await release.Task;
            await call.WriteAsync("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nold");
        });
        await using var second = WireUpstream.Answering("new");
        var plugin = new FakePlugin { Name = "mark", ResponseHeaders = static call => Mark(call, "old") };
        await using var gateway = await TestGateway.StartAsync(slow, plugin);
        using var client = await gateway.ConnectAsync();
        await client.SendAsync("GET / HTTP/1.1\r\nhost: test\r\n\r\n");
        while (slow.Received.IsEmpty) await Task.Delay(5, Cancellation);
        await gateway.Host.ReloadAsync(To(gateway, second) with { Plugins = new Dictionary<string, PluginConfig>() }, Cancellation);
        Assert.Equal("new", (await gateway.GetAsync("/")).Text);
        Assert.Equal(0, plugin.Ended);
        release.SetResult();
        var answer = await client.ReceiveAsync();
        Assert.Equal("old", answer.Text);
        Assert.Equal("old", answer["x-mark"]);
        while (plugin.Ended == 0) await Task.Delay(5, Cancellation);
        Assert.Equal("new", (await client.GetAsync("/")).Text);
    }

    [Fact]
    public async Task PluginThatDidNotChange_IsTakenOver_AndTheOthersAreLoadedAnew()
    {
        using var folder = new PluginFiles("kept", "config", "code", "gone");
        await using var upstream = WireUpstream.Answering();
        var loads = new List<FakePlugin>();
        await using var host = await GatewayHost.StartAsync(folder.Config(upstream, "kept", "config", "code", "gone"), folder.Options(loads), Cancellation);
        Assert.Equal(["code", "config", "gone", "kept"], loads.Select(plugin => plugin.Name).Order());
        folder.Write("code", "version 2");
        var next = folder.Config(upstream, "kept", "config", "code", "new-one");
        var changed = next.Plugins.ToDictionary(pair => pair.Key, pair => pair.Key == "config" ? pair.Value with { Configuration = "{}"u8.ToArray() } : pair.Value);
        await host.ReloadAsync(next with { Plugins = changed }, Cancellation);
        Assert.Equal(["code", "config", "new-one"], loads.Skip(4).Select(plugin => plugin.Name).Order());
        while (loads.Sum(plugin => plugin.Ended) < 3) await Task.Delay(5, Cancellation);
        Assert.Equal(["code", "config", "gone"], loads.Where(plugin => plugin.Ended > 0).Select(plugin => plugin.Name).Order());
        Assert.Same(loads.Single(plugin => plugin.Name == "kept"), host.Plugins["kept"]);
        await host.StopAsync(TimeSpan.FromSeconds(1));
        Assert.All(loads, plugin => Assert.Equal(1, plugin.Ended));
    }

    [Fact]
    public async Task PluginThatCannotBeLoaded_ChangesNothing()
    {
        using var folder = new PluginFiles("good");
        await using var upstream = WireUpstream.Answering();
        await using var other = WireUpstream.Answering("other");
        var loads = new List<FakePlugin>();
        await using var host = await GatewayHost.StartAsync(folder.Config(upstream, "good"), folder.Options(loads), Cancellation);
        var exception = await Assert.ThrowsAsync<GatewayStartException>(() => host.ReloadAsync(folder.Config(other, "good", "broken"), Cancellation));
        Assert.Equal("plugins.broken: broken: does not load", exception.Message);
        using var client = await WireClient.ConnectAsync(host.Listeners[0].Address);
        Assert.Equal("hello", (await client.GetAsync("/")).Text);
        Assert.Equal(0, loads.Single().Ended);
    }

    [Fact]
    public async Task AddressThatIsTaken_ChangesNothing_AndClosesWhatWasOpenedForIt()
    {
        await using var upstream = WireUpstream.Answering();
        await using var other = WireUpstream.Answering("other");
        await using var occupied = await TestGateway.StartAsync(upstream);
        await using var gateway = await TestGateway.StartAsync(upstream);
        int free = FreePort();
        var config = To(gateway, other) with
        {
            Listeners = [Listener(0, 0), Listener(1, free), Listener(2, occupied.Address.Port)],
        };
        var exception = await Assert.ThrowsAsync<GatewayStartException>(() => gateway.Host.ReloadAsync(config, Cancellation));
        Assert.StartsWith($"listeners[2]: cannot listen on 127.0.0.1:{occupied.Address.Port}: the port is in use", exception.Message);
        Assert.Equal("hello", (await gateway.GetAsync("/")).Text);
        await Assert.ThrowsAnyAsync<System.Net.Sockets.SocketException>(() => WireClient.ConnectAsync(new IPEndPoint(IPAddress.Loopback, free)));
    }

    [Fact]
    public async Task ChangedAddress_IsOpened_AndTheOldOneFinishesItsRequests()
    {
        var release = new TaskCompletionSource();
        await using var upstream = new WireUpstream(async call =>
        {
            if (call.Head.Target == "/slow") await release.Task;
            await call.WriteAsync("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
        });
        await using var gateway = await TestGateway.StartAsync(upstream);
        var old = gateway.Address;
        using var client = await gateway.ConnectAsync();
        await client.SendAsync("GET /slow HTTP/1.1\r\nhost: test\r\n\r\n");
        while (upstream.Received.IsEmpty) await Task.Delay(5, Cancellation);
        int port = FreePort();
        await gateway.Host.ReloadAsync(To(gateway, upstream) with { Listeners = [Listener(0, port)] }, Cancellation);
        Assert.Equal(port, gateway.Address.Port);
        Assert.Equal(200, (await gateway.GetAsync("/")).Status);
        release.SetResult();
        Assert.Equal("ok", (await client.ReceiveAsync()).Text);
        await Assert.ThrowsAnyAsync<System.Net.Sockets.SocketException>(async () =>
        {
            for (int attempt = 0; attempt < 200; attempt++)
            {
                using var late = await WireClient.ConnectAsync(old);
                await Task.Delay(20, Cancellation);
            }
        });
    }

    [Theory]
    [InlineData("*", "127.0.0.1")]
    [InlineData("127.0.0.1", "*")]
    [InlineData("127.0.0.1", "[::1]")]
    public async Task AddressThatOverlapsTheOldOne_TakesItsPlace(string before, string after)
    {
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await TestGateway.StartAsync(upstream);
        int port = FreePort();
        await gateway.Host.ReloadAsync(gateway.Host.Model.Config with { Listeners = [On(before, port)] }, Cancellation);
        using var kept = await WireClient.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port));
        Assert.Equal("hello", (await kept.GetAsync("/")).Text);
        await gateway.Host.ReloadAsync(gateway.Host.Model.Config with { Listeners = [On(after, port)] }, Cancellation);
        while (gateway.Host.RetiredModelCount > 0) await Task.Delay(10, Cancellation);
        using var late = await WireClient.ConnectAsync(new IPEndPoint(after == "[::1]" ? IPAddress.IPv6Loopback : IPAddress.Loopback, port));
        Assert.Equal("hello", (await late.GetAsync("/")).Text);

        // Nobody else can have it because of that.
        var another = Assert.Throws<System.Net.Sockets.SocketException>(() => BindEverywhere(port));
        Assert.Equal(System.Net.Sockets.SocketError.AddressAlreadyInUse, another.SocketErrorCode);
    }

    [Fact]
    public async Task HundredReloadsUnderLoad_LoseNoRequest()
    {
        await using var first = WireUpstream.Answering("1");
        await using var second = WireUpstream.Answering("2");
        var plugin = new FakePlugin { Name = "mark", RequestHeaders = static _ => FilterAction.Continue };
        await using var gateway = await TestGateway.StartAsync(first, plugin);
        using var stop = new CancellationTokenSource();
        int served = 0;
        var clients = Enumerable.Range(0, 8).Select(_ => Task.Run(() => LoadAsync(gateway, () => Interlocked.Increment(ref served), stop.Token), Cancellation)).ToList();
        for (int round = 0; round < 100; round++)
        {
            int seen = Volatile.Read(ref served);
            while (Volatile.Read(ref served) < seen + 8 && clients.TrueForAll(client => !client.IsFaulted)) await Task.Delay(1, Cancellation);
            var config = To(gateway, round % 2 == 0 ? second : first);
            await gateway.Host.ReloadAsync(round % 3 == 0 ? config with { Listeners = [Listener(0, 0), Listener(1, 0)] } : config, Cancellation);
        }

        await stop.CancelAsync();
        await Task.WhenAll(clients);
        Assert.True(!first.Received.IsEmpty && !second.Received.IsEmpty);
        while (gateway.Host.RetiredModelCount > 0) await Task.Delay(10, Cancellation);
    }

    /// <summary>Half of the requests on one connection, half on new ones; throws for the first that fails.</summary>
    private static async Task LoadAsync(TestGateway gateway, Action served, CancellationToken stop)
    {
        using var kept = await gateway.ConnectAsync();
        while (!stop.IsCancellationRequested)
        {
            Assert.Equal(200, (await kept.GetAsync("/kept")).Status);
            Assert.Equal(200, (await gateway.PostAsync("/new", "body")).Status);
            served();
        }
    }

    private static FilterAction Mark(FakeCall call, string value)
    {
        call.SetResponse("x-mark", value);
        return FilterAction.Continue;
    }

    private static GatewayConfig To(TestGateway gateway, WireUpstream upstream) => gateway.Host.Model.Config with
    {
        Upstreams = new Dictionary<string, UpstreamConfig> { ["up"] = new() { Name = "up", Endpoints = [new Uri($"http://127.0.0.1:{upstream.Port}")] } },
        Routes = [new RouteConfig { Upstream = "up" }],
    };

    private static ListenerConfig Listener(int index, int port) => new($"listeners[{index}]", new IPEndPoint(IPAddress.Loopback, port));

    private static ListenerConfig On(string address, int port)
    {
        Assert.True(ConfigScalars.TryAddress($"{address}:{port}", out var endpoint));
        return new ListenerConfig("listeners[0]", endpoint);
    }

    private static void BindEverywhere(int port)
    {
        using var socket = new System.Net.Sockets.Socket(System.Net.Sockets.AddressFamily.InterNetworkV6, System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Tcp);
        socket.DualMode = true;
        socket.Bind(new IPEndPoint(IPAddress.IPv6Any, port));
        socket.Listen();
    }

    private static int FreePort()
    {
        using var listener = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>Plugin files whose content is what the plugin is, and a loader of fakes that counts.</summary>
    private sealed class PluginFiles : IDisposable
    {
        private readonly string _folder = Directory.CreateTempSubdirectory("bimetal-reload-").FullName;

        public PluginFiles(params string[] names)
        {
            foreach (string name in names) Write(name, "version 1");
        }

        public void Write(string name, string content) => File.WriteAllText(PathOf(name), content);

        public GatewayConfig Config(WireUpstream upstream, params string[] plugins) => new()
        {
            Listeners = [Listener(0, 0)],
            Upstreams = new Dictionary<string, UpstreamConfig> { ["up"] = new() { Name = "up", Endpoints = [new Uri($"http://127.0.0.1:{upstream.Port}")] } },
            Plugins = plugins.ToDictionary(name => name, name => new PluginConfig { Name = name, Bundle = PathOf(name), Configuration = "same"u8.ToArray() }),
            Routes = [new RouteConfig { Upstream = "up", Filters = [.. plugins.Select(name => new PluginFilterConfig(name))] }],
        };

        public GatewayOptions Options(List<FakePlugin> loads) => new()
        {
            LoadPlugin = (config, _) =>
            {
                if (config.Name == "broken") throw new PluginLoadException("broken: does not load");
                var plugin = new FakePlugin { Name = config.Name };
                lock (loads) loads.Add(plugin);
                return Task.FromResult<Plugin>(plugin);
            },
        };

        public void Dispose() => Directory.Delete(_folder, recursive: true);

        private string PathOf(string name) => Path.Combine(_folder, name + ".wasm");
    }
}
