// Wasm images as users of Istio, Envoy Gateway and Higress have them, pushed to a real registry layer by layer as their tools do, and pulled from it.

using System.IO.Compression;
using System.Formats.Tar;
using Bimetal.Plugins.Bundles;
using Bimetal.Plugins.Bundles.Oci;
using Bimetal.Plugins.Bundles.Registry;
using Bimetal.Plugins.Tests.Bundles.Oci;
using Bimetal.Testing;

namespace Bimetal.Plugins.Tests.Bundles.Registry;

public sealed class WasmImageTests(BundleFixture fixture) : IClassFixture<BundleFixture>, IDisposable
{
    private const string OldConfig = "application/vnd.module.wasm.config.v1+json";
    private const string DockerConfig = "application/vnd.docker.container.image.v1+json";
    private static readonly RegistryAccess s_access = new();
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    // Who has it | manifest | config | layers: media type, and the file in it or "raw" for the module itself.
    public static TheoryData<string, string, string, string[]> Formats => new()
    {
        { "Istio, artifact of the wasm image specification", MediaTypes.Manifest, OldConfig, [MediaTypes.OldWasmLayer + " raw"] },
        { "Istio, artifact with a runtime configuration", MediaTypes.Manifest, OldConfig, ["application/vnd.module.wasm.config.v1+json runtime-config.json", MediaTypes.OldWasmLayer + " raw"] },
        { "Istio, compat variant built with buildah", MediaTypes.Manifest, MediaTypes.ImageConfig, [MediaTypes.TarGzipLayer + " plugin.wasm"] },
        { "Istio, several layers: the last one counts", MediaTypes.Manifest, MediaTypes.ImageConfig, [MediaTypes.TarGzipLayer + " runtime-config.json", MediaTypes.TarGzipLayer + " plugin.wasm"] },
        { "Envoy Gateway, built with docker", MediaTypes.DockerManifest, DockerConfig, [MediaTypes.DockerTarGzipLayer + " plugin.wasm"] },
        { "Envoy Gateway, not compressed", MediaTypes.Manifest, MediaTypes.ImageConfig, [MediaTypes.TarLayer + " plugin.wasm"] },
        {
            "Higress", MediaTypes.Manifest, MediaTypes.ImageConfig,
            ["application/vnd.module.wasm.spec.v1+yaml spec.yaml", "application/vnd.module.wasm.doc.v1+markdown README.md", MediaTypes.TarGzipLayer + " plugin.wasm"]
        },
        { "Higress, built with docker: documents in layers of the same kind", MediaTypes.DockerManifest, DockerConfig, [MediaTypes.DockerTarGzipLayer + " spec.yaml", MediaTypes.DockerTarGzipLayer + " plugin.wasm"] },
        { "CNCF's artifact", MediaTypes.Manifest, MediaTypes.WasmConfig, [MediaTypes.WasmLayer + " raw"] },
    };

    [Theory]
    [MemberData(nameof(Formats))]
    public async Task Image_IsPulled_AndItsModuleLoads(string whose, string manifestType, string configType, string[] layers)
    {
        await using var registry = await RunningRegistry.StartAsync();
        byte[] module = File.ReadAllBytes(fixture.Folder.PathOf(BuildTarget.Wasm));
        string reference = $"oci://{registry.Host}/others/plugin:1";
        await PushAsync(reference, manifestType, configType, [.. layers.Select(layer => (layer.Split(' ')[0], Layer(layer, module)))]);
        var config = new PluginConfig { Name = "theirs", Bundle = reference };
        var services = new PluginHostServices { Bundles = new RegistryBundles(Path.Combine(_folder.Path, "store")), Engine = Guests.Guest.Engine };
        Assert.Null(await PluginLoader.FetchAsync(config, services, Stop));
        Assert.Equal(module, services.Bundles.Open(config).ReadModule());
        Assert.Null(PluginLoader.ProblemOf(config, services));
        await using var plugin = await PluginLoader.LoadAsync(config, services, Stop);
        Assert.Equal((whose, Metal.Wasm), (whose, plugin.Metal));
    }

