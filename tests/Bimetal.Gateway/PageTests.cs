// The page of the admin listener in a real browser: its script runs under its own policy and fills the tables; it fits a phone, obeys the dark mode,
// can be worked with the keyboard, and shows names as text whatever they are.

using System.Net;
using System.Text.RegularExpressions;
using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Tests.Support;
using Bimetal.Testing;

namespace Bimetal.Gateway.Tests;

public sealed partial class PageTests
{
    // "wide": elements that stick out; "pale": text with a contrast below 4.5 (3 for what is greyed out on purpose); "nameless": controls that a
    // screen reader could not name, or that the keyboard does not reach.
    private const string Measure = """
        const light = color => { const [r, g, b] = color.match(/[\d.]+/g).slice(0, 3).map(v => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; }); return .2126 * r + .7152 * g + .0722 * b; };
        const clear = color => color === "transparent" || /, 0\)$/.test(color);
        function ground(one) { for (; one; one = one.parentElement) { const color = view.getComputedStyle(one).backgroundColor; if (!clear(color)) return color; } return view.getComputedStyle(page.body).backgroundColor; }
        const shown = [...page.body.querySelectorAll("*")].filter(one => one.getClientRects().length && view.getComputedStyle(one).position !== "absolute" && !one.closest("svg, thead, pre"));
        const name = one => one.tagName + (one.id ? "#" + one.id : "") + "." + one.className + ": " + one.textContent.trim().slice(0, 40);
        const wide = shown.filter(one => one.getBoundingClientRect().right > view.innerWidth + 1).map(name);
        const texts = shown.filter(one => [...one.childNodes].some(child => child.nodeType === 3 && child.textContent.trim()));
        const pale = texts.filter(one => {
          const front = light(view.getComputedStyle(one).color), back = light(ground(one));
          return (Math.max(front, back) + .05) / (Math.min(front, back) + .05) < (one.closest(".zero, .axis, footer") ? 3 : 4.5);
        }).map(name);
        const nameless = [...page.querySelectorAll("button, select, input, summary, a")].filter(one => one.getClientRects().length && (!(one.textContent.trim() || one.labels?.length || one.ariaLabel) || one.tabIndex < 0)).map(name);
        return { width: view.innerWidth, scrollWidth: page.documentElement.scrollWidth, wide, pale, nameless, groundLightness: light(view.getComputedStyle(page.body).backgroundColor) };
        """;

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
        var root = await PageFrame.LookAsync(gateway.Host.AdminAddress!, widthPixels: 360, isDark, Measure);
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
}
