// An upstream for the callouts of plugins under test: says what was asked, and answers when the test wants it.

using System.Text;
using System.Threading.Channels;
using Bimetal.Plugins.Callouts;
using Bimetal.Plugins.Streams;

namespace Bimetal.Plugins.Tests.Guests;

/// <summary>An upstream called "keys" that answers when the test says so.</summary>
internal sealed class FakeCaller : IHttpCaller
{
    private readonly Channel<PendingCall> _calls = Channel.CreateUnbounded<PendingCall>();

    public bool AnswersAtOnce { get; init; }

    public bool Has(string upstream) => upstream == "keys";

    public Task<HttpCalloutResponse?> CallAsync(HttpCalloutRequest request, CancellationToken cancellation)
    {
        var pending = new PendingCall(request, cancellation);
        if (AnswersAtOnce) pending.Answer(200, "at once");
        _calls.Writer.TryWrite(pending);
        return pending.Task;
    }

    public Task<PendingCall> NextAsync() =>
        _calls.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
}

internal sealed class PendingCall(HttpCalloutRequest request, CancellationToken cancellation)
{
    private readonly TaskCompletionSource<HttpCalloutResponse?> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public HttpCalloutRequest Request { get; } = request;

    public CancellationToken Cancellation { get; } = cancellation;

    public Task<HttpCalloutResponse?> Task => _answer.Task;

    public void Fail() => _answer.TrySetResult(null);

    public void Answer(int status, string body, params (string Name, string Value)[] trailers)
    {
        var headers = new HeaderMap();
        headers.AddCopy(":status"u8, Encoding.ASCII.GetBytes(status.ToString()));
        var trailerMap = new HeaderMap();
        foreach (var (name, value) in trailers) trailerMap.AddCopy(Encoding.ASCII.GetBytes(name), Encoding.ASCII.GetBytes(value));
        _answer.TrySetResult(new HttpCalloutResponse(headers, Encoding.ASCII.GetBytes(body), trailerMap));
    }
}
