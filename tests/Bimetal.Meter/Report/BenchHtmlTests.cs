// The page: it needs nothing else, and a browser shows it on a phone, in dark mode and on paper.

using System.Net;
using Bimetal.Meter.Report;
using Bimetal.Testing;

namespace Bimetal.Meter.Tests.Report;

public sealed class BenchHtmlTests
{
    // What the browser makes of the page, put where --dump-dom shows it; the page itself has no script.
    private const string Probe = """
        <script>document.title = `${document.documentElement.scrollWidth <= innerWidth} ${getComputedStyle(document.body).backgroundColor} ${document.querySelectorAll('svg').length}`</script></body>
        """;

    [Fact]
    public void Write_NeedsNothingFromElsewhere()
    {
        string page = BenchHtml.Write(SampleReport.Of());
        Assert.DoesNotContain("http:", page);
        Assert.DoesNotContain("https:", page);
        Assert.DoesNotContain("<script", page);
        Assert.DoesNotContain("url(", page);
        Assert.Contains("token-auth", page);
        Assert.Contains("@media print", page);
    }

    [Fact]
    public void Write_TextFromElsewhere_IsEscaped()
    {
        var report = SampleReport.Of();
        var hostile = report with { Tasks = [report.Tasks[0] with { Task = "<img src=x>" }] };
        Assert.DoesNotContain("<img", BenchHtml.Write(hostile));
    }

    [Theory]
    [InlineData(1280, false, "rgb(255, 255, 255)")]
    [InlineData(500, true, "rgb(22, 24, 29)")]
    public async Task Write_InABrowser_FitsAndFollowsTheMode(int width, bool isDark, string background)
    {
        string document = await LoadAsync(BenchHtml.Write(SampleReport.Of()).Replace("</body>", Probe, StringComparison.Ordinal), width, isDark);
        Assert.Contains($"<title>true {background} 4</title>", document);
    }

    /// <summary>The figures of README, of all tasks, at the width of a phone: a window cannot be so narrow, a frame can.</summary>
    [Fact]
    public async Task Write_ARealReportOnAPhone_NeedsNoScrollingSideways()
    {
        var report = BenchJson.Read(await File.ReadAllTextAsync(Path.Combine(Repository.Root, "docs/bench.json"), TestContext.Current.CancellationToken))!;
        string phone = $"""
            <!doctype html><html><head><title>not loaded</title></head><body><iframe width="360" height="800" style="border:0" srcdoc="{WebUtility.HtmlEncode(BenchHtml.Write(report))}"
            onload="const page = this.contentDocument; document.title = (page.documentElement.scrollWidth <= 360) + ' ' + page.querySelectorAll('svg').length + ' ' + page.querySelectorAll('tbody tr').length"></iframe></body></html>
            """;
        Assert.Contains($"<title>true 3 {report.Tasks.Count + report.Claims.Count}</title>", await LoadAsync(phone, 800, isDark: false));
    }

    private static async Task<string> LoadAsync(string page, int width, bool isDark)
    {
        using var folder = new TemporaryFolder();
        string file = Path.Combine(folder.Path, "report.html");
        await File.WriteAllTextAsync(file, page, TestContext.Current.CancellationToken);
        return await Chromium.LoadAsync(new Uri(file), isDark, width, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Write_OnPaper_IsADocument()
    {
        using var folder = new TemporaryFolder();
        string file = Path.Combine(folder.Path, "report.html"), paper = Path.Combine(folder.Path, "report.pdf");
        await File.WriteAllTextAsync(file, BenchHtml.Write(SampleReport.Of()), TestContext.Current.CancellationToken);
        await Chromium.PrintAsync(new Uri(file), paper, TestContext.Current.CancellationToken);
        byte[] bytes = await File.ReadAllBytesAsync(paper, TestContext.Current.CancellationToken);
        Assert.True(bytes.AsSpan().StartsWith("%PDF"u8) && bytes.Length > 5000, $"{bytes.Length} bytes");
    }
}
