// What deploy/ says is true of the published binary: the glibc that it needs, and configurations that it takes.

using System.Diagnostics;
using Bimetal.Testing;
using YamlDotNet.RepresentationModel;

namespace Bimetal.EndToEnd.Tests;

public sealed class DeploymentTests
{
    [Fact]
    public async Task PublishedBinary_NeedsNoNewerGlibcThanIsPromised()
    {
        // Published if it is not there yet.
        Assert.Equal(0, (await BimetalProcess.RunAsync(["--version"], timeout: TimeSpan.FromMinutes(10))).ExitCode);
        var start = new ProcessStartInfo(Path.Combine(Repository.Root, "deploy/check-glibc.sh")) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var check = Process.Start(start)!;
        string output = await check.StandardOutput.ReadToEndAsync() + await check.StandardError.ReadToEndAsync();
        await check.WaitForExitAsync();
        Assert.True(check.ExitCode == 0, output);
        Assert.Contains("2.34 is promised", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("deploy/Containerfile", "# Not built where this was written: ")]
    [InlineData("deploy/kubernetes/bimetal.yaml", "# Not run where this was written: ")]
    [InlineData("deploy/bimetal.service", "# Checked with `systemd-analyze verify`; no service manager could be run where this was written.")]
    [InlineData(".github/workflows/matrix.yml", "# Not run where this was written: ")]
    public void WhatCouldNotBeRunHere_SaysSoInItsFirstLine(string file, string beginning) =>
        Assert.StartsWith(beginning, File.ReadLines(Path.Combine(Repository.Root, file)).First(), StringComparison.Ordinal);

    [Fact]
    public async Task Kubernetes_ConfigMap_HoldsAGoodConfiguration()
    {
        using var text = new StreamReader(Path.Combine(Repository.Root, "deploy/kubernetes/bimetal.yaml"));
        var stream = new YamlStream();
        stream.Load(text);
        Assert.Equal(["ConfigMap", "Deployment", "Service", "PodDisruptionBudget"], stream.Documents.Select(document => document.RootNode["kind"].ToString()));
        using var folder = new TemporaryFolder();
        string token = folder.Write("admin-token", "sixteen characters or more");
        string configuration = stream.Documents[0].RootNode["data"]["gateway.yaml"].ToString();
        string file = folder.Write("gateway.yaml", configuration.Replace("/run/secrets/bimetal/admin-token", token, StringComparison.Ordinal));
        var result = await BimetalProcess.RunAsync(["check", file], timeout: TimeSpan.FromMinutes(10));
        Assert.True(result.ExitCode == 0, result.All);
    }
}
