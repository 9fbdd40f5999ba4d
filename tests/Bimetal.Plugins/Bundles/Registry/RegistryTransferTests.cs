// Connections that break in the middle of a blob, in both directions, against the real registry and a fake one that keeps what it got; TLS under an
// authority of one's own; tokens of a real registry.

using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Bimetal.Plugins.Bundles;
using Bimetal.Plugins.Bundles.Oci;
using Bimetal.Plugins.Bundles.Registry;
using Bimetal.Plugins.Tests.Bundles.Oci;
using Bimetal.Testing;

namespace Bimetal.Plugins.Tests.Bundles.Registry;

public sealed class RegistryTransferTests(BundleFixture fixture) : IClassFixture<BundleFixture>, IDisposable
{
    private const int BlobBytes = 9_000_000;    // three chunks
    private const int CutAfterBytes = 6_000_000;
    private static readonly RegistryAccess s_access = new() { Backoff = TimeSpan.FromMilliseconds(1) };
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task UploadThatBreaksOff_ArrivesWhole_InARealRegistry()
    {
        await using var registry = await RunningRegistry.StartAsync();
        await using var proxy = new CuttingProxy(registry.Host, CutAfterBytes, isUpload: true);
        byte[] blob = Blob();
        var descriptor = OciDescriptor.Of("x", blob);
        long told = 0;
        using (var client = ClientOf(proxy.Host)) Assert.True(await client.PutBlobAsync(descriptor, blob, bytes => told += bytes, Stop));
        Assert.Equal((1, BlobBytes), (proxy.Cuts, told));
        using var direct = ClientOf(registry.Host);
        Assert.False(await direct.PutBlobAsync(descriptor, blob, null, Stop));
        Assert.Equal(blob, await DownloadAsync(direct, descriptor));
    }

