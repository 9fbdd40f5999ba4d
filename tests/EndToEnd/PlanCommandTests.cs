// plan --apply, a gateway that obeys the profile and shadows a plugin, and plan again with what the shadow saw: the published binary throughout.

using System.Text.Json;
using System.Text.RegularExpressions;
using Bimetal.Testing;

namespace Bimetal.EndToEnd.Tests;

public sealed partial class PlanCommandTests
{
    private const int Requests = 20;

    [Fact]
    public async Task PlannedMetalRuns_AndItsShadowAgrees_AndPlanKnowsIt()
    {
        using var folder = new TemporaryFolder();
        string plugin = Path.Combine(Repository.Root, "plugins/token-auth");
        await using var upstream = new LoopbackUpstream();
        string profile = Path.Combine(folder.Path, "p.json");
        string rest = $$"""
            admin: { address: 127.0.0.1:0 }
            profile: {{profile}}
            upstreams: { up: { endpoints: [{{upstream.Url}}] } }
            plugins:
              auth: { bundle: {{plugin}}, trust: first-party, instance: per-request, latency_budget: 1s, shadow: { metal: native, sample: 100% }, config: { key: "0123456789abcdef0123456789abcdef" } }
            routes: [ { match: { path: "/{rest...}" }, latency_budget: 2s, filters: [ { plugin: auth } ], upstream: up } ]

            """;
        string config = folder.Write("gateway.yaml", "listeners: [ { address: 127.0.0.1:0 } ]\n" + rest);

        // It builds what is stale first.
        var plan = await BimetalProcess.RunAsync(["plan", config, "--rps", "1", "--apply"], timeout: TimeSpan.FromMinutes(3));
        Assert.True(plan.ExitCode == 0, plan.All);
        Assert.Contains("auth: wasm, because the p99 on wasm", plan.Output, StringComparison.Ordinal);
        Assert.True(File.Exists(profile));

        await using (var gateway = await RunningGateway.StartAsync(_ => rest))
        {
            Assert.Contains("plugin auth: metal: auto chose wasm: the p99 on wasm", gateway.Process.Printed, StringComparison.Ordinal);
            Assert.Contains("plugin auth: its shadow runs on native, on 100 % of the requests", gateway.Process.Printed, StringComparison.Ordinal);
            for (int request = 0; request < Requests; request++) Assert.Equal(401, (await gateway.GetAsync("/x")).Status);
            string admin = AdminAddress().Match(gateway.Process.Printed).Groups[1].Value;
            using var shadow = await ShadowAsync(gateway.Client, admin);
            Assert.Equal(0, shadow.RootElement.GetProperty("different").GetInt32());
            Assert.Equal(0, await gateway.Process.TerminateAsync());
        }

        var again = await BimetalProcess.RunAsync(["plan", config, "--rps", "1", "--json"], timeout: TimeSpan.FromMinutes(1));
        Assert.True(again.ExitCode == 0, again.All);
        using var planned = JsonDocument.Parse(again.Output);
        Assert.Equal(Requests, planned.RootElement.GetProperty("plugins")[0].GetProperty("shadow").GetProperty("compared").GetInt32());
    }

    [Fact]
    public async Task WrongRate_IsWrongUsage()
    {
        var result = await BimetalProcess.RunAsync(["plan", "gateway.yaml", "--rps", "0"]);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("--rps needs a number above 0", result.Error, StringComparison.Ordinal);
    }

    // The comparisons come after the answers.
    private static async Task<JsonDocument> ShadowAsync(HttpClient client, string admin)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (true)
        {
            string text = await client.GetStringAsync(new Uri($"http://{admin}/plugins"), limit.Token);
            using var document = JsonDocument.Parse(text);
            var shadow = document.RootElement.GetProperty("plugins")[0].GetProperty("shadow");
            if (shadow.GetProperty("compared").GetInt32() == Requests) return JsonDocument.Parse(shadow.GetRawText());
            await Task.Delay(20, limit.Token);
        }
    }

    [GeneratedRegex(@"admin listening on http://(127\.0\.0\.1:\d+)", RegexOptions.None, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex AdminAddress();
}
