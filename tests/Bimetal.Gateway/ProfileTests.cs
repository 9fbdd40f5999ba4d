// What a gateway makes of a profile: the choice of metal: auto in its log, both metals in /plugins and /metrics; and of a shadow in its configuration.

using System.Text.Json;
using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Tests.Support;
using Bimetal.Plugins;
using Bimetal.Plugins.Shadow;

namespace Bimetal.Gateway.Tests;

public sealed class ProfileTests
{
    [Fact]
    public async Task ValidProfile_IsObeyedAndShown_AndAnOutdatedOneIsNamed()
    {
        using var profiled = new ProfiledPlugin();
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await TestGateway.StartAsync(new Uri($"http://127.0.0.1:{upstream.Port}"), profiled.AddTo, new FakePlugin { Name = ProfiledPlugin.Name });
        Assert.Contains("plugin profiled: metal: auto chose wasm: the p99 on wasm of at most 23 us is within the budget of 10 ms", gateway.Log);
        var metrics = await MetricsTests.ReadAsync(gateway);
        Assert.Equal(4e-6, metrics.Value("bimetal_plugin_tax_seconds", ("plugin", "profiled")));
        Assert.Equal(21e-6, metrics.Value("bimetal_plugin_profile_p99_seconds", ("plugin", "profiled"), ("metal", "wasm")));
        Assert.Equal(7e-6, metrics.Value("bimetal_plugin_profile_p99_seconds", ("plugin", "profiled"), ("metal", "native")));
        using (var plugin = await PluginAsync(gateway))
        {
            var profile = plugin.RootElement.GetProperty("plugins")[0].GetProperty("profile");
            Assert.Equal((4, 3, 7), (profile.GetProperty("taxUs").GetDouble(), profile.GetProperty("taxRatio").GetDouble(), profile.GetProperty("otherMetalP99Us").GetDouble()));
            Assert.StartsWith("the p99 on wasm", plugin.RootElement.GetProperty("plugins")[0].GetProperty("choice").GetString(), StringComparison.Ordinal);
        }

        profiled.Outdate();
        await using var other = await TestGateway.StartAsync(new Uri($"http://127.0.0.1:{upstream.Port}"), profiled.AddTo, new FakePlugin { Name = ProfiledPlugin.Name });
        Assert.Contains("plugin profiled: metal: auto chose wasm: there is no valid profile (the plugin was built anew since)", other.Log);
        using var without = await PluginAsync(other);
        Assert.False(without.RootElement.GetProperty("plugins")[0].TryGetProperty("profile", out _));
    }

    [Theory]
    [InlineData("shadow: { metal: native }", "plugins.p.shadow: a third-party plugin never runs native, not as a shadow either")]
    [InlineData("metal: wasm, shadow: { metal: wasm }", "plugins.p.shadow: names the metal that the plugin runs on")]
    [InlineData("trust: first-party, metal: native, shadow: { metal: native }", "plugins.p.shadow: names the metal that the plugin runs on")]
    [InlineData("shadow: { sample: 1% }", "plugins.p.shadow.metal: is required")]
    [InlineData("shadow: { metal: wasm, sample: 5 }", "plugins.p.shadow.sample: '5' is not a share")]
    [InlineData("shadow: { metal: wasm, rate: 1% }", "plugins.p.shadow.rate: unknown key")]
    [InlineData("max_cpu_share: x", "plugins.p.max_cpu_share: 'x' is not a share")]
    public void WrongShadow_IsAnError(string keys, string expected)
    {
        var result = Read(keys);
        Assert.Contains(result.Errors, error => error.ToString().Contains(expected, StringComparison.Ordinal));
    }

    [Fact]
    public void ShadowProfileAndShare_AreRead()
    {
        var config = Read("trust: first-party, shadow: { metal: native, sample: 2.5% }, max_cpu_share: 1%").Config!;
        var plugin = config.Plugins["p"];
        Assert.Equal(new ShadowConfig(Metal.Native, 0.025), plugin.Shadow);
        Assert.Equal(0.01, plugin.MaximumCpuShare);
        Assert.Equal("/dev/bimetal.profile.json", config.Profile);
    }

    private static ConfigResult Read(string keys) => ConfigReader.Parse(
        $$"""
        listeners: [ { address: 127.0.0.1:0 } ]
        upstreams: { up: { endpoints: [http://127.0.0.1:9] } }
        plugins: { p: { bundle: null, {{keys}} } }
        routes: [ { match: { path: / }, upstream: up } ]
        """,
        "g.yaml", "/dev");

    private static async Task<JsonDocument> PluginAsync(TestGateway gateway)
    {
        using var admin = await WireClient.ConnectAsync(gateway.Host.AdminAddress!);
        return JsonDocument.Parse((await admin.ExchangeAsync("GET /plugins HTTP/1.1\r\nhost: localhost\r\n\r\n")).Body);
    }
}
