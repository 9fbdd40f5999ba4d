// demo and bench of the published binary, as the README tells people to run them.

using System.Text.Json;
using System.Text.RegularExpressions;
using Bimetal.Testing;

namespace Bimetal.EndToEnd.Tests;

public sealed partial class DemoTests
{
    private static readonly TimeSpan OnceLimit = TimeSpan.FromMinutes(5);

    [Fact]
    [Trait("Category", "Slow")]
    public async Task DemoOnce_HoldsOnBothMetals_AndPrintsReceipts()
    {
        var result = await BimetalProcess.RunAsync(["demo", "--once"], timeout: OnceLimit);
        Assert.True(result.ExitCode == 0, result.All);
        Assert.True(int.Parse(RequestCount().Match(result.Output).Groups[1].Value) >= 400, result.Output);
        Assert.Contains("compared byte for byte: all the same", result.Output, StringComparison.Ordinal);
        Assert.Equal(2, Regex.Count(result.Output, "receipt \\(us\\)"));
    }

    [Fact]
    public async Task Demo_RunsWhatItPrints_AndStopsOnCtrlC()
    {
        using var demo = BimetalProcess.Start(["demo", "--port", "0"]);
        string text = await demo.WaitForAsync(printed => printed.Contains("Ctrl-C stops it", StringComparison.Ordinal) ? printed : null, OnceLimit);
        using var client = new HttpClient { BaseAddress = new Uri(GatewayUrl().Match(text).Groups[1].Value) };
        var cancellation = TestContext.Current.CancellationToken;

        using var refused = await client.GetAsync(new Uri("/api/hello", UriKind.Relative), cancellation);
        Assert.Equal(401, (int)refused.StatusCode);
        Assert.Equal("missing", Assert.Single(refused.Headers.GetValues("x-token-error")));

        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/hello");
        request.Headers.TryAddWithoutValidation("authorization", BearerToken().Match(text).Groups[1].Value);
        using var passed = await client.SendAsync(request, cancellation);
        Assert.Equal(200, (int)passed.StatusCode);
        Assert.Contains("x-token-subject: alice", await passed.Content.ReadAsStringAsync(cancellation), StringComparison.OrdinalIgnoreCase);

        using var image = await client.GetAsync(new Uri("/images/photo-800x500.jpg", UriKind.Relative), cancellation);
        Assert.Equal(("jpeg", "800", "500"), (Field(image, "x-image-type"), Field(image, "x-image-width"), Field(image, "x-image-height")));
        Assert.Equal(0, await demo.InterruptAsync());
    }

    [Fact]
    public async Task Bench_WritesTheSchema_WithoutKeysThatWereNotMeasured()
    {
        using var folder = new TemporaryFolder();
        string json = Path.Combine(folder.Path, "out.json");
        var result = await BimetalProcess.RunAsync(["bench", "token-auth", "image-meta", "--json", json], timeout: OnceLimit);
        Assert.True(result.ExitCode == 0, result.All);
        Assert.All(result.Output.Split('\n'), line => Assert.True(line.Length <= 100, line));

        using var report = JsonDocument.Parse(await File.ReadAllBytesAsync(json, TestContext.Current.CancellationToken));
        Assert.Equal("bimetal.bench/1", report.RootElement.GetProperty("schema").GetString());
        Assert.Equal(["token-auth", "image-meta"], report.RootElement.GetProperty("tasks").EnumerateArray().Select(task => task.GetProperty("task").GetString()));
        foreach (var task in report.RootElement.GetProperty("tasks").EnumerateArray())
        {
            Assert.True(task.GetProperty("sameResult").GetBoolean());
            foreach (string metal in (string[])["native", "wasm"])
                Assert.All((string[])["callP50Us", "callP99Us", "requestP50Us", "requestP99Us"], key => Assert.True(task.GetProperty(metal).GetProperty(key).GetDouble() > 0));
            Assert.True(task.GetProperty("wasm").GetProperty("cloneUs").GetDouble() > 0);
            Assert.True(task.GetProperty("wasm").GetProperty("resetUs").GetDouble() > 0);
            Assert.True(task.GetProperty("latencyBudgetUs").GetDouble() > 0);
            Assert.All((string[])["callRatio", "callDeltaUs", "requestRatio", "requestDeltaUs", "budgetShare"], key => Assert.True(task.GetProperty("tax").TryGetProperty(key, out _)));
            foreach (string metal in (string[])["native", "wasm"])
                Assert.All((string[])["coldProcessUs", "coldLoadUs"], key => Assert.True(task.GetProperty(metal).GetProperty(key).GetDouble() > 0, $"{metal} {key}"));
            Assert.True(task.GetProperty("wasm").TryGetProperty("memoryBytes", out _));
            Assert.False(task.GetProperty("native").TryGetProperty("compileMs", out _));
        }
    }

    private static string Field(HttpResponseMessage response, string name) => Assert.Single(response.Headers.GetValues(name));

    [GeneratedRegex(@"^(\d+) requests in", RegexOptions.Multiline)]
    private static partial Regex RequestCount();

    [GeneratedRegex(@"gateway +(http://\S+)")]
    private static partial Regex GatewayUrl();

    [GeneratedRegex("authorization: (Bearer [^']+)'")]
    private static partial Regex BearerToken();
}
