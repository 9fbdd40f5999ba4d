// The demo with the real plugins on their metals. Slow the first time: both plugins are compiled.

using Bimetal.Gateway.Demo;
using Bimetal.Gateway.Telemetry;
using Bimetal.Gateway.Tests.Support;
using Bimetal.Testing;

namespace Bimetal.Gateway.Tests;

public sealed class DemoTests
{
    private static string PluginsFolder => Path.Combine(Repository.Root, "plugins");

    [Fact]
    public async Task Demo_ServesBothPlugins()
    {
        var log = new LogText();
        var options = new DemoOptions { PluginsFolder = PluginsFolder, Address = new(System.Net.IPAddress.Loopback, 0), Gateway = new GatewayOptions { Log = new LineLog(log) } };
        await using var demo = await DemoGateway.StartAsync(options, TestContext.Current.CancellationToken);
        TestContext.Current.TestOutputHelper?.WriteLine(string.Join('\n', demo.Lines) + log);
        Assert.Contains("warn  plugin token-auth runs native", log.ToString());
        using var client = await WireClient.ConnectAsync(demo.Host.Listeners[0].Address);
        Assert.Equal(401, (await client.GetAsync("/api/x")).Status);
        string token = demo.Lines.Single(line => line.Contains("Bearer", StringComparison.Ordinal)).Split('\'')[1];
        var passed = await client.GetAsync("/api/x", token + "\r\n");
        Assert.Equal(200, passed.Status);
        Assert.Contains("x-token-subject: alice", passed.Text);
        var image = await client.GetAsync("/images/photo-800x500.jpg");
        Assert.Equal("jpeg", image["x-image-type"]);
        Assert.Equal("800", image["x-image-width"]);
        Assert.Equal(File.ReadAllBytes(Path.Combine(PluginsFolder, "image-meta/cases/images/photo-800x500.jpg")), image.Body);
        Assert.Equal("truncated", (await client.GetAsync("/images/truncated-photo-800x500.jpg"))["x-image-error"]);
        Assert.Equal("type-mismatch", (await client.GetAsync("/images/lying-photo-800x500.jpg"))["x-image-error"]);
        Assert.Equal(404, (await client.GetAsync("/images/nothing")).Status);
    }

    [Fact]
    public async Task DemoOnce_BothMetals_GiveTheSameAnswers()
    {
        var result = await DemoOnce.RunAsync(new DemoOptions { PluginsFolder = PluginsFolder }, TestContext.Current.CancellationToken);
        TestContext.Current.TestOutputHelper?.WriteLine(string.Join('\n', result.Lines));
        Assert.Empty(result.Problems);
        Assert.True(result.HasHeld);
        Assert.Equal(6, result.Counts.Count);
    }
}
