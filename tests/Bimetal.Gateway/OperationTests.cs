// What runs beside the requests: the watch on the configuration file, what a reload says, the service manager, draining.

using System.Net;
using System.Net.Sockets;
using System.Text;
using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Operation;
using Bimetal.Gateway.Telemetry;
using Bimetal.Gateway.Tests.Support;

namespace Bimetal.Gateway.Tests;

public sealed class OperationTests : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(20);

    private readonly string _folder = Directory.CreateTempSubdirectory("bimetal-operation-").FullName;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task FileWatch_SeesAWriteInPlace_ARename_AndAFileThatCameBack()
    {
        string path = Write("gateway.yaml", "1");
        using var changes = new SemaphoreSlim(0);
        await using var watch = Watch(path, changes);
        Write("gateway.yaml", "22");
        await Seen(changes);
        File.Move(Write("next.yaml", "333"), path, overwrite: true);
        await Seen(changes);
        File.Delete(path);
        await Task.Delay(5 * Interval, Cancellation);
        Assert.Equal(0, changes.CurrentCount);
        Write("gateway.yaml", "4444");
        await Seen(changes);
    }

    [Fact]
    public async Task FileWatch_SeesTheLinkSwitchOfAKubernetesConfigMap()
    {
        // /etc/config/gateway.yaml -> ..data/gateway.yaml, ..data -> ..2026_01; a change renames a new ..data over the old one. The files
        // have the same length and time.
        var at = new DateTime(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc);
        foreach (string version in (string[])["..2026_01", "..2026_02"])
        {
            Directory.CreateDirectory(Path.Combine(_folder, version));
            File.SetLastWriteTimeUtc(Write(version + "/gateway.yaml", "same"), at);
        }

        Directory.CreateSymbolicLink(Path.Combine(_folder, "..data"), "..2026_01");
        string path = Path.Combine(_folder, "gateway.yaml");
        File.CreateSymbolicLink(path, "..data/gateway.yaml");
        using var changes = new SemaphoreSlim(0);
        await using var watch = Watch(path, changes);
        await Task.Delay(5 * Interval, Cancellation);
        Assert.Equal(0, changes.CurrentCount);
        Directory.CreateSymbolicLink(Path.Combine(_folder, "..data_tmp"), "..2026_02");
        Rename(Path.Combine(_folder, "..data_tmp"), Path.Combine(_folder, "..data"));
        await Seen(changes);
    }

    [Fact]
    public async Task Reload_OfABadFile_ChangesNothing_AndSaysWhyWithTheLine()
    {
        await using var first = WireUpstream.Answering("first");
        await using var second = WireUpstream.Answering("second");
        string path = Write("gateway.yaml", Yaml(first));
        var log = new LogText();
        var options = new GatewayOptions { Log = new LineLog(log), ReadConfiguration = () => ConfigReader.Read(path) };
        await using var host = await GatewayHost.StartAsync(ConfigReader.Read(path).Config!, options, Cancellation);
        Write("gateway.yaml", Yaml(second) + "listners: []\n");
        var refused = await host.Reloader.ReloadAsync("file");
        Assert.False(refused.IsApplied);
        Assert.StartsWith($"{path}:4: listners: unknown key; did you mean 'listeners'?", Assert.Single(refused.Problems));
        Assert.Equal(1, refused.Generation);
        Assert.Contains($"error reload: {path}:4: listners: unknown key", log.ToString());
        using var client = await WireClient.ConnectAsync(host.Listeners[0].Address);
        Assert.Equal("first", (await client.GetAsync("/")).Text);
        Write("gateway.yaml", Yaml(second));
        Assert.True((await host.Reloader.ReloadAsync("SIGHUP")).IsApplied);
        Assert.Equal("second", (await client.GetAsync("/")).Text);
        Assert.Contains("reload (SIGHUP): configuration 2 is in force", log.ToString());
    }

    [Fact]
    public async Task ServiceManager_IsToldOfReadiness_ReloadsAndTheWatchdog()
    {
        string path = Path.Combine(_folder, "notify");
        using var manager = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        manager.Bind(new UnixDomainSocketEndPoint(path));
        using var notify = ServiceNotify.FromEnvironment(name => name switch
        {
            "NOTIFY_SOCKET" => path,
            "WATCHDOG_USEC" => "40000",
            "WATCHDOG_PID" => Environment.ProcessId.ToString(),
            _ => null,
        });
        await using var upstream = WireUpstream.Answering();
        string config = Write("gateway.yaml", Yaml(upstream));
        var options = new GatewayOptions { ReadConfiguration = () => ConfigReader.Read(config), Notify = notify };
        await using var host = await GatewayHost.StartAsync(ConfigReader.Read(config).Config!, options, Cancellation);
        await host.Reloader.ReloadAsync("SIGHUP");
        notify!.Stopping();
        var messages = new List<string>();
        while (!messages.Contains("STOPPING=1") || messages.Count(message => message == "WATCHDOG=1") < 3)
        {
            byte[] buffer = new byte[4096];
            int length = await manager.ReceiveAsync(buffer, Cancellation).AsTask().WaitAsync(TimeSpan.FromSeconds(20), Cancellation);
            messages.Add(Encoding.UTF8.GetString(buffer, 0, length).Split('\n')[0]);
            if (messages[^1] == "RELOADING=1") Assert.Matches("^RELOADING=1\nMONOTONIC_USEC=[0-9]+\n$", Encoding.UTF8.GetString(buffer, 0, length));
        }

        Assert.Equal(["RELOADING=1", "READY=1", "STOPPING=1"], messages.Where(message => message != "WATCHDOG=1"));
    }

    [Fact]
    public async Task ServiceManager_ThatIsNotThere_HarmsNothing()
    {
        Assert.Null(ServiceNotify.FromEnvironment(static _ => null));
        Assert.Null(ServiceNotify.FromEnvironment(static name => name == "NOTIFY_SOCKET" ? "vsock:2:1" : null));
        using var gone = ServiceNotify.FromEnvironment(name => name == "NOTIFY_SOCKET" ? Path.Combine(_folder, "gone") : null);
        gone!.Ready("serving");
        await Task.CompletedTask;
    }

    [Fact]
    public async Task Draining_TellsReadyzAtOnce_AndAsksClientsToCloseTheirConnections()
    {
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await TestGateway.StartAsync(upstream);
        using var kept = await gateway.ConnectAsync();
        using var admin = await WireClient.ConnectAsync(gateway.Host.AdminAddress!);
        Assert.False((await kept.GetAsync("/")).Has("connection"));
        Assert.Equal(200, (await admin.ExchangeAsync("GET /readyz HTTP/1.1\r\nhost: localhost\r\n\r\n")).Status);
        gateway.Host.BeginDrain();
        Assert.Equal(503, (await admin.ExchangeAsync("GET /readyz HTTP/1.1\r\nhost: localhost\r\n\r\n")).Status);
        Assert.Equal(200, (await admin.ExchangeAsync("GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n")).Status);
        var answer = await kept.GetAsync("/");
        Assert.Equal("hello", answer.Text);
        Assert.Equal("close", answer["connection"]);
        Assert.Equal("close", (await gateway.GetAsync("/"))["connection"]);
    }

    private static FileWatch Watch(string path, SemaphoreSlim changes) => new(() => [path], Interval, () =>
    {
        changes.Release();
        return Task.CompletedTask;
    });

    private static async Task Seen(SemaphoreSlim changes) => Assert.True(await changes.WaitAsync(TimeSpan.FromSeconds(20), Cancellation), "the change was not seen");

    private static string Yaml(WireUpstream upstream) =>
        $"listeners: [ {{ address: 127.0.0.1:0 }} ]\nupstreams: {{ up: {{ endpoints: [http://127.0.0.1:{upstream.Port}] }} }}\nroutes: [ {{ match: {{ path: \"/{{rest...}}\" }}, upstream: up }} ]\n";

    private string Write(string name, string text)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllText(path, text);
        return path;
    }

    // Directory.Move refuses to replace; what Kubernetes does is rename(2).
    private static void Rename(string from, string to)
    {
        using var process = System.Diagnostics.Process.Start("mv", ["-T", from, to]);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }
}