    [Fact]
    public async Task UploadThatBreaksOff_GoesOnWhereTheRegistrySaysItIs()
    {
        byte[] blob = Blob();
        var descriptor = OciDescriptor.Of("x", blob);
        var kept = new MemoryStream();
        long received = 0;
        await using var registry = new FakeRegistry(request =>
        {
            received += request.Body.Length;
            string place = $"Location: /v2/p/blobs/uploads/1\r\nRange: 0-{Math.Max(0, kept.Length - 1)}\r\n";
            switch (request.Line.Split(' ')[0])
            {
                case "HEAD": return new FakeAnswer(404, []);
                case "POST": return new FakeAnswer(202, [], place);
                case "GET": return new FakeAnswer(204, [], place);
                case "PUT": return new FakeAnswer(request.Line.EndsWith($"digest={Uri.EscapeDataString(OciDigest.Of(kept.ToArray()).ToString())}", StringComparison.Ordinal) ? 201 : 400, []);
                default:
                    if (!request.Fields["content-range"].StartsWith($"{kept.Length}-", StringComparison.Ordinal)) return new FakeAnswer(416, [], place);
                    kept.Write(request.Body);
                    return new FakeAnswer(202, [], $"Location: /v2/p/blobs/uploads/1\r\nRange: 0-{kept.Length - 1}\r\n");
            }
        })
        { CutBodyAfter = 1_000_000 };
        using var client = ClientOf(registry.Host);
        Assert.True(await client.PutBlobAsync(descriptor, blob, null, Stop));
        Assert.Equal(blob, kept.ToArray());

        // The million that had arrived was not sent again.
        Assert.Equal(BlobBytes, received);
        Assert.Single(registry.Seen, line => line.StartsWith("GET ", StringComparison.Ordinal));
        Assert.Single(registry.Seen, line => line.StartsWith("POST ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task UploadThatIsLostEachTime_IsGivenUp_AndNamed()
    {
        byte[] blob = [1, 2, 3];
        await using var registry = new FakeRegistry(request => request.Line.StartsWith("POST", StringComparison.Ordinal) ? new FakeAnswer(202, [], "Location: /up\r\n") : new FakeAnswer(404, []));
        using var client = ClientOf(registry.Host);
        var lost = await Assert.ThrowsAsync<RegistryException>(() => client.PutBlobAsync(OciDescriptor.Of("x", blob), blob, null, Stop));
        Assert.Equal($"the registry {registry.Host} lost the upload of {OciDigest.Of(blob)} 4 times; try again", lost.Message);
        Assert.Equal(4, registry.Seen.Count(line => line.StartsWith("POST", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task DownloadThatBreaksOff_GoesOnWithARange_OfARealRegistry()
    {
        await using var registry = await RunningRegistry.StartAsync();
        byte[] blob = Blob();
        var descriptor = OciDescriptor.Of("x", blob);
        using (var direct = ClientOf(registry.Host)) Assert.True(await direct.PutBlobAsync(descriptor, blob, null, Stop));
        await using var proxy = new CuttingProxy(registry.Host, CutAfterBytes, isUpload: false);
        using var client = ClientOf(proxy.Host);
        long told = 0;
        Assert.Equal(blob, await DownloadAsync(client, descriptor, bytes => told += bytes));

        // Told is what came over the wire: nothing came twice.
        Assert.Equal((1, BlobBytes), (proxy.Cuts, told));
    }

    [Fact]
    public async Task DownloadThatBreaksOffForGood_GoesOnInTheNextProcess()
    {
        byte[] blob = Blob();
        var descriptor = OciDescriptor.Of("x", blob);
        var ranges = new List<string>();
        bool isBroken = true;
        await using var registry = new FakeRegistry(request =>
        {
            string range = request.Fields.GetValueOrDefault("range", "");
            ranges.Add(range);
            int start = range.Length == 0 ? 0 : int.Parse(range["bytes=".Length..^1]);
            if (isBroken && start > 0) return new FakeAnswer(503, []);
            return new FakeAnswer(start == 0 ? 200 : 206, blob[start..], CutAfter: isBroken ? 1_000_000 : null);
        });
        var store = new BundleStore(Path.Combine(_folder.Path, "store"));
        store.Prepare();
        using (var client = ClientOf(registry.Host))
        {
            await using var partial = store.OpenPartial(descriptor.Digest);
            Assert.True((await Assert.ThrowsAsync<RegistryException>(() => client.GetBlobAsync(descriptor, partial, BlobBytes, null, Stop))).IsAway);
        }

        isBroken = false;
        ranges.Clear();
        using (var client = ClientOf(registry.Host))
        {
            await using var partial = new BundleStore(store.Folder).OpenPartial(descriptor.Digest);
            long start = partial.Length;
            await client.GetBlobAsync(descriptor, partial, BlobBytes, null, Stop);
            Assert.InRange(start, 1, 1_000_000);
            Assert.Equal([$"bytes={start}-"], ranges);
            store.Finish(partial, descriptor.Digest);
        }

        Assert.Equal(blob, store.TryRead(descriptor));
    }

    [Fact]
    public async Task RegistryUnderAnAuthorityOfItsOwn_IsSpokenToWithTls_AndNotOtherwise()
    {
        var certificates = new TestCertificates(_folder.Path, "IP:127.0.0.1");
        await using var registry = await RunningRegistry.StartAsync(http: $"tls: {{ certificate: {certificates.Certificate}, key: {certificates.Key} }}");
        string path = Path.Combine(_folder.Path, "small.bimetal"), reference = $"oci://{registry.Host}/edge/small:1";
        BundlePacker.Write(fixture.Pack(), path);
        using var output = new StringWriter();
        using var error = new StringWriter();
        Assert.Equal(0, await RegistryCommandRunner.PushAsync(path, reference, new RegistryFiles(Ca: certificates.Authority), output, error, Stop));
        var config = new PluginConfig { Name = "small", Bundle = reference, Pull = new PullConfig { CaFile = certificates.Authority } };
        var bundles = new RegistryBundles(Path.Combine(_folder.Path, "store"));
        Assert.Null(await bundles.RefreshAsync(config, Stop));
        Assert.Equal(PluginBundle.OpenFile(path).Digest, bundles.Open(config).Digest);

        // Another authority, and the right one for another name.
        string other = Directory.CreateDirectory(Path.Combine(_folder.Path, "other")).FullName;
        var others = new TestCertificates(other, "IP:127.0.0.2");
        string refused = await RefusalAsync(reference, others.Authority);
        Assert.StartsWith($"{reference}: the registry {registry.Host} cannot be reached: ", refused, StringComparison.Ordinal);
        Assert.EndsWith("; name its authority with --ca-file or pull.ca_file, or add it to the system's", refused, StringComparison.Ordinal);
        await using var misnamed = await RunningRegistry.StartAsync(http: $"tls: {{ certificate: {others.Certificate}, key: {others.Key} }}");
        Assert.Contains("cannot be reached", await RefusalAsync($"oci://{misnamed.Host}/edge/small:1", others.Authority), StringComparison.Ordinal);
        Assert.Contains("there is no certificate in it", await RefusalAsync(reference, _folder.Write("none.pem", "nothing")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task RegistryWithTokens_GetsOneForEachPermission_AndTakesTheBundle()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = new CertificateRequest("CN=tokens", key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        string login = Convert.ToBase64String(Encoding.UTF8.GetBytes("edge:secret"));
        await using var tokens = new FakeRegistry(request => request.Fields.GetValueOrDefault("authorization") == $"Basic {login}"
            ? new FakeAnswer(200, Encoding.UTF8.GetBytes($$"""{"token":"{{Token(request.Line, key, certificate)}}"}"""))
            : new FakeAnswer(401, []));
        string root = _folder.Write("tokens.pem", certificate.ExportCertificatePem());
        await using var registry = await RunningRegistry.StartAsync(auth: $"token: {{ realm: \"http://{tokens.Host}/token\", service: edge, issuer: tokens, rootcertbundle: {root} }}");
        string path = Path.Combine(_folder.Path, "small.bimetal"), reference = $"oci://{registry.Host}/edge/small:1";
        BundlePacker.Write(fixture.Pack(), path);
        using var error = new StringWriter();
        var none = new RegistryFiles(_folder.Write("none.json", "{}"));
        Assert.Equal(1, await RegistryCommandRunner.PushAsync(path, reference, none, TextWriter.Null, error, Stop));
        Assert.Matches("answers 401.*; name a login: docker login, or a file in \\$REGISTRY_AUTH_FILE", error.ToString());

        var files = new RegistryFiles(_folder.Write("auth.json", "{\"auths\":{\"" + registry.Host + "\":{\"auth\":\"" + login + "\"}}}"));
        Assert.Equal(0, await RegistryCommandRunner.PushAsync(path, reference, files, TextWriter.Null, error, Stop));
        Assert.Contains(tokens.Seen, line => line.EndsWith($"service=edge&scope={Uri.EscapeDataString("repository:edge/small:pull,push")}", StringComparison.Ordinal) || line.EndsWith($"service=edge&scope={Uri.EscapeDataString("repository:edge/small:push,pull")}", StringComparison.Ordinal));
        var config = new PluginConfig { Name = "small", Bundle = reference, Pull = new PullConfig { AuthFile = files.Auth } };
        var bundles = new RegistryBundles(Path.Combine(_folder.Path, "store"));
        Assert.Null(await bundles.RefreshAsync(config, Stop));
        Assert.Equal(PluginBundle.OpenFile(path).Digest, bundles.Open(config).Digest);
    }

    private static byte[] Blob()
    {
        byte[] blob = new byte[BlobBytes];
        new Random(7).NextBytes(blob);
        return blob;
    }

    private static RegistryClient ClientOf(string host) => new(new RegistryReference(host, "p", "1", null), s_access);

    // What a registry's token server gives out: a JWT with the permissions of the scope, signed by a key that the registry trusts.
    private static string Token(string line, ECDsa key, X509Certificate2 certificate)
    {
        string[] scope = Uri.UnescapeDataString(line[(line.IndexOf("scope=", StringComparison.Ordinal) + "scope=".Length)..]).Split(':');
        long now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        string actions = string.Join(',', scope[2].Split(',').Select(action => $"\"{action}\""));
        string header = $$"""{"typ":"JWT","alg":"ES256","x5c":["{{Convert.ToBase64String(certificate.RawData)}}"]}""";
        string claims = $$"""{"iss":"tokens","sub":"edge","aud":"edge","exp":{{now + 300}},"nbf":{{now - 60}},"iat":{{now}},"jti":"{{now}}","access":[{"type":"{{scope[0]}}","name":"{{scope[1]}}","actions":[{{actions}}]}]}""";
        string signed = $"{Base64Url(Encoding.UTF8.GetBytes(header))}.{Base64Url(Encoding.UTF8.GetBytes(claims))}";
        return $"{signed}.{Base64Url(key.SignData(Encoding.ASCII.GetBytes(signed), HashAlgorithmName.SHA256))}";
    }

    private static string Base64Url(byte[] bytes) => System.Buffers.Text.Base64Url.EncodeToString(bytes);

    private async Task<byte[]> DownloadAsync(RegistryClient client, OciDescriptor blob, Action<long>? progress = null)
    {
        string path = Path.Combine(_folder.Path, "blob");
        await using (var file = new FileStream(path, FileMode.Create, FileAccess.ReadWrite)) await client.GetBlobAsync(blob, file, BlobBytes, progress, Stop);
        return await File.ReadAllBytesAsync(path, Stop);
    }

    private async Task<string> RefusalAsync(string reference, string authority)
    {
        var config = new PluginConfig { Name = "small", Bundle = reference, Pull = new PullConfig { CaFile = authority } };
        var bundles = new RegistryBundles(Path.Combine(_folder.Path, "empty"), s_access.Backoff);
        string message = (await Assert.ThrowsAsync<PluginLoadException>(() => bundles.RefreshAsync(config, Stop))).Message;
        Assert.DoesNotContain('\n', message);
        return message;
    }
}
