// The access log: templates, escaping, opening the file again after it was renamed, lines that are lost.

using System.Net;
using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Tests.Support;

namespace Bimetal.Gateway.Tests;

public sealed class AccessLogTests
{
    [Fact]
    public async Task Template_IsFilledIn_AndWhatClientsSendIsEscaped()
    {
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await StartAsync(upstream, new AccessLogConfig("-", "${client} \"$method $target\" $status $request_bytes/$response_bytes $upstream \"$http_user_agent\" $http_x_none $error"));
        await gateway.PostAsync("/a?\"b\"", "12345", "user-agent: a\"b\\c\u00e9\tx\r\n");
        await gateway.Host.StopAsync(TimeSpan.FromSeconds(5));
        Assert.Equal("127.0.0.1 \"POST /a?\\x22b\\x22\" 200 5/5 up \"a\\x22b\\x5Cc\\xE9\\x09x\" - -\n", gateway.AccessLog);
    }

    [Theory]
    [InlineData("$client $nothing", "'$nothing'")]
    [InlineData("$", "'$'")]
    [InlineData("${client", "'${client'")]
    [InlineData("$http_", "'$http_'")]
    public void TemplateWithAnUnknownVariable_IsAnError(string template, string named)
    {
        var result = ConfigReader.Parse($"listeners: [ {{ address: 127.0.0.1:0 }} ]\ntelemetry: {{ access_log: {{ path: \"-\", format: '{template}' }} }}\n", "g.yaml", "/");
        Assert.Contains("g.yaml:2: telemetry.access_log.format: there is no variable ", Assert.Single(result.Errors).ToString());
        Assert.Contains(named.Trim('\'').Replace("{", "", StringComparison.Ordinal), Assert.Single(result.Errors).ToString());
    }

    [Fact]
    public async Task RenamedFile_IsOpenedAgain_WithoutLosingALine()
    {
        string folder = Directory.CreateTempSubdirectory("bimetal-log-").FullName;
        string path = Path.Combine(folder, "access.log"), rotated = Path.Combine(folder, "access.log.1");
        await using var upstream = WireUpstream.Answering();
        await using (var gateway = await StartAsync(upstream, new AccessLogConfig(path, "$target")))
        {
            await gateway.GetAsync("/1");
            await WrittenAsync(path, "/1\n");
            File.Move(path, rotated);
            await gateway.GetAsync("/2");
            await WrittenAsync(rotated, "/1\n/2\n");
            gateway.Host.ReopenLogs();
            await gateway.GetAsync("/3");
            await WrittenAsync(path, "/3\n");
            await gateway.Host.ReloadAsync(gateway.Host.Model.Config, TestContext.Current.CancellationToken);
            await gateway.GetAsync("/4");
        }

        Assert.Equal("/3\n/4\n", await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken));
        Assert.Equal("/1\n/2\n", await File.ReadAllTextAsync(rotated, TestContext.Current.CancellationToken));
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task TargetThatFails_IsCounted_AndStopsNothing()
    {
        await using var upstream = WireUpstream.Answering();
        var config = new GatewayConfig
        {
            Listeners = [new ListenerConfig("listeners[0]", new IPEndPoint(IPAddress.Loopback, 0))],
            Telemetry = new TelemetryConfig { AccessLog = new AccessLogConfig("/dev/full") },
            Upstreams = new Dictionary<string, UpstreamConfig> { ["up"] = new() { Name = "up", Endpoints = [new Uri($"http://127.0.0.1:{upstream.Port}")] } },
            Routes = [new RouteConfig { Upstream = "up" }],
        };
        await using var host = await GatewayHost.StartAsync(config, new GatewayOptions(), TestContext.Current.CancellationToken);
        using var client = await WireClient.ConnectAsync(host.Listeners[0].Address);
        for (int round = 0; round < 3; round++) Assert.Equal(200, (await client.GetAsync("/")).Status);
        while (host.Model.Telemetry.AccessLog!.DroppedLines < 3) await Task.Delay(10, TestContext.Current.CancellationToken);
    }

    private static Task<TestGateway> StartAsync(WireUpstream upstream, AccessLogConfig log) => TestGateway.StartAsync(
        new Uri($"http://127.0.0.1:{upstream.Port}"), config => config with { Telemetry = config.Telemetry with { AccessLog = log } });

    private static async Task WrittenAsync(string path, string text)
    {
        while (!File.Exists(path) || await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken) != text) await Task.Delay(10, TestContext.Current.CancellationToken);
    }
}
