// TLS to upstreams: who is trusted, which name is asked for, what the gateway shows.

using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Bimetal.Gateway.Configuration;
using Bimetal.Gateway.Tests.Support;
using Bimetal.Testing;

namespace Bimetal.Gateway.Tests.Upstreams;

public sealed class UpstreamTlsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly TestAuthority _authority = new();

    public void Dispose()
    {
        _authority.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData("ca: ca.pem, server_name: up.test", 200)]
    [InlineData("ca: ca.pem, server_name: other.test", 502)]
    [InlineData("ca: ca.pem", 502)]
    [InlineData("server_name: up.test", 502)]
    [InlineData("verify: false", 200)]
    [InlineData("ca: ca.pem, server_name: up.test, min_version: 1.3", 200)]
    public async Task Upstream_HasToProveItsName(string tls, int status)
    {
        await using var upstream = new TlsUpstream(_authority.Server("up.test"));
        await using var gateway = await StartAsync(upstream.Port, tls);
        var answer = await gateway.GetAsync("/");
        Assert.Equal(status, answer.Status);
        if (status == 200) Assert.Equal(tls.Contains("server_name", StringComparison.Ordinal) ? "up.test|" : "|", answer.Text);
    }

    [Fact]
    public async Task Connection_IsUsedAgain_AfterTicketsOfTheServer()
    {
        // TLS 1.3 servers send tickets when nobody has asked for anything: they are no answer, and no reason to close the connection.
        await using var upstream = new TlsUpstream(_authority.Server("up.test"));
        await using var gateway = await StartAsync(upstream.Port, "ca: ca.pem, server_name: up.test");
        using var client = await gateway.ConnectAsync();
        for (int round = 0; round < 10; round++) Assert.Equal("up.test|", (await client.GetAsync("/")).Text);
        Assert.Equal(1, upstream.ConnectionCount);
    }

    [Fact]
    public async Task ClientCertificate_IsShown()
    {
        var (certificate, key) = _authority.Client("CN=gateway");
        _folder.Write("gw.pem", certificate);
        _folder.Write("gw.key", key);
        await using var upstream = new TlsUpstream(_authority.Server("up.test"), asksForCertificate: true);
        await using var gateway = await StartAsync(upstream.Port, "ca: ca.pem, server_name: up.test, client_certificate: { certificate: gw.pem, key: gw.key }");
        Assert.Equal("up.test|CN=gateway", (await gateway.GetAsync("/")).Text);
    }

    [Fact]
    public void TlsWithoutAnEncryptedEndpoint_IsAnError()
    {
        _folder.Write("ca.pem", _authority.Pem);
        var (_, errors) = ConfigReader.Parse(Yaml("http", 9000, "ca: ca.pem"), "test.yaml", _folder.Path);
        Assert.Contains("upstreams.up.tls: no endpoint speaks TLS", Assert.Single(errors).ToString(), StringComparison.Ordinal);
    }

    private static string Yaml(string scheme, int port, string tls) =>
        $$"""
        listeners: [ { address: 127.0.0.1:0 } ]
        upstreams: { up: { endpoints: ["{{scheme}}://127.0.0.1:{{port}}"], timeouts: { connect: 20s }, tls: { {{tls}} } } }
        routes: [ { match: { path: "/{rest...}" }, upstream: up } ]
        """;

    private Task<TestGateway> StartAsync(int port, string tls)
    {
        _folder.Write("ca.pem", _authority.Pem);
        var (config, errors) = ConfigReader.Parse(Yaml("https", port, tls), "test.yaml", _folder.Path);
        Assert.Empty(errors);
        return TestGateway.StartAsync(config!);
    }

    /// <summary>Answers each request with the name that it was asked for and the subject that it was shown.</summary>
    private sealed class TlsUpstream : IAsyncDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly CancellationTokenSource _stop = new();
        private readonly SslServerAuthenticationOptions _options;
        private readonly Task _accepting;
        private readonly List<Task> _serving = [];
        private int _connectionCount;

        public TlsUpstream((string Certificate, string Key) pem, bool asksForCertificate = false)
        {
            _options = new SslServerAuthenticationOptions
            {
                ServerCertificateContext = SslStreamCertificateContext.Create(X509Certificate2.CreateFromPem(pem.Certificate, pem.Key), null, offline: true),
                ClientCertificateRequired = asksForCertificate,
#pragma warning disable CA5359 // What the gateway shows is what the test looks at.
                RemoteCertificateValidationCallback = static (_, _, _, _) => true,
#pragma warning restore CA5359
            };
            _listener.Start();
            _accepting = AcceptAsync();
        }

        public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

        /// <summary>Connections over which requests came.</summary>
        public int ConnectionCount => Volatile.Read(ref _connectionCount);

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            _listener.Stop();
            await _accepting;
            await Task.WhenAll(_serving);
            _stop.Dispose();
        }

        private async Task AcceptAsync()
        {
            try
            {
                while (true) _serving.Add(ServeAsync(await _listener.AcceptTcpClientAsync(_stop.Token)));
            }
            catch (Exception exception) when (exception is OperationCanceledException or SocketException or InvalidOperationException)
            {
                // Stopped.
            }
        }

        private async Task ServeAsync(TcpClient client)
        {
            using (client)
            {
                try
                {
                    await using var tls = new SslStream(client.GetStream());
                    await tls.AuthenticateAsServerAsync(_options, _stop.Token);
                    var reader = new WireReader(tls);
                    bool isFirst = true;
                    while (await reader.ReadHeadAsync(_stop.Token) is not null)
                    {
                        if (isFirst) Interlocked.Increment(ref _connectionCount);
                        isFirst = false;
                        string body = $"{tls.TargetHostName}|{tls.RemoteCertificate?.Subject}";
                        await tls.WriteAsync(Encoding.Latin1.GetBytes($"HTTP/1.1 200 OK\r\ncontent-length: {body.Length}\r\n\r\n{body}"), _stop.Token);
                    }
                }
                catch (Exception exception) when (exception is IOException or OperationCanceledException or System.Security.Authentication.AuthenticationException)
                {
                    // The gateway does not want us, or the test is over.
                }
            }
        }
    }
}
