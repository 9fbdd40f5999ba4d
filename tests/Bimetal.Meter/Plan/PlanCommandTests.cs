// `plan` on reference plugins: what it prints and writes, that it measures once, and that the gateway's choice follows from the file.

using System.Text.Json;
using Bimetal.Gateway.Configuration;
using Bimetal.Meter.Plan;
using Bimetal.Plugins;
using Bimetal.Plugins.Bundles;
using Bimetal.Plugins.Bundles.Registry;
using Bimetal.Plugins.Profiles;
using Bimetal.Testing;

namespace Bimetal.Meter.Tests.Plan;

public sealed class PlanCommandTests
{
    [Fact]
    public async Task Plan_MeasuresWritesAndIsObeyed_AndMeasuresOnlyOnce()
    {
        using var folder = new TemporaryFolder();
        string config = Write(folder, "10s");
        var (code, output, error) = await RunAsync(new PlanRequest(config, 1000, 0.04, Applies: true, WritesJson: false));
        Assert.True(code == 0, output + error);
        Assert.All(output.Split('\n'), line => Assert.True(line.Length <= PlanTable.Columns, line));
        Assert.Contains("to measure: auth, images", error);
        Assert.Matches("(?s)measuring will take at most [0-9]+ s.*auth: measuring", error);
        Assert.Matches("auth: measuring, at most [0-9]+ s", error);
        string flat = string.Join(' ', output.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains("images: wasm, because third-party code never runs native.", flat);
        Assert.Contains("auth: wasm, because the p99 on wasm of at most", flat);
        Assert.Contains("in money:", flat);
        Assert.Contains("native costs:", flat);
        Assert.Contains("route */auth: auth, images: p99s add up to at most", flat);

        var profile = ProfileDocument.TryRead(Path.Combine(folder.Path, ProfileDocument.DefaultFileName), out _)!;
        var auth = Assert.Single(profile.Plugins);
        Assert.True(auth.Native.P50Us > 0 && auth.Wasm.P99UpperUs >= auth.Wasm.P99Us);
        Assert.True(auth.TaxIntervalUs[0] <= auth.TaxUs && auth.TaxUs <= auth.TaxIntervalUs[1]);

        // Again: nothing of it is measured a second time.
        (code, output, error) = await RunAsync(new PlanRequest(config, 500_000, null, Applies: false, WritesJson: true));
        Assert.Equal(0, code);
        Assert.DoesNotContain("auth: measuring", error);
        using var json = JsonDocument.Parse(output);
        Assert.Equal("bimetal.plan/1", json.RootElement.GetProperty("schema").GetString());
        var planned = json.RootElement.GetProperty("plugins")[0];
        Assert.Equal(auth.TaxUs, planned.GetProperty("taxUs").GetDouble());
        Assert.Equal(auth.TaxUs * 500_000 * 86_400 / 1e6, planned.GetProperty("cpuSecondsPerDay").GetDouble(), 0);
        Assert.Equal(JsonValueKind.Undefined, planned.TryGetProperty("costPerDay", out var cost) ? cost.ValueKind : JsonValueKind.Undefined);
    }

    [Fact]
    public async Task BudgetThatNothingFits_IsSaid_AndFailsTheCommand()
    {
        using var folder = new TemporaryFolder();
        string config = Write(folder, "1us");
        var (code, output, _) = await RunAsync(new PlanRequest(config, 1000, null, Applies: true, WritesJson: true));
        Assert.Equal(1, code);
        using var json = JsonDocument.Parse(output);
        Assert.Equal("neither-fits", json.RootElement.GetProperty("plugins")[0].GetProperty("rule").GetString());
        Assert.False(json.RootElement.GetProperty("routes")[0].GetProperty("fits").GetBoolean());

        // The gateway comes to the same decision, from the file.
        var plugin = ConfigReader.Read(config).Config!.Plugins["auth"];
        var source = ProfileSource.Read(Path.Combine(folder.Path, ProfileDocument.DefaultFileName));
        Assert.Equal(DecisionRule.NeitherFits, source.Decide(plugin).Rule);
        Assert.Equal(Metal.Wasm, PluginLoader.ChooseMetal(plugin, out string? notice, source));
        Assert.StartsWith("metal: auto runs on wasm: neither fits", notice, StringComparison.Ordinal);
        Assert.NotNull(PluginLoader.TryFingerprint(plugin, new PluginHostServices(), source));

        // Another kind of instances was not measured.
        Assert.Equal(DecisionRule.NoProfile, source.Decide(plugin with { Instance = InstancePolicy.PerRequest }).Rule);
    }

    /// <summary>Files and bundles come without cases: the plan says what it did with each.</summary>
    [Fact]
    public async Task FilesAndBundles_AreMeasuredOnWasm()
    {
        using var folder = new TemporaryFolder();
        var source = PluginFolder.Open(Path.Combine(Repository.Root, "plugins/token-auth"));
        await PluginBuilder.EnsureAsync(source, cancellation: TestContext.Current.CancellationToken);
        string packed = Path.Combine(folder.Path, "images.bimetal");
        using (var log = new StringWriter())
        {
            var build = new BuildRequest { Folder = Path.Combine(Repository.Root, "plugins/image-meta"), Targets = ["wasm"], Output = packed };
            Assert.True(await BuildCommandRunner.RunAsync(build, log, log, TestContext.Current.CancellationToken) == 0, log.ToString());
        }

        string config = folder.Write("gateway.yaml", $$"""
            listeners: [ { address: 127.0.0.1:0 } ]
            plugins:
              own: { bundle: {{packed}}, trust: first-party }
              theirs: { bundle: {{packed}} }
              module: { bundle: {{source.PathOf(BuildTarget.Wasm)}}, config: { key: "0123456789abcdef0123456789abcdef" } }
            routes: [ { match: { path: / }, latency_budget: 1s, filters: [ { plugin: own }, { plugin: theirs }, { plugin: module } ], response: { body: ok } } ]
            """);
        var (code, output, error) = await RunAsync(new PlanRequest(config, 1000, null, Applies: false, WritesJson: true));
        Assert.True(code == 0, output + error);
        using var json = JsonDocument.Parse(output);
        var plugins = json.RootElement.GetProperty("plugins").EnumerateArray().ToDictionary(one => one.GetProperty("plugin").GetString()!);
        foreach (string measured in new[] { "own", "theirs", "module" })
        {
            Assert.True(plugins[measured].GetProperty("wasm").GetProperty("p50Us").GetDouble() > 0, measured);
            Assert.StartsWith("GET / with eight fields; there are no cases", plugins[measured].GetProperty("input").GetString(), StringComparison.Ordinal);
            Assert.False(plugins[measured].TryGetProperty("native", out _), measured);
        }

        Assert.Contains("only a plugin folder is measured on both metals", plugins["own"].GetProperty("reason").GetString(), StringComparison.Ordinal);
        Assert.Equal("third-party", plugins["theirs"].GetProperty("rule").GetString());
        Assert.True(json.RootElement.GetProperty("routes")[0].GetProperty("fits").GetBoolean());
    }

    /// <summary>As a gateway does at its start: it pulls by itself, and what it pulled before serves while the registry is away.</summary>
    [Fact]
    public async Task References_ArePulled_AndServeFromTheStore()
    {
        using var folder = new TemporaryFolder();
        string config, packed = Path.Combine(folder.Path, "images.bimetal");
        using var log = new StringWriter();
        var build = new BuildRequest { Folder = Path.Combine(Repository.Root, "plugins/image-meta"), Targets = ["wasm"], Output = packed };
        Assert.True(await BuildCommandRunner.RunAsync(build, log, log, TestContext.Current.CancellationToken) == 0, log.ToString());
        await using (var registry = await RunningRegistry.StartAsync())
        {
            string reference = $"oci://{registry.Host}/edge/images:1";
            Assert.True(await RegistryCommandRunner.PushAsync(packed, reference, new RegistryFiles(null, null), log, log, TestContext.Current.CancellationToken) == 0, log.ToString());
            config = folder.Write("gateway.yaml", $$"""
                listeners: [ { address: 127.0.0.1:0 } ]
                plugins: { far: { bundle: "{{reference}}" } }
                routes: [ { match: { path: / }, latency_budget: 1s, filters: [ { plugin: far } ], response: { body: ok } } ]
                """);
            await PlanFarAsync(config, "");
        }

        await PlanFarAsync(config, "what it led to before runs");
    }

    [Fact]
    public async Task Reference_OfARegistryThatIsAway_WithNothingStored_IsSaid_AndFails()
    {
        using var folder = new TemporaryFolder();
        string config = folder.Write("gateway.yaml", """
            listeners: [ { address: 127.0.0.1:0 } ]
            plugins: { far: { bundle: "oci://127.0.0.1:1/edge/never-there:1" } }
            routes: [ { match: { path: / }, filters: [ { plugin: far } ], response: { body: ok } } ]
            """);
        var (code, output, error) = await RunAsync(new PlanRequest(config, 1000, null, Applies: false, WritesJson: true));
        Assert.True(code == 1, output + error);
        Assert.Contains("far: oci://127.0.0.1:1/edge/never-there:1: ", error, StringComparison.Ordinal);
        Assert.DoesNotContain("measuring will take", error, StringComparison.Ordinal);
    }

    private static async Task PlanFarAsync(string config, string notice)
    {
        var (code, output, error) = await RunAsync(new PlanRequest(config, 1000, null, Applies: false, WritesJson: true));
        Assert.True(code == 0, output + error);
        Assert.Contains(notice, error, StringComparison.Ordinal);
        using var json = JsonDocument.Parse(output);
        var far = json.RootElement.GetProperty("plugins")[0];
        Assert.True(far.GetProperty("wasm").GetProperty("p50Us").GetDouble() > 0);
        Assert.Equal("third-party", far.GetProperty("rule").GetString());
    }

    [Fact]
    public async Task WrongConfiguration_IsExitCode2()
    {
        using var folder = new TemporaryFolder();
        var (code, _, error) = await RunAsync(new PlanRequest(folder.Write("bad.yaml", "nonsense: 1\n"), 1, null, Applies: false, WritesJson: false));
        Assert.Equal(2, code);
        Assert.Contains("bad.yaml:1", error);
    }

    private static string Write(TemporaryFolder folder, string budget) => folder.Write("gateway.yaml", $$"""
        listeners: [ { address: 127.0.0.1:0 } ]
        upstreams: { up: { endpoints: [http://127.0.0.1:9] } }
        plugins:
          auth: { bundle: {{Path.Combine(Repository.Root, "plugins/token-auth")}}, trust: first-party, latency_budget: {{budget}} }
          images: { bundle: {{Path.Combine(Repository.Root, "plugins/image-meta")}} }
        routes:
          - { match: { path: /auth }, latency_budget: {{budget}}, filters: [ { plugin: auth }, { plugin: images } ], upstream: up }
        """);

    private static async Task<(int Code, string Output, string Error)> RunAsync(PlanRequest request)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        int code = await PlanCommandRunner.RunAsync(request, output, error, TestContext.Current.CancellationToken);
        return (code, output.ToString(), error.ToString());
    }
}
