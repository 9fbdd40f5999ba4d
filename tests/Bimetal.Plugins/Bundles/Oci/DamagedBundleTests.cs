// Bundles that are damaged or hostile: each is one line that names the file and the remedy, and nothing of it is mapped.

using System.Formats.Tar;
using System.Text;
using Bimetal.Plugins.Bundles;
using Bimetal.Plugins.Bundles.Oci;
using Bimetal.Plugins.Bundles.Signing;
using Bimetal.Testing;

namespace Bimetal.Plugins.Tests.Bundles.Oci;

public sealed class DamagedBundleTests(BundleFixture fixture) : IClassFixture<BundleFixture>, IDisposable
{
    private const string Layout = "{\"imageLayoutVersion\":\"1.0.0\"}";
    private static readonly string s_zeros = new('0', 64);

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string, string, string> Layouts => new()
    {
        { "blobs/sha256/../../../../etc/passwd", "x", "the entry 'blobs/sha256/../../../../etc/passwd' has a path that leaves the archive" },
        { "/etc/passwd", "x", "the entry '/etc/passwd' has a path that leaves the archive" },
        { "blobs/sha256/abc", "x", "the entry 'blobs/sha256/abc' is not named after a SHA-256" },
        { "index.json", "{}", "the entry 'index.json' is there twice" },
    };

    [Theory]
    [MemberData(nameof(Layouts))]
    public void HostileEntry_IsNamed(string name, string content, string expected) =>
        Assert.Equal($"{_folder.Path}/x.bimetal: {expected}; fetch or build the bundle again", Refusal(("oci-layout", Layout), ("index.json", "{\"manifests\":[]}"), (name, content)));

    [Theory]
    [InlineData("{\"manifests\":[]}", "its index.json has 0 images, and a bundle is one")]
    [InlineData("{\"manifests\":[", "a manifest is not JSON")]
    [InlineData("[]", "a manifest is not a JSON object")]
    [InlineData("{\"layers\":[]}", "is not one that fits its content")]
    [InlineData("{\"manifests\":[{\"digest\":\"sha256:zz\",\"size\":1}]}", "'sha256:zz' is not a SHA-256 digest")]
    [InlineData("{\"manifests\":[{\"digest\":\"sha512:00\",\"size\":1}]}", "'sha512:00' is not a SHA-256 digest")]
    [InlineData("{\"manifests\":[{\"digest\":\"DIGEST\"}]}", "has no size")]
    [InlineData("{\"manifests\":[{\"mediaType\":\"application/vnd.oci.image.index.v1+json\",\"digest\":\"DIGEST\",\"size\":9}]}", "the blob DIGEST is missing")]
    [InlineData("{\"manifests\":[{\"mediaType\":\"application/vnd.oci.image.index.v1+json\",\"digest\":\"DIGEST\",\"size\":99999999}]}", "the layer DIGEST has 99999999 bytes, 4194304 are the most")]
    public void CorruptLayout_IsNamed(string index, string expected) =>
        Assert.Contains(Full(expected), Refusal(("oci-layout", Layout), ("index.json", Full(index))), StringComparison.Ordinal);

    [Fact]
    public void NoTar_IsNamed()
    {
        string path = _folder.Write("x.bimetal", new string('x', 2000));
        Assert.Contains("it is not a whole tar file", RefusalOf(path), StringComparison.Ordinal);
        Assert.Contains("it is not an OCI image layout: it has no oci-layout", Refusal(("index.json", "{}")), StringComparison.Ordinal);
        Assert.Contains("is a SymbolicLink, and only files are allowed", LinkRefusal(), StringComparison.Ordinal);
    }

