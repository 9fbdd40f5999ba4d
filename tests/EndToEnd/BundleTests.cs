// Bundles in the published binary: bad ones leave the running version alone, machine code runs without a compiler under a builder's key alone, and a
// registry's certificate counts as the system says.

using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Bimetal.Testing;

namespace Bimetal.EndToEnd.Tests;

[Trait("Category", "Slow")]
public sealed class BundleTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly StampPlugin _stamp;

    public BundleTests() => _stamp = new StampPlugin(_folder);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task BadBundle_IsOneLineWithFileAndRemedy_AndTheRunningVersionStays()
    {
        byte[] one = await File.ReadAllBytesAsync(await _stamp.BuildAsync("one", null), TestContext.Current.CancellationToken);
        byte[] two = await File.ReadAllBytesAsync(await _stamp.BuildAsync("two", null), TestContext.Current.CancellationToken);
        string bundle = _folder.Write("stamp.bimetal", one);
        await using var upstream = new LoopbackUpstream();
        await using var gateway = await RunningGateway.StartAsync(_ => Config(upstream, bundle, ""));
        string check = _folder.Write("check.yaml", "listeners: [ { address: 127.0.0.1:0 } ]\n" + Config(upstream, bundle, ""));
        foreach (var (name, file, says) in BadBundles.Of(one))
        {
            Replace(bundle, file);
            int before = gateway.Process.Printed.Length;
            gateway.Process.HangUp();
            string line = await LineAsync(gateway, before, "plugins.stamp: ");
            Assert.True(line.Contains($"plugins.stamp: {bundle}: ", StringComparison.Ordinal) && line.Contains(says, StringComparison.Ordinal) && line.Contains(';', StringComparison.Ordinal), $"{name}: {line}");
            Assert.Equal((name, "one"), (name, await StampPlugin.VersionAsync(gateway)));

            // And check says so before anything runs, with the line of the configuration.
            var checkedFile = await BimetalProcess.RunAsync(["check", check]);
            Assert.Equal(2, checkedFile.ExitCode);
            Assert.StartsWith($"{check}:4: plugins.stamp.bundle: {bundle}: ", checkedFile.Error, StringComparison.Ordinal);
            Assert.Contains(says, Assert.Single(checkedFile.Error.TrimEnd().Split('\n')), StringComparison.Ordinal);
        }

        Replace(bundle, two);
        gateway.Process.HangUp();
        await UntilAsync(async () => await StampPlugin.VersionAsync(gateway) == "two");
        Assert.Equal(0, (await BimetalProcess.RunAsync(["check", check])).ExitCode);
    }

    [Fact]
    public async Task BundleOfARegistry_ThatIsNotSigned_OrHasAnExpiredKey_OrIsGone_LeavesTheRunningVersion()
    {
        await using var registry = await RunningRegistry.StartAsync();
        await using var upstream = new LoopbackUpstream();
        string reference = $"oci://{registry.Host}/edge/stamp:live";
        await _stamp.PublishAsync("one", "builder", reference);
        string Signatures(string key) => $"signatures: {{ builders: [{key}], require: true }}\n";
        string cache = Path.Combine(_folder.Path, "cache");
        await using var gateway = await RunningGateway.StartAsync(_ => Config(upstream, reference, Signatures(_stamp.PublicKey("builder"))), ("BIMETAL_CACHE", cache));
        async Task StaysAsync(Func<Task> change, params string[] says)
        {
            int before = gateway.Process.Printed.Length;
            await change();
            string line = await LineAsync(gateway, before, says[0]);
            Assert.All(says.Append($"{reference}: ").Append(";"), part => Assert.Contains(part, line, StringComparison.Ordinal));
            Assert.Equal("one", await StampPlugin.VersionAsync(gateway));
        }

        await StaysAsync(() => RewriteAsync(gateway, Config(upstream, reference, Signatures(ExpiredKey()))), "expired on 2025-06-01");
        await RewriteAsync(gateway, Config(upstream, reference, Signatures(_stamp.PublicKey("builder"))));
        await StaysAsync(() => _stamp.PublishAsync("two", null, reference), "signatures.require is true, and it is not signed");
        await StaysAsync(() => _stamp.PublishAsync("three", "stranger", reference), "none of its signatures (1) is by a trusted key");
        await StaysAsync(registry.StopAsync, "cannot be reached", "its tag could not be looked up, and what runs stays");

        await registry.StartAgainAsync();
        await _stamp.PublishAsync("four", "builder", reference);
        await UntilAsync(async () => await StampPlugin.VersionAsync(gateway) == "four");
    }

    [Fact]
    public async Task WithoutACompiler_ABuildersBundleRuns_AndAPublishersIsRefused()
    {
        string published = await _stamp.BuildAsync("one", "vendor"), built = Path.Combine(_folder.Path, "built.bimetal");
        await StampPlugin.RunAsync(["build", "--from", published, "-o", built, "--key", _stamp.PrivateKey("builder")]);
        string signatures = $"signatures: {{ publishers: [{_stamp.PublicKey("vendor")}], builders: [{_stamp.PublicKey("builder")}], require: true }}\n";
        (string, string)[] bare = [("BIMETAL_CACHE", Path.Combine(_folder.Path, "cache")), ("BIMETAL_CLANG", "/nowhere/clang")];
        await using var upstream = new LoopbackUpstream();
        await using (var gateway = await RunningGateway.StartAsync(_ => Config(upstream, built, signatures), bare)) Assert.Equal("one", await StampPlugin.VersionAsync(gateway));
        var refused = await BimetalProcess.RunAsync(["run", _folder.Write("run.yaml", "listeners: [ { address: 127.0.0.1:0 } ]\n" + Config(upstream, published, signatures))], environment: bare);
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains($"plugins.stamp: {published}: ", refused.Error, StringComparison.Ordinal);
        Assert.Contains("/nowhere/clang", refused.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RegistrysCertificate_CountsWhenTheSystemBelievesItsAuthority()
    {
        string host = Dns.GetHostName();
        var addresses = await Dns.GetHostAddressesAsync(host, TestContext.Current.CancellationToken);
        if (!addresses.Contains(IPAddress.Loopback)) Assert.Skip($"the name of this machine, {host}, does not lead to 127.0.0.1");
        var certificates = new TestCertificates(_folder.Path, $"DNS:{host}");
        await using var registry = await RunningRegistry.StartAsync(http: $"tls: {{ certificate: {certificates.Certificate}, key: {certificates.Key} }}");
        string bundle = await _stamp.BuildAsync("one", null), reference = $"oci://{host}:{registry.Host.Split(':')[1]}/edge/stamp:1";
        var refused = await BimetalProcess.RunAsync(["push", bundle, reference]);
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("; name its authority with --ca-file or pull.ca_file, or add it to the system's\n", refused.Error, StringComparison.Ordinal);
        Assert.Equal(0, (await BimetalProcess.RunAsync(["push", bundle, reference], environment: [("SSL_CERT_FILE", certificates.Authority)])).ExitCode);
        Assert.Equal(0, (await BimetalProcess.RunAsync(["pull", reference, "--ca-file", certificates.Authority, "-o", Path.Combine(_folder.Path, "pulled.bimetal")])).ExitCode);
    }

    private static string Config(LoopbackUpstream upstream, string bundle, string signatures) => $$"""
        upstreams: { api: { endpoints: [{{upstream.Url}}] } }
        plugins:
          stamp: { bundle: "{{bundle}}"{{(bundle.StartsWith("oci:", StringComparison.Ordinal) ? ", pull: { interval: 1s }" : "")}} }
        routes: [ { match: { path: /stamped }, filters: [ { plugin: stamp } ], upstream: api } ]
        {{signatures}}
        """;

    private static Task RewriteAsync(RunningGateway gateway, string configuration)
    {
        gateway.Rewrite(configuration);
        return Task.CompletedTask;
    }

    private static void Replace(string path, byte[] bytes)
    {
        File.WriteAllBytes(path + ".new", bytes);
        File.Move(path + ".new", path, overwrite: true);
    }

    /// <summary>The first line with a text that was printed behind a place.</summary>
    private static Task<string> LineAsync(RunningGateway gateway, int from, string text) =>
        gateway.Process.WaitForAsync(printed => printed[from..].Split('\n')[..^1].FirstOrDefault(line => line.Contains(text, StringComparison.Ordinal)));

    private static async Task UntilAsync(Func<Task<bool>> holds)
    {
        var clock = System.Diagnostics.Stopwatch.StartNew();
        while (!await holds())
        {
            if (clock.Elapsed > TimeSpan.FromSeconds(60)) throw new TimeoutException("what was waited for did not come");
            await Task.Delay(50);
        }
    }

    // The builder's key in a certificate whose time is over.
    private string ExpiredKey()
    {
        using var key = ECDsa.Create();
        key.ImportFromPem(File.ReadAllText(_stamp.PrivateKey("builder")));
        var request = new CertificateRequest("CN=builder", key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(new DateTimeOffset(2025, 1, 1, 0, 0, 0, TimeSpan.Zero), new DateTimeOffset(2025, 6, 1, 0, 0, 0, TimeSpan.Zero));
        return _folder.Write("expired.pem", certificate.ExportCertificatePem());
    }
}
