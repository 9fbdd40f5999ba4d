// The distribution protocol against a real registry (Debian's docker-registry on loopback) and a fake one that misbehaves.

using System.Text;
using Bimetal.Plugins.Bundles;
using Bimetal.Plugins.Bundles.Oci;
using Bimetal.Plugins.Bundles.Registry;
using Bimetal.Plugins.Tests.Bundles.Oci;
using Bimetal.Testing;

namespace Bimetal.Plugins.Tests.Bundles.Registry;

public sealed class RegistryTests(BundleFixture fixture) : IClassFixture<BundleFixture>, IDisposable
{
    private static readonly TimeSpan s_backoff = TimeSpan.FromMilliseconds(1);
    private static readonly RegistryAccess s_access = new() { Backoff = s_backoff };
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("oci://registry.example/edge/plugin:1.0", "registry.example", "edge/plugin", "1.0", false)]
    [InlineData("127.0.0.1:5000/p:latest", "127.0.0.1:5000", "p", "latest", true)]
    [InlineData("oci://[::1]:5000/a-b/c.d/e__f:x_y", "[::1]:5000", "a-b/c.d/e__f", "x_y", true)]
    [InlineData("localhost:80/p@sha256:0000000000000000000000000000000000000000000000000000000000000000", "localhost:80", "p", "", true)]
    public void Reference_IsRead(string text, string host, string repository, string tag, bool isLoopback)
    {
        Assert.True(RegistryReference.TryParse(text, out var reference));
        Assert.Equal((host, repository, tag, isLoopback), (reference.Host, reference.Repository, reference.Tag, reference.IsLoopback));
    }

    [Theory]
    [InlineData("oci://registry.example/edge/plugin")]
    [InlineData("oci://registry.example")]
    [InlineData("oci://registry.example/Upper:1")]
    [InlineData("oci://registry.example/../x:1")]
    [InlineData("oci://registry.example/x:1@sha256:12")]
    [InlineData("oci://user:password@registry.example/x:1")]
    [InlineData("http://registry.example/x:1")]
    public void WrongReference_IsRefused(string text) => Assert.False(RegistryReference.TryParse(text, out _));

    [Fact]
    public async Task PushThenPull_GivesTheSameBundle_WithItsSignatures_OverBasicAuthentication()
    {
        await using var registry = await RunningRegistry.StartAsync(hasPassword: true);
        string login = Convert.ToBase64String(Encoding.UTF8.GetBytes($"{RunningRegistry.User}:{RunningRegistry.Password}"));
        string auth = _folder.Write("auth.json", "{\"auths\":{\"" + registry.Host + "\":{\"auth\":\"" + login + "\"}}}");
        string path = Path.Combine(_folder.Path, "small.bimetal"), reference = $"oci://{registry.Host}/edge/small:1.2.3";
        BundlePacker.Write(BundlePacker.Sign(fixture.Pack(), "x", fixture.Builder), path);
        using var output = new StringWriter();
        using var error = new StringWriter();

        Assert.Equal(1, await RegistryCommandRunner.PushAsync(path, reference, new RegistryFiles(_folder.Write("none.json", "{}")), output, error, Stop));
        Assert.Contains($"{reference}: the registry {registry.Host} answers 401", error.ToString(), StringComparison.Ordinal);
        Assert.Equal(0, await RegistryCommandRunner.PushAsync(path, reference, new RegistryFiles(auth), output, error, Stop));
        Assert.Equal($"{reference}@{PluginBundle.OpenFile(path).Digest}\n", output.ToString());

        Assert.True(RegistryReference.TryParse(reference, out var parsed));
        var store = new BundleStore(Path.Combine(_folder.Path, "store"));
        using var client = new RegistryClient(parsed!, RegistryAccess.Find(registry.Host, auth, null));
        var stored = await BundleTransfer.PullAsync(parsed!, client, store, null, Stop);
        var pulled = store.Open(parsed!, stored);
        pulled.VerifyAllLayers();
        Assert.Equal(PluginBundle.OpenFile(path).Digest, pulled.Digest);
        Assert.True(BundleFixture.Trusting(fixture.Builder).JudgeWhole(pulled, DateTimeOffset.UtcNow).IsBuilt);

        // As a file it is the same again, config blobs and all.
        string copy = Path.Combine(_folder.Path, "copy.bimetal");
        BundlePacker.Write(BundleTransfer.ToArchive(parsed!, stored, store), copy);
        Assert.Equal(File.ReadAllBytes(path), File.ReadAllBytes(copy));
    }

    [Fact]
    public async Task SkopeoAndBimetal_ReadWhatTheOtherPushed()
    {
        await using var registry = await RunningRegistry.StartAsync();
        string path = Path.Combine(_folder.Path, "small.bimetal");
        BundlePacker.Write(fixture.Pack(), path);
        await RunAsync("skopeo", "copy", "--all", "--preserve-digests", "--dest-tls-verify=false", $"oci-archive:{path}:1.2.3", $"docker://{registry.Host}/skopeo/small:1");
        Assert.Equal(PluginBundle.OpenFile(path).ReadModule(), (await PullAsync($"oci://{registry.Host}/skopeo/small:1")).ReadModule());

        using var output = new StringWriter();
        Assert.Equal(0, await RegistryCommandRunner.PushAsync(path, $"oci://{registry.Host}/own/small:1", new RegistryFiles(), output, TextWriter.Null, Stop));
        Assert.Contains(MediaTypes.Index, await RunAsync("skopeo", "inspect", "--raw", "--tls-verify=false", $"docker://{registry.Host}/own/small:1"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(400, "check the reference")]
    [InlineData(401, "name a login: docker login, or a file in $REGISTRY_AUTH_FILE")]
    [InlineData(403, "the login may not do that")]
    [InlineData(404, "check repository and tag")]
    [InlineData(429, "try again later")]
    [InlineData(503, "try again later")]
    public async Task ErrorOfARegistry_IsOneLineWithTheReferenceAndTheRemedy(int status, string remedy)
    {
        await using var registry = new FakeRegistry(_ => new FakeAnswer(status, "{\"errors\":[{\"code\":\"X\",\"message\":\"two\\nlines\"}]}"u8.ToArray()));
        string reference = $"oci://{registry.Host}/p:1", store = Path.Combine(_folder.Path, "store");
        var config = new PluginConfig { Name = "p", Bundle = reference, Pull = new PullConfig { AuthFile = _folder.Write("none.json", "{}") } };
        string message = (await Assert.ThrowsAsync<PluginLoadException>(() => new RegistryBundles(store, s_backoff).RefreshAsync(config, Stop))).Message;
        Assert.Equal($"{reference}: the registry {registry.Host} answers {status} (twolines); {remedy}", message);
        Assert.Equal(message, (await Assert.ThrowsAsync<PluginLoadException>(() => new RegistryBundles(store, s_backoff).PollAsync(config, Stop))).Message);
    }

    [Fact]
    public async Task WrongBytesOfARegistry_AreOneLineWithTheReferenceAndTheRemedy()
    {
        var wanted = OciDescriptor.Of(MediaTypes.WasmLayer, "bytes"u8);
        var manifest = new OciDocument(MediaTypes.Manifest, [wanted], wanted, new Dictionary<string, string>());
        await using var registry = new FakeRegistry(request => request.Line.EndsWith("/manifests/1", StringComparison.Ordinal) ? new FakeAnswer(200, manifest.Write())
            : request.Line.Contains("/blobs/", StringComparison.Ordinal) ? new FakeAnswer(200, "other"u8.ToArray()) : new FakeAnswer(404, []));
        string reference = $"oci://{registry.Host}/p:1";
        using var error = new StringWriter();
        Assert.Equal(1, await RegistryCommandRunner.PullAsync(reference, Path.Combine(_folder.Path, "p.bimetal"), new RegistryFiles(), TextWriter.Null, error, Stop));
        Assert.Equal(
            $"{reference}: the digest of the blob {wanted.Digest} does not match: what the registry sent has {OciDigest.Of("other"u8)}; push the bundle again, or name another version",
            error.ToString().TrimEnd().Split('\n')[^1]);
    }

    [Fact]
    public async Task MissingTag_IsNamedWithTheRemedy()
    {
        await using var registry = await RunningRegistry.StartAsync();
        var missing = await Assert.ThrowsAsync<RegistryException>(() => PullAsync($"oci://{registry.Host}/nobody/nothing:1"));
        Assert.Equal((true, false, $"the registry {registry.Host} answers 404 (manifest unknown); check repository and tag"), (missing.IsAbsent, missing.IsAway, missing.Message));
    }

    [Fact]
    public async Task BearerToken_IsFetchedWithTheLogin_AndSentAgain()
    {
        FakeRegistry? registry = null;
        registry = new FakeRegistry(request => request switch
        {
            { Line: var line } when line.StartsWith("GET /token?", StringComparison.Ordinal) =>
                new FakeAnswer(request.Fields.GetValueOrDefault("authorization") == "Basic bmFtZTpwYXNz" ? 200 : 403, "{\"token\":\"T\"}"u8.ToArray()),
            { Fields: var fields } when fields.GetValueOrDefault("authorization") != "Bearer T" =>
                new FakeAnswer(401, [], $"WWW-Authenticate: Bearer realm=\"http://{registry!.Host}/token\",service=\"s\",scope=\"repository:p:pull\"\r\n"),
            _ => Document("{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.index.v1+json\",\"manifests\":[]}"),
        });
        await using (registry)
        {
            using var client = ClientOf(registry, new RegistryLogin("name", "pass"));
            await client.GetManifestAsync("1", Stop);
            Assert.Equal(["GET /v2/p/manifests/1", "GET /token?service=s&scope=repository%3Ap%3Apull", "GET /v2/p/manifests/1"], registry.Seen);
            await client.GetManifestAsync("1", Stop);
            Assert.Equal(4, registry.Seen.Count);
        }
    }

    [Fact]
    public async Task TokenFromAnotherMachineWithoutTls_IsRefused()
    {
        await using var registry = new FakeRegistry(_ => new FakeAnswer(401, [], "WWW-Authenticate: Bearer realm=\"http://token.example/token\"\r\n"));
        using var client = ClientOf(registry, new RegistryLogin("name", "pass"));
        Assert.Contains("neither TLS nor on this machine", (await Assert.ThrowsAsync<RegistryException>(() => client.GetManifestAsync("1", Stop))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Trouble_IsTriedAgain_AndNamedWhenItLasts()
    {
        int count = 0;
        await using var registry = new FakeRegistry(_ => Interlocked.Increment(ref count) % 3 == 0 ? Document("{\"layers\":[],\"config\":{\"digest\":\"sha256:" + new string('0', 64) + "\",\"size\":1}}") : new FakeAnswer(503, []));
        using var client = ClientOf(registry);
        await client.GetManifestAsync("1", Stop);
        Assert.Equal(3, registry.Seen.Count);

        await using var broken = new FakeRegistry(_ => new FakeAnswer(500, "{\"errors\":[{\"code\":\"UNKNOWN\",\"message\":\"disk full\"}]}"u8.ToArray()));
        using var other = ClientOf(broken);
        var failure = await Assert.ThrowsAsync<RegistryException>(() => other.GetManifestAsync("1", Stop));
        Assert.Equal((true, 4, $"the registry {broken.Host} answers 500 (disk full); try again later"), (failure.IsAway, broken.Seen.Count, failure.Message));
    }

    [Fact]
    public async Task BrokenDownload_GoesOnWhereItBrokeOff_AndIsChecked()
    {
        byte[] blob = [.. Enumerable.Range(0, 300_000).Select(index => (byte)(index * 7))];
        var ranges = new List<string>();
        await using var registry = new FakeRegistry(request =>
        {
            string range = request.Fields.GetValueOrDefault("range", "");
            lock (ranges) ranges.Add(range);
            int start = range.Length == 0 ? 0 : int.Parse(range["bytes=".Length..^1]);
            return new FakeAnswer(start == 0 ? 200 : 206, blob[start..], CutAfter: Math.Min(120_000, blob.Length - start));
        });
        using var client = ClientOf(registry);
        await using var file = new FileStream(Path.Combine(_folder.Path, "blob"), FileMode.Create, FileAccess.ReadWrite);
        long told = 0;
        await client.GetBlobAsync(OciDescriptor.Of("x", blob), file, 1 << 20, bytes => told += bytes, Stop);
        Assert.Equal((blob.Length, true), (file.Length, told >= blob.Length));
        Assert.True(ranges.Count >= 3 && ranges[0].Length == 0 && ranges.Skip(1).All(range => range.StartsWith("bytes=", StringComparison.Ordinal)), string.Join(' ', ranges));
    }

    [Fact]
    public async Task WrongBytes_AreNeverTaken()
    {
        await using var registry = new FakeRegistry(_ => new FakeAnswer(200, "other"u8.ToArray(), "Content-Type: application/vnd.oci.image.index.v1+json\r\n"));
        using var client = ClientOf(registry);
        await using var file = new FileStream(Path.Combine(_folder.Path, "blob"), FileMode.Create, FileAccess.ReadWrite);
        var wanted = OciDescriptor.Of("x", "bytes"u8);
        Assert.StartsWith($"the digest of the blob {wanted.Digest} does not match", (await Assert.ThrowsAsync<BundleException>(() => client.GetBlobAsync(wanted, file, 100, null, Stop))).Message, StringComparison.Ordinal);
        Assert.Equal(0, file.Length);
        Assert.Contains("does not match", (await Assert.ThrowsAsync<BundleException>(() => client.GetManifestAsync(wanted.Digest.ToString(), Stop))).Message, StringComparison.Ordinal);
        Assert.Contains("99 are the most", (await Assert.ThrowsAsync<BundleException>(() => client.GetBlobAsync(wanted with { SizeBytes = 100 }, file, 99, null, Stop))).Message, StringComparison.Ordinal);
        Assert.Contains("longer than the", (await Assert.ThrowsAsync<BundleException>(() => client.GetBlobAsync(wanted with { SizeBytes = 3 }, file, 99, null, Stop))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RegistryThatIsAway_LeavesWhatTheStoreHas()
    {
        await using var registry = await RunningRegistry.StartAsync();
        string path = Path.Combine(_folder.Path, "small.bimetal"), reference = $"oci://{registry.Host}/edge/small:live", store = Path.Combine(_folder.Path, "store");
        BundlePacker.Write(fixture.Pack(), path);
        Assert.Equal(0, await RegistryCommandRunner.PushAsync(path, reference, new RegistryFiles(), TextWriter.Null, TextWriter.Null, Stop));
        var config = new PluginConfig { Name = "small", Bundle = reference };
        Assert.Null(await new RegistryBundles(store, s_backoff).RefreshAsync(config, Stop));

        await registry.StopAsync();
        var restarted = new RegistryBundles(store, s_backoff);
        string? notice = await restarted.RefreshAsync(config, Stop);
        Assert.Contains($"the registry {registry.Host} cannot be reached", notice, StringComparison.Ordinal);
        Assert.Equal(File.ReadAllBytes(fixture.Folder.PathOf(BuildTarget.Wasm)), restarted.Open(config).ReadModule());
        Assert.Contains("cannot be reached", (await Assert.ThrowsAsync<PluginLoadException>(() => new RegistryBundles(Path.Combine(_folder.Path, "empty"), s_backoff).RefreshAsync(config, Stop))).Message, StringComparison.Ordinal);
        Assert.Contains("pull.policy is never", (await Assert.ThrowsAsync<PluginLoadException>(() => new RegistryBundles(Path.Combine(_folder.Path, "empty"), s_backoff).RefreshAsync(config with { Pull = new PullConfig { Policy = PullPolicy.Never } }, Stop))).Message, StringComparison.Ordinal);

        // The tag moves once the registry is back; a pin does not.
        await registry.StartAgainAsync();
        Assert.False(await restarted.PollAsync(config, Stop));
        BundlePacker.Write(BundlePacker.Sign(fixture.Pack(), "x", fixture.Builder), path);
        Assert.Equal(0, await RegistryCommandRunner.PushAsync(path, reference, new RegistryFiles(), TextWriter.Null, TextWriter.Null, Stop));
        Assert.True(await restarted.PollAsync(config, Stop));
        Assert.False(await restarted.PollAsync(config, Stop));
        Assert.False(await restarted.PollAsync(config with { Bundle = $"{reference}@{restarted.Open(config).Digest}" }, Stop));
    }

    private static FakeAnswer Document(string json) => new(200, Encoding.UTF8.GetBytes(json));

    private static RegistryClient ClientOf(FakeRegistry registry, RegistryLogin? login = null) =>
        new(new RegistryReference(registry.Host, "p", "1", null), s_access with { Login = login });

    private async Task<PluginBundle> PullAsync(string text)
    {
        Assert.True(RegistryReference.TryParse(text, out var reference));
        var store = new BundleStore(Path.Combine(_folder.Path, "store"));
        using var client = new RegistryClient(reference, s_access);
        var bundle = store.Open(reference, await BundleTransfer.PullAsync(reference, client, store, null, Stop));
        bundle.VerifyAllLayers();
        return bundle;
    }

    private static async Task<string> RunAsync(string program, params string[] arguments)
    {
        var start = new System.Diagnostics.ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = System.Diagnostics.Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync(Stop);
        string output = await process.StandardOutput.ReadToEndAsync(Stop);
        await process.WaitForExitAsync(Stop);
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)}: {await errors}");
        return output;
    }
}
