// Bundle files: what is in them, what skopeo makes of them, that they are reproducible, and what may run of them under which signature.

using System.Diagnostics;
using Bimetal.Plugins.Bundles;
using Bimetal.Plugins.Bundles.Oci;
using Bimetal.Plugins.Bundles.Signing;
using Bimetal.Plugins.Tests.Guests;
using Bimetal.Testing;

namespace Bimetal.Plugins.Tests.Bundles.Oci;

public sealed class BundleTests(BundleFixture fixture) : IClassFixture<BundleFixture>, IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly TestLog _log = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Bundle_HoldsEveryArtefact_AndIsTheSameEachTime()
    {
        string path = Write(fixture.Pack());
        var bundle = PluginBundle.OpenFile(path);
        bundle.VerifyAllLayers();
        Assert.Equal(("small", "1.2.3"), (bundle.Label.Name, bundle.Label.Version));
        Assert.Equal([BuildTarget.CodeX64, BuildTarget.CodeArm64, BuildTarget.LinuxX64, BuildTarget.LinuxMuslX64], bundle.Targets);
        foreach (var outcome in fixture.Outcomes)
        {
            byte[] wanted = File.ReadAllBytes(outcome.Result!.Path);
            byte[]? found = outcome.Target == BuildTarget.Wasm ? bundle.ReadModule() : bundle.TryRead(outcome.Target, out byte[]? bytes, out _) ? bytes : null;
            Assert.Equal(wanted, found);
        }

        Assert.Equal(File.ReadAllBytes(path), File.ReadAllBytes(Write(fixture.Pack(), "again.bimetal")));
    }

    [Theory]
    [InlineData(500, "500us")]
    [InlineData(0.3, "0.3us")]
    [InlineData(2_000_000, "2000000us")]
    public void WhatTheManifestSays_IsReadBack(double budgetUs, string text)
    {
        var label = new BundleLabel("small", "1", "a text", TimeSpan.FromMicroseconds(budgetUs), "root");
        var archive = BundleWriter.Make(label, new Dictionary<BuildTarget, byte[]> { [BuildTarget.Wasm] = [0] });
        Assert.Equal((label, text), (PluginBundle.Of("x", archive).Label, label.BudgetText));
    }

    [Theory]
    [InlineData("")]
    [InlineData("us")]
    [InlineData("-1us")]
    [InlineData("1e300us")]
    [InlineData("5 minutes")]
    public void BudgetThatIsNone_IsNotRead(string text) => Assert.Null(BundleLabel.ParseBudget(text));

    [Fact]
    public void LatencyBudget_IsTheManifests_UnlessTheConfigurationSaysOtherwise()
    {
        var label = fixture.Folder.Manifest.Label with { LatencyBudget = TimeSpan.FromMicroseconds(250), RootId = "root" };
        string path = Write(BundleWriter.Make(label, new Dictionary<BuildTarget, byte[]> { [BuildTarget.Wasm] = File.ReadAllBytes(fixture.Folder.PathOf(BuildTarget.Wasm)) }));
        var config = new PluginConfig { Name = "small", Bundle = path };
        var completed = PluginLoader.Complete(config, new PluginHostServices());
        Assert.Equal((TimeSpan.FromMicroseconds(250), "root"), (completed.LatencyBudget, completed.RootId));
        completed = PluginLoader.Complete(config with { LatencyBudget = TimeSpan.FromMilliseconds(1), RootId = "own" }, new PluginHostServices());
        Assert.Equal((TimeSpan.FromMilliseconds(1), "own"), (completed.LatencyBudget, completed.RootId));
        Assert.Equal(config, PluginLoader.Complete(config with { Bundle = path }, new PluginHostServices()) with { LatencyBudget = null, RootId = "" });
    }

    [Fact]
    public void Skopeo_InspectsAndCopies_WithSignatures()
    {
        string path = Write(BundlePacker.Sign(fixture.Pack(), "x", fixture.Builder));
        string shown = Run("skopeo", "inspect", "--raw", $"oci-archive:{path}:1.2.3");
        Assert.Contains(MediaTypes.Index, shown, StringComparison.Ordinal);
        Assert.Contains("\"Architecture\": \"amd64\"", Run("skopeo", "inspect", "--override-arch", "amd64", $"oci-archive:{path}:1.2.3"), StringComparison.Ordinal);
        string copy = Path.Combine(_folder.Path, "copy.bimetal");
        Run("skopeo", "copy", "--all", "--preserve-digests", $"oci-archive:{path}:1.2.3", $"oci-archive:{copy}:1.2.3");
        var (original, copied) = (PluginBundle.OpenFile(path), PluginBundle.OpenFile(copy));
        copied.VerifyAllLayers();
        Assert.Equal((original.Digest, original.ReadModule().Length), (copied.Digest, copied.ReadModule().Length));
    }

    [Fact]
    public void Signature_IsWhatOpensslChecks_OverThePayloadThatNamesTheDigest()
    {
        var bundle = PluginBundle.Of("x", BundlePacker.Sign(fixture.Pack(), "x", fixture.Builder));
        var signature = Assert.Single(bundle.Signatures);
        string payload = _folder.Write("payload", signature.Payload), der = _folder.Write("signature", signature.Signature);
        Assert.Contains($"\"docker-manifest-digest\":\"{bundle.Digest}\"", File.ReadAllText(payload), StringComparison.Ordinal);
        Assert.Contains("Verified OK", Run("openssl", "dgst", "-sha256", "-verify", fixture.Builder + ".pub", "-signature", der, payload), StringComparison.Ordinal);
    }

    [Fact]
    public void SignatureThatOpensslMade_Counts()
    {
        var archive = fixture.Pack();
        var bundle = PluginBundle.Of("x", archive);
        string payload = _folder.Write("payload", $$"""{"critical":{"identity":{"docker-reference":""},"image":{"docker-manifest-digest":"{{bundle.Digest}}" },"type":"cosign container image signature"},"optional":null}""");
        string der = Path.Combine(_folder.Path, "signature");
        Run("openssl", "dgst", "-sha256", "-sign", fixture.Builder, "-out", der, payload);
        var signed = PluginBundle.Of("x", archive.WithSignatures(bundle.Digest, [new BundleSignature(File.ReadAllBytes(payload), File.ReadAllBytes(der))]));
        Assert.True(BundleFixture.Trusting(builder: fixture.Builder).JudgeWhole(signed, DateTimeOffset.UtcNow).IsBuilt);
        Assert.False(BundleFixture.Trusting(builder: fixture.Publisher).JudgeWhole(signed, DateTimeOffset.UtcNow).IsBuilt);
    }

    [Fact]
    public async Task Builder_LetsMachineCodeLoad_PublisherNeverDoes()
    {
        string built = Write(BundlePacker.Sign(fixture.Pack(), "x", fixture.Builder), "built.bimetal");
        string published = Write(BundlePacker.Sign(fixture.Pack(), "x", fixture.Publisher), "published.bimetal");
        var trust = BundleFixture.Trusting(fixture.Builder, fixture.Publisher);

        await using (var native = await LoadAsync(built, MetalChoice.Native, trust)) Assert.Equal(Metal.Native, native.Metal);
        await using (var wasm = await LoadAsync(built, MetalChoice.Wasm, trust)) Assert.Equal(Metal.Wasm, wasm.Metal);
        await using (var wasm = await LoadAsync(published, MetalChoice.Wasm, trust)) Assert.Equal(Metal.Wasm, wasm.Metal);
        Assert.Equal(
            $"{published}: machine code is loaded only under the signature of a key in signatures.builders, and none of its signatures (1) is by a trusted builder; "
            + "build it yourself and sign it, or set metal: wasm",
            await RefusalAsync(published, MetalChoice.Native, trust));
        Assert.Contains("and it is not signed;", await RefusalAsync(Write(fixture.Pack(), "plain.bimetal"), MetalChoice.Native, trust), StringComparison.Ordinal);
    }

    [Fact]
    public async Task SignatureOverAManifest_VouchesForThatPlatformAlone()
    {
        var archive = fixture.Pack();
        var bundle = PluginBundle.Of("x", archive);
        using var key = TrustKey.LoadPrivate(fixture.Builder);
        BundleArchive SignedOver(BuildTarget target) => archive.WithSignatures(bundle.ManifestDigests[target], [BundleSignature.Make(key, bundle.ManifestDigests[target], "small")]);
        var trust = BundleFixture.Trusting(fixture.Builder, fixture.Publisher, required: true);

        string native = Write(SignedOver(BuildTarget.LinuxX64), "native.bimetal");
        await using (var loaded = await LoadAsync(native, MetalChoice.Native, trust)) Assert.Equal(Metal.Native, loaded.Metal);
        Assert.Equal(
            $"{native}: signatures.require is true, and none of its signatures (1) is by a trusted key and over wasm; sign it with: bimetal sign BUNDLE --key KEY",
            await RefusalAsync(native, MetalChoice.Wasm, trust));

        string module = Write(SignedOver(BuildTarget.Wasm), "module.bimetal");
        await using (var loaded = await LoadAsync(module, MetalChoice.Wasm, trust)) Assert.Equal(Metal.Wasm, loaded.Metal);
        Assert.Contains("is by a trusted key and over linux-x64;", await RefusalAsync(module, MetalChoice.Native, trust), StringComparison.Ordinal);
    }

    [Fact]
    public async Task PublishersSignatureOverTheModule_OutlivesARebuild_ByTheOperator()
    {
        string vendor = Write(BundlePacker.Sign(fixture.Pack(), "x", fixture.Publisher, isRecursive: true), "vendor.bimetal");
        var rebuilt = BundlePacker.Sign(await BundlePacker.WrapAsync(vendor, BuildTarget.All, TestContext.Current.CancellationToken), "x", fixture.Builder);
        var bundle = PluginBundle.Of("x", rebuilt);
        var now = DateTimeOffset.UtcNow;
        Assert.True(BundleFixture.Trusting(publisher: fixture.Publisher).Judge(bundle, BuildTarget.Wasm, now).IsPublished);
        Assert.False(BundleFixture.Trusting(publisher: fixture.Publisher).JudgeWhole(bundle, now).IsPublished);
        Assert.False(BundleFixture.Trusting(builder: fixture.Publisher).Judge(bundle, BuildTarget.CodeHere, now).IsBuilt);
        Assert.True(BundleFixture.Trusting(builder: fixture.Builder).Judge(bundle, BuildTarget.CodeHere, now).IsBuilt);

        string path = Write(rebuilt, "rebuilt.bimetal");
        using var output = new StringWriter();
        using var error = new StringWriter();
        Assert.Equal(1, SignatureCommandRunner.Verify(path, [fixture.Publisher + ".pub"], output, error));
        Assert.Contains($"signed by {fixture.Publisher}.pub ({TrustKey.Load(fixture.Publisher + ".pub").Fingerprint}): wasm\n", output.ToString(), StringComparison.Ordinal);
        Assert.Equal(0, SignatureCommandRunner.Verify(path, [fixture.Builder + ".pub"], output, error));
    }

    [Fact]
    public void PrecompiledCode_IsTakenOnlyFromABuilder()
    {
        var services = new PluginHostServices();
        var config = new PluginConfig { Name = "small", Bundle = "x", Signatures = BundleFixture.Trusting(fixture.Builder, fixture.Publisher) };
        ReadOnlyMemory<byte> CodeOf(BundleArchive archive) => BundleSource.Choose(PluginBundle.Of("x", archive), config, Metal.Wasm, services).Code;
        byte[] expected = File.ReadAllBytes(fixture.Folder.PathOf(BuildTarget.CodeHere));
        Assert.Equal(expected, CodeOf(BundlePacker.Sign(fixture.Pack(), "x", fixture.Builder)));
        Assert.True(CodeOf(BundlePacker.Sign(fixture.Pack(), "x", fixture.Publisher)).IsEmpty);
        Assert.True(CodeOf(fixture.Pack()).IsEmpty);
    }

    [Fact]
    public async Task Required_RefusesWhatNobodyTrustedSigned()
    {
        string plain = Write(fixture.Pack());
        Assert.Equal(
            $"{plain}: signatures.require is true, and it is not signed; sign it with: bimetal sign BUNDLE --key KEY",
            await RefusalAsync(plain, MetalChoice.Wasm, BundleFixture.Trusting(fixture.Builder, required: true)));
        await using (await LoadAsync(plain, MetalChoice.Wasm, BundleFixture.Trusting(fixture.Builder))) Assert.Empty(_log.LinesAt(PluginLogLevel.Warn));
    }

    [Fact]
    public void KeyThatExpired_IsNamedWithItsDate()
    {
        var bundle = PluginBundle.Of("x", BundlePacker.Sign(fixture.Pack(), "x", fixture.Builder));
        var key = TrustKey.Load(fixture.Builder + ".pub") with { NotAfter = new DateTimeOffset(2025, 6, 1, 0, 0, 0, TimeSpan.Zero) };
        var verdict = new SignaturePolicy { Builders = [key] }.JudgeWhole(bundle, new DateTimeOffset(2025, 6, 2, 0, 0, 0, TimeSpan.Zero));
        Assert.Equal((false, $"the key {key.Name} expired on 2025-06-01"), (verdict.IsBuilt, verdict.Reason));
        Assert.True(new SignaturePolicy { Builders = [key] }.JudgeWhole(bundle, new DateTimeOffset(2025, 5, 31, 0, 0, 0, TimeSpan.Zero)).IsBuilt);
    }

    [Fact]
    public void Certificate_GivesItsKeyAndItsEnd()
    {
        string pem = Path.Combine(_folder.Path, "cert.pem");
        Run("openssl", "req", "-x509", "-key", fixture.Builder, "-subj", "/CN=builder", "-days", "7", "-out", pem);
        var key = TrustKey.Load(pem);
        Assert.Equal(TrustKey.Load(fixture.Builder + ".pub").Fingerprint, key.Fingerprint);
        Assert.Equal(7, (key.NotAfter - key.NotBefore).TotalDays, 3);
    }

    [Fact]
    public async Task From_WrapsAModule_WithCodeForBothProcessors()
    {
        string module = Path.Combine(_folder.Path, "Vendor Plugin.wasm");
        File.Copy(fixture.Folder.PathOf(BuildTarget.Wasm), module);
        var bundle = PluginBundle.Of("x", await BundlePacker.WrapAsync(module, BuildTarget.All, TestContext.Current.CancellationToken));
        Assert.Equal("vendor-plugin", bundle.Label.Name);
        Assert.Equal([BuildTarget.CodeX64, BuildTarget.CodeArm64], bundle.Targets);
        Assert.Equal(File.ReadAllBytes(module), bundle.ReadModule());

        string published = Write(BundlePacker.Sign(fixture.Pack(), "x", fixture.Publisher));
        var rebuilt = PluginBundle.Of("x", await BundlePacker.WrapAsync(published, BuildTarget.All, TestContext.Current.CancellationToken));
        Assert.Equal(("small", "1.2.3", 0), (rebuilt.Label.Name, rebuilt.Label.Version, rebuilt.Signatures.Count));
        Assert.DoesNotContain(BuildTarget.LinuxX64, rebuilt.Targets);
    }

    [Fact]
    public void Verify_SaysWhatIsInABundle_AndWhoSignedIt()
    {
        string path = Write(fixture.Pack());
        using var output = new StringWriter();
        using var error = new StringWriter();
        Assert.Equal(1, SignatureCommandRunner.Verify(path, [fixture.Builder + ".pub"], output, error));
        Assert.Equal($"{path}: not verified: it is not signed; sign it with: bimetal sign {path} --key KEY\n", error.ToString());
        Assert.Equal(0, SignatureCommandRunner.Sign(path, fixture.Builder, isRecursive: false, output, error));
        Assert.Equal(0, SignatureCommandRunner.Sign(path, fixture.Publisher, isRecursive: false, output, error));
        Assert.Equal(0, SignatureCommandRunner.Verify(path, [fixture.Publisher + ".pub"], output, error));
        Assert.Equal(2, PluginBundle.OpenFile(path).Signatures.Count);
        Assert.Equal(0, SignatureCommandRunner.Sign(path, fixture.Builder, isRecursive: false, output, error));
        Assert.Equal(2, PluginBundle.OpenFile(path).Signatures.Count);
    }

    private string Write(BundleArchive archive, string name = "small.bimetal")
    {
        string path = Path.Combine(_folder.Path, name);
        BundlePacker.Write(archive, path);
        return path;
    }

    private Task<Plugin> LoadAsync(string bundle, MetalChoice metal, SignaturePolicy signatures)
    {
        var config = new PluginConfig { Name = "small", Bundle = bundle, Trust = Trust.FirstParty, Metal = metal, Signatures = signatures };
        return PluginLoader.LoadAsync(config, new PluginHostServices { Log = _log, Engine = Guest.Engine }, TestContext.Current.CancellationToken);
    }

    private async Task<string> RefusalAsync(string bundle, MetalChoice metal, SignaturePolicy signatures) =>
        (await Assert.ThrowsAsync<PluginLoadException>(() => LoadAsync(bundle, metal, signatures))).Message;

    private static string Run(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)}: {errors.Result}");
        return output;
    }
}