    [Theory]
    [InlineData("readme.txt", "its layer has no file plugin.wasm, so it is not a wasm plugin's image; check repository and tag")]
    [InlineData("../plugin.wasm", "its layer has no file plugin.wasm, so it is not a wasm plugin's image; check repository and tag")]
    [InlineData("/plugin.wasm", "its layer has no file plugin.wasm, so it is not a wasm plugin's image; check repository and tag")]
    public void TarWithoutThePlugin_IsNamed(string name, string expected) =>
        Assert.Equal($"x: {expected}", Assert.Throws<PluginLoadException>(() => ModuleTar.Read("x", Tar(name, [1, 2, 3], isCompressed: false), isCompressed: false)).Message);

    [Fact]
    public void TarThatUnpacksToTooMuch_IsGivenUp()
    {
        byte[] bomb;
        using (var packed = new MemoryStream())
        {
            using (var gzip = new GZipStream(packed, CompressionLevel.Fastest))
            {
                byte[] zeros = new byte[1 << 20];
                for (int mebibyte = 0; mebibyte < 200; mebibyte++) gzip.Write(zeros);
            }

            bomb = packed.ToArray();
        }

        Assert.InRange(bomb.Length, 1, 2 << 20);
        Assert.StartsWith("x: its layer unpacks to more than 150994944 bytes", Assert.Throws<PluginLoadException>(() => ModuleTar.Read("x", bomb, isCompressed: true)).Message, StringComparison.Ordinal);
        Assert.StartsWith("x: its layer is not a whole tar", Assert.Throws<PluginLoadException>(() => ModuleTar.Read("x", bomb[..1000], isCompressed: false)).Message, StringComparison.Ordinal);
        Assert.StartsWith("x: its layer is not a whole tar", Assert.Throws<PluginLoadException>(() => ModuleTar.Read("x", "no gzip"u8.ToArray(), isCompressed: true)).Message, StringComparison.Ordinal);
    }

    private static byte[] Layer(string layer, byte[] module)
    {
        string[] parts = layer.Split(' ');
        byte[] content = parts[1] is "raw" or "plugin.wasm" ? module : "some: text\n"u8.ToArray();
        return parts[1] == "raw" || !parts[0].Contains(".tar", StringComparison.Ordinal) ? content : Tar(parts[1], content, parts[0].EndsWith("gzip", StringComparison.Ordinal));
    }

    private static byte[] Tar(string name, byte[] content, bool isCompressed)
    {
        using var bytes = new MemoryStream();
        using (Stream packed = isCompressed ? new GZipStream(bytes, CompressionLevel.Fastest, leaveOpen: true) : new BufferedStream(bytes))
        {
            using (var tar = new TarWriter(packed, TarEntryFormat.Gnu, leaveOpen: true)) tar.WriteEntry(new GnuTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(content) });
            packed.Flush();
            return isCompressed ? Finish((GZipStream)packed, bytes) : bytes.ToArray();
        }
    }

    private static byte[] Finish(GZipStream gzip, MemoryStream bytes)
    {
        gzip.Dispose();
        return bytes.ToArray();
    }

    private static async Task PushAsync(string text, string manifestType, string configType, (string MediaType, byte[] Bytes)[] layers)
    {
        Assert.True(RegistryReference.TryParse(text, out var reference));
        using var client = new RegistryClient(reference, s_access);
        byte[] config = "{}"u8.ToArray();
        var descriptor = OciDescriptor.Of(configType, config);
        await client.PutBlobAsync(descriptor, config, null, Stop);
        foreach (var (mediaType, bytes) in layers) await client.PutBlobAsync(OciDescriptor.Of(mediaType, bytes), bytes, null, Stop);
        var manifest = new OciDocument(manifestType, [.. layers.Select(layer => OciDescriptor.Of(layer.MediaType, layer.Bytes))], descriptor, new Dictionary<string, string>());
        await client.PutManifestAsync(reference.Tag, manifestType, manifest.Write(), Stop);
    }
}
