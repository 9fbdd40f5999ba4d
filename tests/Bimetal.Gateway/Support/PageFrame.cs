// The admin page in a frame, beside a script of a test that looks at it and works it.

using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Bimetal.Testing;

namespace Bimetal.Gateway.Tests.Support;

/// <summary>
/// The page in a frame of a chosen width: windows of browsers do not get as narrow as a phone. The frame's document looks into the page, so it has to be
/// of the same origin: a server that passes requests on to the admin listener, but for the policy that forbids frames.
/// </summary>
internal sealed partial class PageFrame : IAsyncDisposable
{
    private const string Document = """
        <!doctype html><html><head><meta name="color-scheme" content="light dark"></head><body style="margin:0"><iframe id="page" src="/" style="border:0;width:WIDTHpx;height:1500px"></iframe><pre id="found"></pre>
        <script>
        function look() {
          const view = document.getElementById("page").contentWindow, page = view.document;
          let found = null;
          if (Number(page.documentElement.dataset.ready || 0) >= 2 && page.querySelector("#pluginsTable td")) {
            try { found = attempt(view, page); } catch (error) { found = { error: String(error) }; }
          }
          if (found) document.getElementById("found").textContent = JSON.stringify(found);
          else setTimeout(look, 100);
        }
        const attempt = (view, page) => { SCRIPT };
        setTimeout(look, 100);
        </script></body></html>
        """;

    private readonly IPEndPoint _admin;
    private readonly WireUpstream _server;
    private readonly int _widthPixels;
    private readonly string _script;
    private readonly Func<Task>? _onPoll;

    private PageFrame(IPEndPoint admin, int widthPixels, string script, Func<Task>? onPoll)
    {
        _admin = admin;
        _widthPixels = widthPixels;
        _script = script;
        _onPoll = onPoll;
        _server = new WireUpstream(AnswerAsync);
    }

    /// <summary>What a script finds.</summary>
    /// <param name="script">Has the frame as <c>view</c> and its document as <c>page</c>, is run again and again, and returns an object when it has seen enough.</param>
    /// <param name="onPoll">Done before the page gets new figures.</param>
    public static async Task<JsonElement> LookAsync(IPEndPoint admin, int widthPixels, bool isDark, string script, Func<Task>? onPoll = null)
    {
        await using var frame = new PageFrame(admin, widthPixels, script, onPoll);
        string document = await Chromium.LoadAsync(new Uri($"http://127.0.0.1:{frame._server.Port}/frame"), isDark, width: 1280, TestContext.Current.CancellationToken);
        var match = FoundPattern().Match(document);
        Assert.True(match.Success, document);
        using var found = JsonDocument.Parse(WebUtility.HtmlDecode(match.Groups[1].Value));
        return found.RootElement.Clone();
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private async Task AnswerAsync(UpstreamCall call)
    {
        if (call.Head.Target == "/frame")
        {
            string document = Document.Replace("WIDTH", _widthPixels.ToString(), StringComparison.Ordinal).Replace("SCRIPT", _script, StringComparison.Ordinal);
            await SendAsync(call, "text/html; charset=utf-8", Encoding.UTF8.GetBytes(document));
            return;
        }

        if (call.Head.Target == "/stats" && _onPoll is not null) await _onPoll();
        byte[] body = await call.ReadBodyAsync();
        using var admin = await WireClient.ConnectAsync(_admin);
        var answer = await admin.ExchangeAsync($"{call.Head.Method} {call.Head.Target} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {body.Length}\r\n\r\n{Encoding.Latin1.GetString(body)}");
        await SendAsync(call, answer["content-type"] ?? "text/plain", answer.Body);
    }

    private static async Task SendAsync(UpstreamCall call, string type, byte[] body)
    {
        await call.WriteAsync($"HTTP/1.1 200 OK\r\ncontent-type: {type}\r\ncontent-length: {body.Length}\r\n\r\n");
        await call.Connection.WriteAsync(body, call.Cancellation);
    }

    [GeneratedRegex("<pre id=\"found\">(\\{.*?\\})</pre>", RegexOptions.Singleline, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex FoundPattern();
}
