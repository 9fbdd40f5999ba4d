// The published binary in operation: reload on a file change and on SIGHUP, a bad file, what systemd is told, the drain on SIGTERM.

using System.Net.Sockets;
using System.Text;
using Bimetal.Testing;

namespace Bimetal.EndToEnd.Tests;

public sealed class OperationCommandTests
{
    [Fact]
    public async Task Run_TakesUpAChangedFile_RefusesABadOne_AndTakesItAgainOnHangUp()
    {
        await using var upstream = new LoopbackUpstream();
        await using var gateway = await RunningGateway.StartAsync(_ => Routes(upstream, "/one"));
        Assert.Equal(200, (await gateway.GetAsync("/one")).Status);
        Assert.Equal(404, (await gateway.GetAsync("/two")).Status);
        gateway.Rewrite(Routes(upstream, "/two"));
        await Printed(gateway, "reload (file): configuration 2 is in force");
        Assert.Equal(200, (await gateway.GetAsync("/two")).Status);
        gateway.Rewrite(Routes(upstream, "three"));
        await Printed(gateway, "reload (file) refused");
        Assert.Contains("gateway.yaml:4: routes[0].match.path: 'three' is not a path pattern", gateway.Process.Printed, StringComparison.Ordinal);
        Assert.Equal(200, (await gateway.GetAsync("/two")).Status);
        gateway.Process.HangUp();
        await Printed(gateway, "reload (SIGHUP) refused");
        Assert.Equal(200, (await gateway.GetAsync("/two")).Status);
    }

    [Fact]
    public async Task Run_TellsSystemdWhatItDoes_AndDrainsOnSigTerm()
    {
        using var folder = new TemporaryFolder();
        string path = Path.Combine(folder.Path, "notify");
        using var manager = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        manager.Bind(new UnixDomainSocketEndPoint(path));
        await using var upstream = new LoopbackUpstream();
        await using var gateway = await RunningGateway.StartAsync(
            _ => "shutdown: { delay: 300ms, drain: 10s }\n" + Routes(upstream, "/one"), ("NOTIFY_SOCKET", path));
        Assert.StartsWith("READY=1", await ReceiveAsync(manager), StringComparison.Ordinal);
        gateway.Process.HangUp();
        Assert.StartsWith("RELOADING=1\nMONOTONIC_USEC=", await ReceiveAsync(manager), StringComparison.Ordinal);
        Assert.StartsWith("READY=1", await ReceiveAsync(manager), StringComparison.Ordinal);
        var stopping = gateway.Process.TerminateAsync();
        Assert.StartsWith("STOPPING=1", await ReceiveAsync(manager), StringComparison.Ordinal);
        using var response = await gateway.Client.GetAsync(new Uri("/one", UriKind.Relative));
        Assert.Equal(200, (int)response.StatusCode);
        Assert.True(response.Headers.ConnectionClose);
        Assert.Equal(0, await stopping);
    }

    private static string Routes(LoopbackUpstream upstream, string path) =>
        $"upstreams:\n  up: {{ endpoints: [{upstream.Url}] }}\nroutes: [ {{ match: {{ path: {path} }}, upstream: up }} ]\n";

    private static Task<string> Printed(RunningGateway gateway, string text) =>
        gateway.Process.WaitForAsync(printed => printed.Contains(text, StringComparison.Ordinal) ? text : null);

    private static async Task<string> ReceiveAsync(Socket manager)
    {
        byte[] buffer = new byte[4096];
        int length = await manager.ReceiveAsync(buffer).WaitAsync(TimeSpan.FromSeconds(30));
        return Encoding.UTF8.GetString(buffer, 0, length);
    }
}
