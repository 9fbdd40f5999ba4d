// `bimetal try`: one plugin in front of an upstream, and a receipt of what it took.

using System.Globalization;
using System.Text.RegularExpressions;
using Bimetal.Meter.Demo;
using Bimetal.Testing;

namespace Bimetal.Meter.Tests.Demo;

public sealed partial class TryTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Try_OfAPluginFolder_ServesAndPrintsAReceiptOfEveryRequest()
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var output = new StringWriter();
        var error = new StringWriter();
        var request = new TryRequest(Path.Combine(Repository.Root, "plugins/ab-bucket"), null, """{"experiments":"checkout: only=1"}""", null, Port: 0);
        var running = TryCommandRunner.RunAsync(request, TextWriter.Synchronized(output), TextWriter.Synchronized(error), stop.Token);
        string url = await WaitAsync(running, () => UrlPattern().Match(output.ToString()) is { Success: true } match ? match.Value : null, error);

        using var client = new HttpClient { Timeout = s_patience };
        string? shown = null;
        for (int sent = 0; sent < 3; sent++) shown = await client.GetStringAsync(new Uri(url + "/any/path"), stop.Token);
        Assert.Contains("x-ab-checkout: only", shown!, StringComparison.Ordinal);
        await WaitAsync(running, () => ReceiptPattern().Matches(output.ToString()).Sum(match => int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture)) == 3 ? "all" : null, error);
        Assert.Matches(@"request.*: instance [0-9.]+ \+ request headers [0-9.]+.* = [0-9.]+ us per request; reset afterwards [0-9.]+; memory [0-9]+ KiB", output.ToString());
        Assert.Contains("cold: first load", output.ToString(), StringComparison.Ordinal);

        await stop.CancelAsync();
        Assert.Equal(0, await running);
    }

    [Theory]
    [InlineData("/no/such/plugin.wasm", null, 1, "/no/such/plugin.wasm: no such file or folder")]
    [InlineData("/no/such/plugin.wasm", "localhost", 2, "--upstream localhost: must be a URL")]
    [InlineData("/no/such/plugin.wasm", "http://localhost:1/path", 2, "must be a URL without a path")]
    public async Task Try_WhatCannotRun_SaysWhy(string path, string? upstream, int exitCode, string message)
    {
        var error = new StringWriter();
        Assert.Equal(exitCode, await TryCommandRunner.RunAsync(new TryRequest(path, upstream, null, null, 0), TextWriter.Null, error, TestContext.Current.CancellationToken));
        Assert.Contains(message, error.ToString(), StringComparison.Ordinal);
    }

    [GeneratedRegex(@"http://127\.0\.0\.1:[0-9]+", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex UrlPattern();

    [GeneratedRegex("^([0-9]+) requests?: ", RegexOptions.Multiline | RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex ReceiptPattern();

    private static async Task<string> WaitAsync(Task<int> running, Func<string?> look, StringWriter error)
    {
        for (long until = Environment.TickCount64 + (long)s_patience.TotalMilliseconds; Environment.TickCount64 < until;)
        {
            if (look() is { } found) return found;
            Assert.False(running.IsCompleted, error.ToString());
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }

        throw new TimeoutException(error.ToString());
    }
}
