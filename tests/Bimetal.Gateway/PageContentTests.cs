// What the page of the admin listener says, cell by cell, and what its controls do, in a real browser while requests come in.

using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Tests.Support;
using Bimetal.Plugins;
using Bimetal.Plugins.Failure;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Tests;

public sealed partial class PageContentTests
{
    // Waits for traffic, then works the controls one after the other: what each shows is looked at in the next round.
    private const string Script = """
        const text = id => page.getElementById(id).textContent;
        const rows = id => [...page.querySelectorAll(`#${id}Table tbody tr`)].map(row => Object.fromEntries([...row.cells].map(cell => [cell.dataset.label, cell.textContent])));
        const steps = window.steps ??= { done: 0 };
        if (steps.done === 0) {
          if (text("rps") === "0/s" || text("p99") === "–") return null;
          steps.figures = Object.fromEntries(["state", "about", "rps", "flight", "errors", "p50", "p90", "p99", "cpu", "memory", "generation", "reloadResult"].map(id => [id, text(id)]));
          steps.routes = rows("routes"); steps.plugins = rows("plugins"); steps.upstreams = rows("upstreams");
          steps.charts = [...page.querySelectorAll("svg path")].filter(path => path.getAttribute("d")).length;
          page.querySelector("#configDetails summary").click();
          page.getElementById("reload").click();
          steps.done = 1;
          return null;
        }
        if (!text("configText") || !text("problems")) return null;
        Object.assign(steps, { configText: text("configText"), reloadResult: text("reloadResult"), problems: text("problems"), level: page.getElementById("level").value });

        // Sorting keeps the focus on the heading, though the table is made anew; the pause button says which way it is.
        const heading = () => page.querySelector("#routesTable [data-key=label]");
        const sorted = () => { heading().focus(); heading().click(); return [heading().closest("th").getAttribute("aria-sort"), page.activeElement === heading(), rows("routes").map(row => row.Route)]; };
        steps.sorted = sorted();
        steps.sortedBack = sorted();
        page.getElementById("pause").click();
        steps.paused = [page.getElementById("pause").getAttribute("aria-pressed"), text("pause")];
        const reached = [...page.querySelectorAll("a[href], button, select, input, summary, [tabindex='0']")].filter(one => one.getClientRects().length);
        steps.firstReached = reached[0].textContent;
        steps.unfocusable = reached.filter(one => { one.focus(); return page.activeElement !== one; }).map(one => one.outerHTML.slice(0, 80));
        return steps;
        """;

    [Fact]
    public async Task Page_ShowsTrafficRoutesPluginsUpstreamsAndConfiguration_AndItsControlsWork()
    {
        await using var upstream = WireUpstream.Answering();
        using var profiled = new ProfiledPlugin();
        await using var gateway = await StartAsync(upstream, profiled);
        await gateway.GetAsync("/", "x-fail: 1\r\n");
        await gateway.GetAsync("/gone");
        for (int round = 0; round < PluginStatistics.DefaultMeasureOneIn; round++) await gateway.GetAsync("/");
        await gateway.SettleAsync(2 + PluginStatistics.DefaultMeasureOneIn);
        var found = await PageFrame.LookAsync(gateway.Host.AdminAddress!, widthPixels: 1280, isDark: false, Script, async () =>
        {
            for (int round = 0; round < 5; round++) await gateway.GetAsync("/");
        });
        TestContext.Current.TestOutputHelper!.WriteLine(found.ToString());
        Assert.False(found.TryGetProperty("error", out var error), error.ToString());
        CheckFigures(found);
        CheckTables(found, upstream.Port);
        CheckControls(found);
    }

    [Fact]
    public async Task Page_IsOneFile_ThatMayAskNobodyElse()
    {
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await TestGateway.StartAsync(upstream);
        using var admin = await WireClient.ConnectAsync(gateway.Host.AdminAddress!);
        var answer = await admin.ExchangeAsync("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n");
        string policy = answer["content-security-policy"]!;
        Assert.Contains("default-src 'none'", policy);
        Assert.Contains("connect-src 'self'", policy);
        Assert.DoesNotContain("unsafe", policy);
        Assert.Empty(Elsewhere().Matches(Encoding.UTF8.GetString(answer.Body)).Select(match => match.Value));
    }

    private static Task<TestGateway> StartAsync(WireUpstream upstream, ProfiledPlugin profiled)
    {
        var failing = new FakePlugin
        {
            Name = "tag",
            RequestHeaders = static call => call.Http.RequestHeaders.TryGet("x-fail"u8, out _) ? call.Fail(FailureKind.Trap) : FilterAction.Continue,
        };
        var gone = new UpstreamConfig
        {
            Name = "gone", Endpoints = [new Uri("http://127.0.0.1:1")],
            Health = new HealthConfig { Passive = new PassiveHealthConfig { Failures = 1, Eject = TimeSpan.FromMinutes(5) } },
        };
        return TestGateway.StartAsync(
            new Uri($"http://127.0.0.1:{upstream.Port}"),
            config => profiled.AddTo(config with
            {
                Text = """{"note":"as written"}"""u8.ToArray(),
                Upstreams = new Dictionary<string, UpstreamConfig>(config.Upstreams) { [gone.Name] = gone },
                Routes = [config.Routes[0], new RouteConfig { Match = new RouteMatchConfig { Path = "/gone" }, Upstream = gone.Name }],
            }),
            failing, new FakePlugin { Name = ProfiledPlugin.Name });
    }

