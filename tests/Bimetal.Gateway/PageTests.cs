// The page of the admin listener in a real browser: its script runs under its own policy and fills the tables; it fits a phone, obeys the dark mode,
// can be worked with the keyboard, and shows names as text whatever they are.

using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Tests.Support;
using Bimetal.Testing;

namespace Bimetal.Gateway.Tests;

public sealed partial class PageTests
{
    private const string HostileName = "<img src=x onerror=document.title='owned'>";

    [Fact]
    public async Task Page_RunsUnderItsPolicy_AndShowsTrafficPluginsAndUpstreams()
    {
        using var profiled = new ProfiledPlugin();
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await StartAsync(upstream, profiled);
        string document = await Chromium.LoadAsync(new Uri($"http://{gateway.Host.AdminAddress}/"), isDark: false, width: 1280, TestContext.Current.CancellationToken);
        Assert.Matches("data-ready=\"[0-9]+\"", document);
        string text = Plain(document);
        Assert.Contains("ready", text);
        Assert.Contains("*/{rest...}", text);
        Assert.Contains("device-tag", text);
        Assert.Contains($"127.0.0.1:{upstream.Port}", text);
        Assert.Contains("generation 1", text);

        // What the profile says: the tax as a difference and as a ratio, and the p99 of the other metal.
        Assert.Contains("+4.0 µs", text);
        Assert.Contains("3.00×", text);
        Assert.Contains("7.0 µs", text);

        // The name of a plugin is text, and ran no script.
        Assert.DoesNotContain("<img", document);
        Assert.Contains("&lt;img src=x", document);
        Assert.DoesNotContain("owned</title>", document);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Page_FitsAPhone_InBothSchemes(bool isDark)
    {
        using var profiled = new ProfiledPlugin();
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await StartAsync(upstream, profiled);
        await using var frame = new PageFrame(gateway.Host.AdminAddress!, widthPixels: 360);
        string document = await Chromium.LoadAsync(frame.Address, isDark, width: 1280, TestContext.Current.CancellationToken);
        var match = FoundPattern().Match(document);
        Assert.True(match.Success, document);
        using var found = JsonDocument.Parse(WebUtility.HtmlDecode(match.Groups[1].Value));
        var root = found.RootElement;
        Assert.Equal(360, root.GetProperty("width").GetInt32());
        Assert.True(root.GetProperty("scrollWidth").GetInt32() <= 360, $"the page is {root.GetProperty("scrollWidth")} pixels wide on a phone of 360");
        Assert.Empty(root.GetProperty("wide").EnumerateArray().Select(one => one.GetString()));
        Assert.Empty(root.GetProperty("pale").EnumerateArray().Select(one => one.GetString()));
        Assert.Empty(root.GetProperty("nameless").EnumerateArray().Select(one => one.GetString()));
        Assert.Equal(isDark, root.GetProperty("groundLightness").GetDouble() < 0.5);
    }

    private static async Task<TestGateway> StartAsync(WireUpstream upstream, ProfiledPlugin profiled)
    {
        var gateway = await TestGateway.StartAsync(
            new Uri($"http://127.0.0.1:{upstream.Port}"), profiled.AddTo,
            new FakePlugin { Name = "device-tag" }, new FakePlugin { Name = HostileName }, new FakePlugin { Name = ProfiledPlugin.Name });
        for (int request = 0; request < 3; request++) await gateway.GetAsync("/");
        await gateway.SettleAsync(3);
        return gateway;
    }

    private static string Plain(string document) => WebUtility.HtmlDecode(TagPattern().Replace(document, " "));

    [GeneratedRegex("<script>.*?</script>|<style>.*?</style>|<[^>]*>", RegexOptions.Singleline, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex TagPattern();

    [GeneratedRegex("<pre id=\"found\">(\\{.*?\\})</pre>", RegexOptions.Singleline, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex FoundPattern();

    /// <summary>
    /// The page in a frame of a phone's width: windows of browsers do not get so narrow. The frame's document measures the page, so it has to be of
    /// the same origin: a server that passes requests on to the admin listener, but for the policy that forbids frames.
    /// </summary>
    private sealed class PageFrame : IAsyncDisposable
    {
        private readonly IPEndPoint _admin;
        private readonly WireUpstream _server;
        private readonly int _widthPixels;

        public PageFrame(IPEndPoint admin, int widthPixels)
        {
            _admin = admin;
            _widthPixels = widthPixels;
            _server = new WireUpstream(AnswerAsync);
        }

        public Uri Address => new($"http://127.0.0.1:{_server.Port}/frame");

        public ValueTask DisposeAsync() => _server.DisposeAsync();

        private async Task AnswerAsync(UpstreamCall call)
        {
            if (call.Head.Target == "/frame")
            {
                await SendAsync(call, "text/html; charset=utf-8", Encoding.UTF8.GetBytes(Measure.Replace("WIDTH", _widthPixels.ToString(), StringComparison.Ordinal)));
                return;
            }

            using var admin = await WireClient.ConnectAsync(_admin);
            var answer = await admin.ExchangeAsync($"GET {call.Head.Target} HTTP/1.1\r\nhost: localhost\r\n\r\n");
            await SendAsync(call, answer["content-type"] ?? "text/plain", answer.Body);
        }

        private static async Task SendAsync(UpstreamCall call, string type, byte[] body)
        {
            await call.WriteAsync($"HTTP/1.1 200 OK\r\ncontent-type: {type}\r\ncontent-length: {body.Length}\r\n\r\n");
            await call.Connection.WriteAsync(body, call.Cancellation);
        }

        // "wide": elements that stick out; "pale": text with a contrast below 4.5 (3 for what is greyed out on purpose); "nameless": controls that a
        // screen reader could not name, or that the keyboard does not reach.
        private const string Measure = """
            <!doctype html><html><head><meta name="color-scheme" content="light dark"></head><body style="margin:0"><iframe id="page" src="/" style="border:0;width:WIDTHpx;height:1500px"></iframe><pre id="found"></pre>
            <script>
            const light = color => { const [r, g, b] = color.match(/[\d.]+/g).slice(0, 3).map(v => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; }); return .2126 * r + .7152 * g + .0722 * b; };
            const clear = color => color === "transparent" || /, 0\)$/.test(color);
            function ground(view, one) { for (; one; one = one.parentElement) { const color = view.getComputedStyle(one).backgroundColor; if (!clear(color)) return color; } return view.getComputedStyle(view.document.body).backgroundColor; }
            function measure() {
              const view = document.getElementById("page").contentWindow, page = view.document;
              if (Number(page.documentElement.dataset.ready || 0) < 2 || !page.querySelector("#pluginsTable td")) { setTimeout(measure, 100); return; }
              const shown = [...page.body.querySelectorAll("*")].filter(one => one.getClientRects().length && view.getComputedStyle(one).position !== "absolute" && !one.closest("svg, thead, pre"));
              const name = one => one.tagName + (one.id ? "#" + one.id : "") + "." + one.className + ": " + one.textContent.trim().slice(0, 40);
              const wide = shown.filter(one => one.getBoundingClientRect().right > WIDTH + 1).map(name);
              const texts = shown.filter(one => [...one.childNodes].some(child => child.nodeType === 3 && child.textContent.trim()));
              const pale = texts.filter(one => {
                const front = light(view.getComputedStyle(one).color), back = light(ground(view, one));
                return (Math.max(front, back) + .05) / (Math.min(front, back) + .05) < (one.closest(".zero, .axis, footer") ? 3 : 4.5);
              }).map(name);
              const nameless = [...page.querySelectorAll("button, select, input, summary, a")].filter(one => one.getClientRects().length && (!(one.textContent.trim() || one.labels?.length || one.ariaLabel) || one.tabIndex < 0)).map(name);
              document.getElementById("found").textContent = JSON.stringify({ width: view.innerWidth, scrollWidth: page.documentElement.scrollWidth, wide, pale, nameless, groundLightness: light(view.getComputedStyle(page.body).backgroundColor) });
            }
            setTimeout(measure, 100);
            </script></body></html>
            """;
    }
}
