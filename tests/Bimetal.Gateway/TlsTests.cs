// TLS on listeners: which certificate answers, who has to show one, what a reload changes, and that every way a connection can end is told.

using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Tests.Support;
using Bimetal.Testing;

namespace Bimetal.Gateway.Tests;

public sealed class TlsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly TestAuthority _authority = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _authority.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData("one.test", "one.test")]
    [InlineData("ONE.test", "one.test")]
    [InlineData("a.two.test", "two.test")]
    [InlineData("exact.two.test", "exact.two.test")]
    [InlineData("a.b.two.test", "one.test")]
    [InlineData("two.test", "one.test")]
    [InlineData("unknown.test", "one.test")]
    [InlineData("", "one.test")]
    public async Task ServerName_ChoosesTheCertificate_ExactThenWildcardThenTheFirst(string asked, string answering)
    {
        WriteServer("one", "one.test");
        WriteServer("two", "*.two.test");
        WriteServer("three", "exact.two.test");
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await StartAsync(upstream, "certificates: [ { certificate: one.pem, key: one.key }, { certificate: two.pem, key: two.key }, { certificate: three.pem, key: three.key } ]");
        using var client = await ConnectAsync(gateway, asked);
        Assert.Equal("CN=" + answering, client.Tls.RemoteCertificate!.Subject);
        Assert.Equal(SslApplicationProtocol.Http11, client.Tls.NegotiatedApplicationProtocol);
        Assert.Equal("hello", (await client.GetAsync("/")).Text);
        Assert.Equal("hello", (await client.GetAsync("/again")).Text);
        Assert.Equal("https", upstream.Received.First()["x-forwarded-proto"]);
    }

    [Fact]
    public async Task LongBodiesInBothDirections_ArriveAsTheyWere()
    {
        WriteServer("one", "one.test");
        byte[] body = new byte[3 << 20];
        new Random(7).NextBytes(body);
        await using var upstream = WireUpstream.ReadingBodies(async (call, request) =>
        {
            await call.WriteAsync($"HTTP/1.1 200 OK\r\ncontent-length: {request.Body.Length}\r\n\r\n");
            await call.Connection.WriteAsync(request.Body, call.Cancellation);
        });
        await using var gateway = await StartAsync(upstream, "certificates: [ { certificate: one.pem, key: one.key } ]");
        using var client = await ConnectAsync(gateway, "one.test");
        await client.SendAsync($"POST / HTTP/1.1\r\nhost: one.test\r\ncontent-length: {body.Length}\r\n\r\n");
        var sending = client.Stream.WriteAsync(body, Cancellation).AsTask();
        var answer = await client.ReceiveAsync();
        await sending;
        Assert.Equal(body, answer.Body);
    }

    [Fact]
    public async Task AnswerBeforeTheEndOfTheBody_ArrivesAsAWhole()
    {
        WriteServer("one", "one.test");
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await StartAsync(upstream, "certificates: [ { certificate: one.pem, key: one.key } ]");
        using var client = await ConnectAsync(gateway, "one.test");
        await client.SendAsync("POST / HTTP/1.1\r\nhost: one.test\r\ncontent-length: 6\r\n\r\nabc");
        Assert.Equal("hello", (await client.ReceiveAsync()).Text);
        await client.SendAsync("def");
        Assert.Empty(await client.Reader.ReadToEndAsync(client.Cancellation));
    }

    [Fact]
    public async Task BodyUntilClose_EndsWithAWordOfTls()
    {
        WriteServer("one", "one.test");
        await using var upstream = new WireUpstream(async call =>
        {
            await call.WriteAsync("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nuntil the end");
            call.Connection.Close();
        });
        await using var gateway = await StartAsync(upstream, "certificates: [ { certificate: one.pem, key: one.key } ]");
        using var client = await ConnectAsync(gateway, "one.test");
        var answer = await client.ExchangeAsync("GET / HTTP/1.0\r\nhost: one.test\r\n\r\n");
        Assert.Equal("until the end", answer.Text);
    }

    [Fact]
    public async Task OneFileWithChainAndKey_IsACertificate()
    {
        var (certificate, key) = _authority.Server("one.test");
        _folder.Write("all.pem", certificate + "\n" + _authority.Pem + "\n" + key);
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await StartAsync(upstream, "certificates: [all.pem]");
        using var trusted = X509CertificateLoader.LoadCertificate(X509Certificate2.CreateFromPem(_authority.Pem).RawData);
        var options = new SslClientAuthenticationOptions
        {
            TargetHost = "one.test",
            CertificateChainPolicy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck, CustomTrustStore = { trusted } },
            RemoteCertificateValidationCallback = static (_, _, _, errors) => errors == SslPolicyErrors.None,
        };
        using var client = await WireClient.ConnectTlsAsync(gateway.Address, options);
        Assert.Equal("hello", (await client.GetAsync("/")).Text);
    }

    [Fact]
    public async Task MinimumVersion_RefusesOlderClients()
    {
        WriteServer("one", "one.test");
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await StartAsync(upstream, "certificates: [ { certificate: one.pem, key: one.key } ], min_version: 1.3");
        await Assert.ThrowsAnyAsync<Exception>(() => ConnectAsync(gateway, "one.test", SslProtocols.Tls12));
        using var client = await ConnectAsync(gateway, "one.test", SslProtocols.Tls13);
        Assert.Equal("hello", (await client.GetAsync("/")).Text);
    }

    [Theory]
    [InlineData("required", null, false)]
    [InlineData("required", "theirs", false)]
    [InlineData("required", "ours", true)]
    [InlineData("optional", null, true)]
    [InlineData("optional", "theirs", false)]
    [InlineData("optional", "ours", true)]
    public async Task ClientCertificate_IsVerified_AndItsSubjectIsToldToTheUpstream(string setting, string? shown, bool isServed)
    {
        using var others = new TestAuthority("another authority");
        WriteServer("one", "one.test");
        _folder.Write("clients.pem", _authority.Pem);
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await StartAsync(
            upstream, $"certificates: [ {{ certificate: one.pem, key: one.key }} ], client_ca: clients.pem, client_certificates: {setting}, client_subject_header: X-Client-Subject");
        var options = new SslClientAuthenticationOptions { TargetHost = "one.test" };
        if (shown is not null)
        {
            var (certificate, key) = (shown == "ours" ? _authority : others).Client("CN=caller 7, O=Test");
            options.ClientCertificateContext = SslStreamCertificateContext.Create(X509Certificate2.CreateFromPem(certificate, key), null, offline: true);
        }

        async Task AskAsync()
        {
            // With TLS 1.3 the client learns of a refusal with its first read.
            using var client = await WireClient.ConnectTlsAsync(gateway.Address, options);
            Assert.Equal("hello", (await client.GetAsync("/", "x-client-subject: CN=admin\r\n")).Text);
        }

        if (isServed) await AskAsync();
        else await Assert.ThrowsAnyAsync<Exception>(AskAsync);
        if (isServed) Assert.Equal(shown is null ? null : "CN=caller 7, O=Test", Assert.Single(upstream.Received)["x-client-subject"]);
        else Assert.Empty(upstream.Received);
    }

    [Fact]
    public async Task Reload_TakesNewCertificatesAndSettings_OnTheSameSocket()
    {
        WriteServer("one", "one.test");
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await StartAsync(upstream, "certificates: [ { certificate: one.pem, key: one.key } ]");
        var address = gateway.Address;
        using var old = await ConnectAsync(gateway, "one.test");
        Assert.Equal("hello", (await old.GetAsync("/")).Text);
        WriteServer("one", "renewed.test");
        await gateway.Host.ReloadAsync(Read(upstream, "certificates: [ { certificate: one.pem, key: one.key } ]"), Cancellation);
        Assert.Equal(address, gateway.Address);
        using var renewed = await ConnectAsync(gateway, "one.test");
        Assert.Equal("CN=renewed.test", renewed.Tls.RemoteCertificate!.Subject);
        Assert.Equal("hello", (await old.GetAsync("/old")).Text);
        await gateway.Host.ReloadAsync(Read(upstream, null), Cancellation);
        Assert.Equal(address, gateway.Address);
        Assert.Equal("hello", (await gateway.GetAsync("/plain")).Text);
    }

    [Fact]
    public void FilesOfCertificates_AreWatched()
    {
        WriteServer("one", "one.test");
        var (config, errors) = ConfigReader.Parse(Yaml(9000, "certificates: [ { certificate: one.pem, key: one.key } ]"), "test.yaml", _folder.Path);
        Assert.Empty(errors);
        Assert.Equal([Path.Combine(_folder.Path, "one.key"), Path.Combine(_folder.Path, "one.pem")], config!.WatchedFiles.Order());
    }

    [Theory]
    [InlineData("certificates: []", "listeners[0].tls.certificates: has 0 certificates")]
    [InlineData("certificates: [missing.pem]", "listeners[0].tls.certificates[0]: there is no file")]
    [InlineData("certificates: [ { certificate: one.pem, key: two.key } ]", "listeners[0].tls.certificates[0]: no certificate with its key in PEM")]
    [InlineData("certificates: [ { certificate: one.pem, key: one.key } ], client_certificates: optional", "listeners[0].tls.client_certificates: has a meaning beside client_ca only")]
    [InlineData("certificates: [ { certificate: one.pem, key: one.key } ], client_ca: one.key", "listeners[0].tls.client_ca:")]
    [InlineData("certificates: [ { certificate: one.pem, key: one.key } ], client_ca: one.pem, client_subject_header: host", "listeners[0].tls.client_subject_header: 'host' is no field that can be set")]
    [InlineData("certificates: [ { certificate: one.pem, key: one.key } ], min_version: 1.1", "listeners[0].tls.min_version: '1.1' is not known here")]
    public void WrongSettings_AreNamed(string tls, string problem)
    {
        WriteServer("one", "one.test");
        WriteServer("two", "two.test");
        var (_, errors) = ConfigReader.Parse(Yaml(9000, tls), "test.yaml", _folder.Path);
        Assert.Contains(problem, string.Join('\n', errors), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ClientsThatDoNotSpeakTls_AreClosed_AndHarmNobody()
    {
        WriteServer("one", "one.test");
        await using var upstream = WireUpstream.Answering();
        await using var gateway = await StartAsync(upstream, "certificates: [ { certificate: one.pem, key: one.key } ]");
        using var silent = await gateway.ConnectAsync();
        using var plain = await gateway.ConnectAsync();
        await plain.SendAsync("GET / HTTP/1.1\r\nhost: one.test\r\n\r\n");
        byte[] rest = await plain.Reader.ReadToEndAsync(plain.Cancellation);
        Assert.DoesNotContain("HTTP", System.Text.Encoding.Latin1.GetString(rest), StringComparison.Ordinal);
        using var client = await ConnectAsync(gateway, "one.test");
        Assert.Equal("hello", (await client.GetAsync("/")).Text);
        Assert.Single(upstream.Received);
    }

    [Theory]
    [InlineData(new byte[0])]
    [InlineData(new byte[] { 0x16, 0x03, 0x01, 0x02, 0x00, 0x01 })]
    public async Task HandshakeThatDoesNotEnd_IsClosedInTime(byte[] begun)
    {
        WriteServer("one", "one.test");
        await using var upstream = WireUpstream.Answering();
        var config = Read(upstream, "certificates: [ { certificate: one.pem, key: one.key } ]");
        var listener = config.Listeners[0];
        await using var gateway = await TestGateway.StartAsync(config with { Listeners = [listener with { Limits = listener.Limits with { HandshakeTimeout = TimeSpan.FromMilliseconds(300) } }] });
        using var client = await gateway.ConnectAsync();
        await client.Stream.WriteAsync(begun, client.Cancellation);
        Assert.Empty(await client.Reader.ReadToEndAsync(client.Cancellation));
        Assert.True(await gateway.IsIdleAsync());
    }

    private void WriteServer(string name, params string[] names)
    {
        var (certificate, key) = _authority.Server(names);
        _folder.Write(name + ".pem", certificate);
        _folder.Write(name + ".key", key);
    }

    private static string Yaml(int upstreamPort, string? tls) =>
        $$"""
        listeners: [ { address: 127.0.0.1:0{{(tls is null ? "" : $", tls: {{ {tls} }}")}} } ]
        telemetry: { access_log: { path: "-", format: json } }
        upstreams: { up: { endpoints: [http://127.0.0.1:{{upstreamPort}}] } }
        routes: [ { match: { path: "/{rest...}" }, upstream: up } ]
        """;

    private GatewayConfig Read(WireUpstream upstream, string? tls)
    {
        var (config, errors) = ConfigReader.Parse(Yaml(upstream.Port, tls), "test.yaml", _folder.Path);
        Assert.Empty(errors);
        return config!;
    }

    private Task<TestGateway> StartAsync(WireUpstream upstream, string tls) => TestGateway.StartAsync(Read(upstream, tls));

    private static Task<WireClient> ConnectAsync(TestGateway gateway, string name, SslProtocols versions = SslProtocols.None) => WireClient.ConnectTlsAsync(
        gateway.Address, new SslClientAuthenticationOptions { TargetHost = name, EnabledSslProtocols = versions, ApplicationProtocols = [SslApplicationProtocol.Http11] });
}