    [Fact]
    public void TruncatedFile_IsNamed_WhereverItEnds()
    {
        byte[] whole = Bytes(fixture.Pack());
        int last = whole.Length - 1024;    // the two empty blocks at the end say nothing
        foreach (int length in Enumerable.Range(1, 20).Select(part => last * part / 21))
        {
            string path = _folder.Write("x.bimetal", whole.AsSpan(0, length));
            Assert.StartsWith($"{path}: ", RefusalOf(path), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void AnyChangedByteOfAnyBlob_IsFound()
    {
        var archive = BundlePacker.Sign(fixture.Pack(), "x", fixture.Builder);
        var config = new PluginConfig { Name = "small", Bundle = "x", Signatures = BundleFixture.Trusting(fixture.Builder) };
        foreach (var (digest, bytes) in archive.Blobs.All.ToList())
        {
            foreach (int at in new[] { 0, bytes.Length / 2, bytes.Length - 1 })
            {
                bytes[at] ^= 1;
                bool isRefused = IsRefused(archive, config);
                bytes[at] ^= 1;

                // The config of a signature's manifest says nothing, and nobody reads it.
                Assert.True(isRefused || IsConfigOfSignature(bytes), $"a change of byte {at} of {digest} was not found");
            }
        }
    }

    [Fact]
    public async Task ChangedByteOfEachLayer_IsFound_BeforeAnythingIsMapped()
    {
        var archive = BundlePacker.Sign(fixture.Pack(), "x", fixture.Builder);
        OciDigest[] artefacts = [.. fixture.Outcomes.Select(outcome => OciDigest.Of(File.ReadAllBytes(outcome.Result!.Path)))];
        var layers = archive.Blobs.All.Where(blob => artefacts.Contains(blob.Digest)).ToList();
        Assert.Equal(fixture.Outcomes.Count, layers.Count);
        string name = $"flip-{Guid.NewGuid():N}.bimetal", path = Path.Combine(_folder.Path, name);
        foreach (var (digest, bytes) in layers)
        {
            bytes[bytes.Length / 2] ^= 1;
            BundlePacker.Write(archive, path);
            bytes[bytes.Length / 2] ^= 1;
            foreach (var metal in (MetalChoice[])[MetalChoice.Native, MetalChoice.Wasm])
                Assert.StartsWith($"{path}: the digest of the blob {digest} does not match: its bytes have ", await RefusalAsync(path, metal), StringComparison.Ordinal);
        }

        // Mapped code shows under the name of a file, the one that it was first loaded from, as soon as a file is sound.
        Assert.DoesNotContain(name, await File.ReadAllTextAsync("/proc/self/maps", TestContext.Current.CancellationToken), StringComparison.Ordinal);
        BundlePacker.Write(archive, path);
        await using (await LoadAsync(path, MetalChoice.Native)) Assert.Contains(".bimetal", await File.ReadAllTextAsync("/proc/self/maps", TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task FileThatChangesAfterItWasRead_DoesNotChangeWhatRuns()
    {
        string path = Path.Combine(_folder.Path, "small.bimetal");
        BundlePacker.Write(BundlePacker.Sign(fixture.Pack(), "x", fixture.Builder), path);
        var config = Config(path, MetalChoice.Native);
        var source = BundleSource.Choose(PluginBundle.OpenFile(path), config, Metal.Native, new PluginHostServices());
        await File.WriteAllTextAsync(path, "something else", TestContext.Current.CancellationToken);
        await using var plugin = Plugins.Native.NativePlugin.Load(config, source, new PluginHostServices());
        Assert.Equal(Metal.Native, plugin.Metal);
    }

    [Theory]
    [InlineData(MediaTypes.WasmLayer, PluginBundle.MaximumModuleBytes)]
    [InlineData(MediaTypes.NativeLayer, PluginBundle.MaximumMachineCodeBytes)]
    [InlineData(MediaTypes.CodeLayer, PluginBundle.MaximumMachineCodeBytes)]
    public async Task OversizedLayer_IsNamed(string mediaType, long maximumBytes)
    {
        var blobs = new BlobSet();
        var layer = blobs.Add(mediaType, [1, 2, 3]) with { SizeBytes = maximumBytes + 1 };
        var config = blobs.Add(MediaTypes.ImageConfig, "{}"u8.ToArray());
        var manifest = blobs.Add(MediaTypes.Manifest, new OciDocument(MediaTypes.Manifest, [layer], config, new Dictionary<string, string>()).Write()) with { Os = "linux", Architecture = "amd64" };
        var index = blobs.Add(MediaTypes.Index, new OciDocument(MediaTypes.Index, [manifest], null, new Dictionary<string, string>()).Write());
        string path = Path.Combine(_folder.Path, "large.bimetal");
        BundlePacker.Write(new BundleArchive([index], blobs), path);
        Assert.Equal($"{path}: the layer {layer.Digest} has {maximumBytes + 1} bytes, {maximumBytes} are the most; fetch or build the bundle again", await RefusalAsync(path, MetalChoice.Wasm));
    }

    [Fact]
    public async Task UnknownAndExpiredKeys_AreNamed_WithTheRemedy()
    {
        string path = Path.Combine(_folder.Path, "small.bimetal");
        BundlePacker.Write(BundlePacker.Sign(fixture.Pack(), "x", fixture.Publisher), path);
        var required = BundleFixture.Trusting(fixture.Builder, required: true);
        Assert.Equal(
            $"{path}: signatures.require is true, and none of its signatures (1) is by a trusted key; sign it with: bimetal sign BUNDLE --key KEY",
            await RefusalAsync(path, MetalChoice.Wasm, required));
        var expired = TrustKey.Load(fixture.Publisher + ".pub") with { NotAfter = new DateTimeOffset(2025, 6, 1, 0, 0, 0, TimeSpan.Zero) };
        Assert.Equal(
            $"{path}: signatures.require is true, and the key {expired.Name} expired on 2025-06-01; sign it with: bimetal sign BUNDLE --key KEY",
            await RefusalAsync(path, MetalChoice.Wasm, new SignaturePolicy { Builders = [expired], IsRequired = true }));
    }

    [Fact]
    public void UnknownMediaTypes_AreNamed()
    {
        var blobs = new BlobSet();
        var layer = blobs.Add("application/vnd.other", [1, 2, 3]);
        var manifest = blobs.Add(MediaTypes.Manifest, new OciDocument(MediaTypes.Manifest, [layer], layer, new Dictionary<string, string>()).Write());
        var refused = Assert.Throws<BundleException>(() => PluginBundle.Of("x", new BundleArchive([manifest], blobs)));
        Assert.StartsWith("it has layers of the media type application/vnd.other; a plugin is one of application/wasm", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void MissingPlatform_AndWrongArchitecture_AreNamed()
    {
        var config = new PluginConfig { Name = "small", Bundle = "x", Signatures = BundleFixture.Trusting(fixture.Builder) };
        var artefacts = new Dictionary<BuildTarget, byte[]> { [BuildTarget.Wasm] = File.ReadAllBytes(fixture.Folder.PathOf(BuildTarget.Wasm)) };
        var label = new BundleLabel("small", "1", "", null);
        var signed = BundlePacker.Sign(BundleWriter.Make(label, artefacts), "x", fixture.Builder);
        var missing = Assert.Throws<PluginLoadException>(() => BundleSource.Choose(PluginBundle.Of("x", signed), config, Metal.Native, new PluginHostServices()));
        Assert.Equal($"x: has no native build for {BuildTarget.NativeHere}; it has: wasm; build it with --targets {BuildTarget.NativeHere}, or set metal: wasm", missing.Message);

        byte[] foreign = File.ReadAllBytes(fixture.Folder.PathOf(BuildTarget.LinuxX64));
        (foreign[18], foreign[19]) = (243, 0);    // RISC-V
        artefacts[BuildTarget.NativeHere] = foreign;
        signed = BundlePacker.Sign(BundleWriter.Make(label, artefacts), "x", fixture.Builder);
        var source = BundleSource.Choose(PluginBundle.Of("x", signed), config, Metal.Native, new PluginHostServices());
        var wrong = Assert.Throws<PluginLoadException>(() => Plugins.Native.NativePlugin.Load(config, source, new PluginHostServices()));
        Assert.StartsWith("x: is built for machine 243, and this gateway runs on", wrong.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Keys_ThatAreNone_AreNamedWithTheRemedy()
    {
        string text = _folder.Write("text.pem", "hello");
        Assert.StartsWith($"{text}: is not a public key", Assert.Throws<PluginLoadException>(() => TrustKey.Load(text)).Message, StringComparison.Ordinal);
        Assert.Contains("openssl ecparam -name prime256v1", Assert.Throws<PluginLoadException>(() => TrustKey.LoadPrivate(fixture.Builder + ".pub")).Message, StringComparison.Ordinal);
        using var other = System.Security.Cryptography.ECDsa.Create(System.Security.Cryptography.ECCurve.NamedCurves.nistP384);
        string wrong = _folder.Write("p384.pem", other.ExportSubjectPublicKeyInfoPem());
        Assert.StartsWith($"{wrong}: is not a key on P-256", Assert.Throws<PluginLoadException>(() => TrustKey.Load(wrong)).Message, StringComparison.Ordinal);
        Assert.StartsWith("/nowhere/key.pem: cannot be read", Assert.Throws<PluginLoadException>(() => TrustKey.Load("/nowhere/key.pem")).Message, StringComparison.Ordinal);
    }

    private PluginConfig Config(string path, MetalChoice metal) =>
        new() { Name = "small", Bundle = path, Trust = Trust.FirstParty, Metal = metal, Signatures = BundleFixture.Trusting(fixture.Builder) };

    private Task<Plugin> LoadAsync(string path, MetalChoice metal, SignaturePolicy? trust = null)
    {
        var config = Config(path, metal);
        return PluginLoader.LoadAsync(trust is null ? config : config with { Signatures = trust }, new PluginHostServices { Engine = Guests.Guest.Engine }, TestContext.Current.CancellationToken);
    }

    private async Task<string> RefusalAsync(string path, MetalChoice metal, SignaturePolicy? trust = null)
    {
        string message = (await Assert.ThrowsAsync<PluginLoadException>(() => LoadAsync(path, metal, trust))).Message;
        Assert.DoesNotContain('\n', message);
        return message;
    }

    private static string Full(string text) => text.Replace("DIGEST", "sha256:" + s_zeros, StringComparison.Ordinal);

    private static bool IsConfigOfSignature(byte[] blob) => Encoding.UTF8.GetString(blob).StartsWith("{\"architecture\":\"\"", StringComparison.Ordinal);

    private static bool IsRefused(BundleArchive archive, PluginConfig config)
    {
        try
        {
            BundleSource.Choose(PluginBundle.Of("x", archive), config, Metal.Native, new PluginHostServices());
            return false;
        }
        catch (Exception exception) when (exception is BundleException or PluginLoadException)
        {
            return true;
        }
    }

    private static byte[] Bytes(BundleArchive archive)
    {
        using var stream = new MemoryStream();
        archive.Write(stream);
        return stream.ToArray();
    }

    private string Refusal(params (string Name, string Content)[] entries)
    {
        using var stream = new MemoryStream();
        using (var tar = new TarWriter(stream, TarEntryFormat.Pax, leaveOpen: true))
        {
            foreach (var (name, content) in entries) tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(Encoding.UTF8.GetBytes(content)) });
        }

        return RefusalOf(_folder.Write("x.bimetal", stream.ToArray()));
    }

    private string LinkRefusal()
    {
        using var stream = new MemoryStream();
        using (var tar = new TarWriter(stream, TarEntryFormat.Pax, leaveOpen: true)) tar.WriteEntry(new PaxTarEntry(TarEntryType.SymbolicLink, "index.json") { LinkName = "/etc/passwd" });
        return RefusalOf(_folder.Write("x.bimetal", stream.ToArray()));
    }

    private static string RefusalOf(string path)
    {
        string message = Assert.Throws<PluginLoadException>(() => PluginBundle.OpenFile(path).VerifyAllLayers()).Message;
        Assert.DoesNotContain('\n', message);
        return message;
    }
}
