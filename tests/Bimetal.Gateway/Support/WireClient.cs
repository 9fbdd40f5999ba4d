// A client that sends the bytes a test wrote and reads answers, over one connection.

using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Bimetal.Gateway.Tests.Support;

internal sealed class WireClient : IDisposable
{
    private readonly TcpClient _client;
    private readonly CancellationTokenSource _timeout = new(TimeSpan.FromSeconds(20));

    private WireClient(TcpClient client)
    {
        _client = client;
        Stream = client.GetStream();
        Reader = new WireReader(Stream);
    }

    public NetworkStream Stream { get; }

    public WireReader Reader { get; }

    public CancellationToken Cancellation => _timeout.Token;

    public static async Task<WireClient> ConnectAsync(IPEndPoint address)
    {
        var client = new TcpClient { NoDelay = true };
        await client.ConnectAsync(address);
        return new WireClient(client);
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
