// A client that sends the bytes a test wrote and reads answers, over one connection.

using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;

namespace Bimetal.Gateway.Tests.Support;

internal sealed class WireClient : IDisposable
{
    private readonly TcpClient _client;
    private readonly CancellationTokenSource _timeout = new(TimeSpan.FromSeconds(20));

    private WireClient(TcpClient client, Stream stream)
    {
        _client = client;
        Stream = stream;
        Reader = new WireReader(Stream);
    }

    /// <summary>What goes over it is encrypted below it, if the connection is.</summary>
    public Stream Stream { get; }

    public Socket Socket => _client.Client;

    public SslStream Tls => (SslStream)Stream;

    public WireReader Reader { get; }

    public CancellationToken Cancellation => _timeout.Token;

    public static async Task<WireClient> ConnectAsync(IPEndPoint address)
    {
        var client = new TcpClient { NoDelay = true };
        await client.ConnectAsync(address);
        return new WireClient(client, client.GetStream());
    }

    /// <summary>Over TLS; the server's certificate is taken as it is unless the options say otherwise.</summary>
    public static async Task<WireClient> ConnectTlsAsync(IPEndPoint address, SslClientAuthenticationOptions options)
    {
        var client = new TcpClient { NoDelay = true };
        try
        {
            await client.ConnectAsync(address);
            var tls = new SslStream(client.GetStream());
#pragma warning disable CA5359 // What the server shows is what the tests look at.
            options.RemoteCertificateValidationCallback ??= static (_, _, _, _) => true;
#pragma warning restore CA5359
            await tls.AuthenticateAsClientAsync(options);
            return new WireClient(client, tls);
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }

    public async Task SendAsync(string text) => await Stream.WriteAsync(Encoding.Latin1.GetBytes(text), Cancellation);

    public async Task<WireMessage> ReceiveAsync(bool hasBody = true) =>
        await Reader.ReadAsync(Cancellation, hasBody) ?? throw new EndOfStreamException("the connection was closed before an answer");

    /// <summary>Sends a request and reads its answer.</summary>
    public async Task<WireMessage> ExchangeAsync(string request, bool hasBody = true)
    {
        await SendAsync(request);
        return await ReceiveAsync(hasBody);
    }

    public Task<WireMessage> GetAsync(string target, string fields = "") => ExchangeAsync($"GET {target} HTTP/1.1\r\nhost: test\r\n{fields}\r\n");

    public Task<WireMessage> PostAsync(string target, string body, string fields = "") =>
        ExchangeAsync($"POST {target} HTTP/1.1\r\nhost: test\r\ncontent-length: {body.Length}\r\n{fields}\r\n{body}");

    public void Dispose()
    {
        _client.Dispose();
        _timeout.Dispose();
    }
}
