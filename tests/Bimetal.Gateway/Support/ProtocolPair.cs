// A gateway between a client and an upstream that each speak one version of HTTP, the client with or without TLS.

using System.Net;
using Bimetal.Gateway.Configuration;

namespace Bimetal.Gateway.Tests.Support;

internal sealed class ProtocolPair : IAsyncDisposable
{
    private readonly HttpClient _client;

    private ProtocolPair(TestGateway gateway, HttpClient client) => (Gateway, _client) = (gateway, client);

    public TestGateway Gateway { get; }

    /// <summary>Speaks the client's version to the gateway; relative addresses.</summary>
    public HttpClient Client => _client;

    public static async Task<ProtocolPair> StartAsync(bool isEncrypted, bool isHttp2, int upstreamPort, bool isUpstreamHttp2)
    {
        using var authority = new TestAuthority();
        var (certificate, key) = authority.Server("one.test");
        var listener = new ListenerConfig("listeners[0]", new IPEndPoint(IPAddress.Loopback, 0));
        if (isEncrypted) listener = listener with { Tls = new ListenerTlsConfig { Certificates = [TlsCertificate.FromPem(certificate, key)] } };
        var gateway = await TestGateway.StartAsync(new Uri($"http://127.0.0.1:{upstreamPort}"), config => config with
        {
            Listeners = [listener],
            Upstreams = new Dictionary<string, UpstreamConfig> { ["up"] = config.Upstreams["up"] with { Http2 = isUpstreamHttp2 } },
        });
        var handler = new SocketsHttpHandler();
#pragma warning disable CA5359 // The certificate is not what these tests are about.
        handler.SslOptions.RemoteCertificateValidationCallback = static (_, _, _, _) => true;
#pragma warning restore CA5359
        return new ProtocolPair(gateway, new HttpClient(handler)
        {
            BaseAddress = new Uri($"{(isEncrypted ? "https" : "http")}://127.0.0.1:{gateway.Address.Port}"),
            DefaultRequestVersion = isHttp2 ? HttpVersion.Version20 : HttpVersion.Version11,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Timeout = TimeSpan.FromSeconds(60),
        });
    }

    /// <summary>An upstream of the version that answers with a body: as long as <paramref name="write"/> writes, with back-pressure.</summary>
    public static IAsyncDisposable Upstream(bool isHttp2, string type, Func<Func<byte[], Task>, CancellationToken, Task> write, out int port)
    {
        if (isHttp2)
        {
            var upstream = new Http2WireUpstream((wire, stream) => WriteAsync(wire, stream, type, write));
            port = upstream.Port;
            return upstream;
        }

        var old = new WireUpstream(async call =>
        {
            await call.WriteAsync($"HTTP/1.1 200 OK\r\ncontent-type: {type}\r\ntransfer-encoding: chunked\r\n\r\n");
            await write(
                async piece =>
                {
                    await call.WriteAsync($"{piece.Length:x}\r\n");
                    await call.Connection.WriteAsync(piece, call.Cancellation);
                    await call.WriteAsync("\r\n");
                },
                call.Cancellation);
            await call.WriteAsync("0\r\n\r\n");
        });
        port = old.Port;
        return old;
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await Gateway.DisposeAsync();
    }

    // Keeps to the windows that the gateway opens, as upstreams do.
    private static async Task WriteAsync(Http2Wire wire, int stream, string type, Func<Func<byte[], Task>, CancellationToken, Task> write)
    {
        const int initial = 256 << 10, frame = 16 << 10;
        await wire.SendAsync(Http2Frame.Headers, Http2Frame.EndHeaders, stream, Http2Wire.Fields((":status", "200"), ("content-type", type)));
        long window = initial;
        await write(
            async piece =>
            {
                foreach (byte[] part in piece.Chunk(frame))
                {
                    while (window < part.Length)
                    {
                        var update = await wire.ReadUntilAsync(Http2Frame.WindowUpdate, Http2Frame.Reset, Http2Frame.GoAway);
                        if (update is not { Type: Http2Frame.WindowUpdate }) throw new IOException("the gateway has had enough");
                        if (update.Stream == stream) window += update.ErrorCode;
                    }

                    window -= part.Length;
                    await wire.SendAsync(Http2Frame.Data, 0, stream, part);
                }
            },
            wire.Cancellation);
        await wire.SendAsync(Http2Frame.Data, Http2Frame.EndStream, stream, []);
    }
}