    private static void CheckFigures(JsonElement found)
    {
        string Figure(string id) => found.GetProperty("figures").GetProperty(id).GetString()!;
        Assert.Equal("ready", Figure("state"));
        Assert.Equal("generation 1", Figure("generation"));
        Assert.Equal("Not reloaded since the start.", Figure("reloadResult"));
        Assert.Matches("^[0-9.]+ ?k?/s$", Figure("rps"));
        Assert.Matches("^[0-9]+$", Figure("flight"));
        foreach (string id in (string[])["p50", "p90", "p99"]) Assert.Matches("^[0-9.]+(µs|ms|s)$", Figure(id));
        Assert.Matches("^[0-9.]+(MiB|GiB)$", Figure("memory"));
        Assert.Matches("^[0-9]+%$", Figure("cpu"));
        Assert.Matches("^[0-9.]+%$", Figure("errors"));
        Assert.True(found.GetProperty("charts").GetInt32() >= 3);
    }

    private static void CheckTables(JsonElement found, int upstreamPort)
    {
        var route = Row(found, "routes", "Route", "*/{rest...}");
        Assert.Equal(("up", "1", "plugin-failed 1"), (route("Upstream"), route("5xx"), route("Route")["*/{rest...}".Length..]));
        Assert.Matches("^[0-9.]+ /s$", route("Rate"));
        Assert.Matches("^[0-9.]+ (µs|ms)$", route("p99"));
        var gone = Row(found, "routes", "Route", "*/gone");
        Assert.Equal(("gone", "1", "1", "0"), (gone("Upstream"), gone("Requests"), gone("5xx"), gone("4xx")));
        var plugin = Row(found, "plugins", "Plugin", "tag");
        Assert.Equal(("wasm", "trap 1", "–"), (plugin("Metal"), plugin("Failures"), plugin("Tax")));
        Assert.True(int.Parse(plugin("Calls"), System.Globalization.CultureInfo.InvariantCulture) >= PluginStatistics.DefaultMeasureOneIn);
        Assert.Matches("^[0-9.]+ (µs|ms)$", plugin("p99"));
        Assert.Matches("^[0-9.]+ (µs|ms)$", plugin("CPU per call"));
        var taxed = Row(found, "plugins", "Plugin", ProfiledPlugin.Name);
        Assert.Equal(("+4.0 µs 3.00×", "7.0 µs"), (taxed("Tax"), taxed("Other metal p99")));
        var healthy = Row(found, "upstreams", "Upstream", "up");
        Assert.Equal(($"127.0.0.1:{upstreamPort}", "healthy", "0"), (healthy("Endpoint"), healthy("State"), healthy("Failures")));
        var ejected = Row(found, "upstreams", "Upstream", "gone");
        Assert.Equal("ejected", ejected("State"));
        Assert.NotEqual("0", ejected("Failures"));
    }

    private static void CheckControls(JsonElement found)
    {
        Assert.Contains("\"note\": \"as written\"", found.GetProperty("configText").GetString());
        Assert.StartsWith("refused last reload, by admin", found.GetProperty("reloadResult").GetString());
        Assert.Equal("the gateway was not started from a file", found.GetProperty("problems").GetString());
        Assert.Equal("info", found.GetProperty("level").GetString());
        Assert.Equal("""["descending",true,["*/{rest...}plugin-failed 1","*/goneupstream-unreachable 1"]]""", found.GetProperty("sorted").ToString());
        Assert.Equal("""["ascending",true,["*/goneupstream-unreachable 1","*/{rest...}plugin-failed 1"]]""", found.GetProperty("sortedBack").ToString());
        Assert.Equal("""["true","Resume"]""", found.GetProperty("paused").ToString());
        Assert.Equal("Skip to routes", found.GetProperty("firstReached").GetString());
        Assert.Empty(found.GetProperty("unfocusable").EnumerateArray().Select(one => one.GetString()));
    }

    private static Func<string, string> Row(JsonElement found, string table, string column, string name)
    {
        var row = found.GetProperty(table).EnumerateArray().Single(row => row.GetProperty(column).GetString()!.StartsWith(name, StringComparison.Ordinal));
        return label => row.GetProperty(label).GetString()!;
    }

    // An SVG's namespace is a name, not an address.
    [GeneratedRegex("(https?:|src=|url\\(|@import)(?!//www.w3.org/2000/svg)[^\\s]*", RegexOptions.None, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex Elsewhere();
}
