// ./bimetal itself: from any folder, twice at once, and with little to add when nothing changed.

using System.Diagnostics;
using System.Globalization;
using Bimetal.Testing;

namespace Bimetal.EndToEnd.Tests;

public sealed class ScriptTests
{
    private const int Runs = 21;

    [Fact]
    public async Task Command_WorksFromAnyFolder_TwiceAtOnce()
    {
        using var folder = new TemporaryFolder();
        var results = await Task.WhenAll(BimetalProcess.RunAsync(["--version"], folder.Path), BimetalProcess.RunAsync(["--version"], "/"));
        Assert.All(results, result => Assert.Equal(0, result.ExitCode));
        Assert.Equal(results[0].Output, results[1].Output);
        Assert.StartsWith("bimetal ", results[0].Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Command_AddsLessThan100Ms_WhenNothingChanged()
    {
        string binary = Path.Combine(Repository.Root, "artifacts/native/bimetal");
        var through = new List<double>();
        var direct = new List<double>();
        for (int run = 0; run < Runs; run++)
        {
            through.Add(await TimeAsync(Repository.Command));
            direct.Add(await TimeAsync(binary));
        }

        through.Sort();
        direct.Sort();
        Assert.InRange(through[Runs / 2] - direct[Runs / 2], 0, 100);
    }

    /// <summary>Compiler servers outlive the publish that starts them: with the lock's descriptor they would keep the next publish waiting.</summary>
    [Fact]
    public async Task Publish_HandsTheLockToNoChild()
    {
        using var folder = new TemporaryFolder();
        string fake = folder.Write("dotnet", "#!/bin/sh\ntouch \"$0.called\"\n[ ! -e /proc/$$/fd/9 ] || touch \"$0.has-the-lock\"\nexit 1\n");
        string script = $"root={Repository.Root} artifacts={folder.Path}; say() {{ :; }}; mkdir -p $artifacts/native; chmod +x $artifacts/dotnet; exec 9>$artifacts/lock; PATH=$artifacts:$PATH BIMETAL_FRAMEWORK=net10.0; . $root/deploy/publish.sh; publish_binary $artifacts/native/bimetal";
        using var process = Process.Start(new ProcessStartInfo("bash", ["-c", script]) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(File.Exists(fake + ".called"));
        Assert.False(File.Exists(fake + ".has-the-lock"));
    }

    // CPU time of the command and its children, as bash counts it: what others do on the machine meanwhile is not the script's.
    private static async Task<double> TimeAsync(string command)
    {
        using var process = Process.Start(new ProcessStartInfo("bash", ["-c", "\"$0\" --version >/dev/null; times", command]) { RedirectStandardOutput = true })!;
        string[] children = (await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken)).TrimEnd().Split('\n')[^1].Split(' ');
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return children.Sum(part => 1000 * double.Parse(part.Split('m')[1].TrimEnd('s'), CultureInfo.InvariantCulture));
    }
}
