// A registry of a few answers, for what a real one does not do on demand: bearer tokens, trouble, broken downloads, wrong bytes. One request per
// connection.

using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Bimetal.Plugins.Tests.Bundles.Registry;

/// <summary>A request as the fake sees it: "GET /v2/…", its fields, lower case, and what came of its body.</summary>
internal sealed record FakeRequest(string Line, IReadOnlyDictionary<string, string> Fields, byte[] Body);

/// <summary>What it answers. A body can be cut off after some bytes, as by a connection that breaks.</summary>
internal sealed record FakeAnswer(int Status, byte[] Body, string Fields = "", int? CutAfter = null);

internal sealed class FakeRegistry : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Func<FakeRequest, FakeAnswer> _answer;
    private readonly Task _serving;
    private readonly List<string> _seen = [];

    public FakeRegistry(Func<FakeRequest, FakeAnswer> answer)
    {
        _answer = answer;
        _listener.Start();
        _serving = Task.Run(ServeAsync);
    }

    public string Host => _listener.LocalEndpoint.ToString()!;

    /// <summary>The connection of the next request with a longer body breaks after that many bytes of it, without an answer. Null: none does.</summary>
    public int? CutBodyAfter { get; set; }

    /// <summary>The request lines until now.</summary>
    public IReadOnlyList<string> Seen
    {
        get
        {
            lock (_seen) return [.. _seen];
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _serving;
        _stop.Dispose();
        _listener.Dispose();
    }

    private async Task ServeAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                using var client = await _listener.AcceptTcpClientAsync(_stop.Token);
                await AnswerAsync(client);
            }
            catch (Exception exception) when (exception is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
            {
                // The client hung up, or the test is over.
            }
        }
    }

    private async Task AnswerAsync(TcpClient client)
    {
        await using var stream = client.GetStream();
        using var reader = new StreamReader(stream, Encoding.Latin1, leaveOpen: true);
        string line = await reader.ReadLineAsync(_stop.Token) ?? throw new IOException("nothing came");
        var fields = new Dictionary<string, string>();
        while (await reader.ReadLineAsync(_stop.Token) is { Length: > 0 } field)
        {
            int colon = field.IndexOf(':', StringComparison.Ordinal);
            fields[field[..colon].ToLowerInvariant()] = field[(colon + 1)..].Trim();
        }

        string request = line[..line.LastIndexOf(' ')];
        lock (_seen) _seen.Add(request);
        int length = fields.TryGetValue("content-length", out string? text) ? int.Parse(text) : 0;
        bool isCut = CutBodyAfter < length;
        char[] body = new char[isCut ? CutBodyAfter!.Value : length];
        if (body.Length > 0) await reader.ReadBlockAsync(body, _stop.Token);
        var answer = _answer(new FakeRequest(request, fields, Encoding.Latin1.GetBytes(body)));
        if (isCut)
        {
            CutBodyAfter = null;
            return;
        }

        string head = $"HTTP/1.1 {answer.Status} X\r\nContent-Length: {answer.Body.Length}\r\nConnection: close\r\n{answer.Fields}\r\n";
        await stream.WriteAsync(Encoding.Latin1.GetBytes(head), _stop.Token);
        await stream.WriteAsync(answer.Body.AsMemory(0, answer.CutAfter ?? answer.Body.Length), _stop.Token);
    }
}
