// A plugin written in C#: each callback is a delegate. It goes through the same PluginStream and StreamView as real ones.

using Bimetal.Plugins;
using Bimetal.Plugins.Failure;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Tests.Support;

/// <summary>What one callback is given.</summary>
internal sealed record FakeCall(FakePluginStream Stream, bool EndOfStream)
{
    public StreamView View => Stream.View;

    public HttpStream Http => Stream.View.Stream;

    public void SetRequest(string name, string value) =>
        Assert.Equal(HostStatus.Ok, View.ReplaceHeader(HeaderMapKind.RequestHeaders, Bytes(name), Bytes(value)));

    public void SetResponse(string name, string value) =>
        Assert.Equal(HostStatus.Ok, View.ReplaceHeader(HeaderMapKind.ResponseHeaders, Bytes(name), Bytes(value)));

    public FilterAction Answer(int status, string body = "", params (string Name, string Value)[] fields)
    {
        var headers = new HeaderMap();
        foreach (var (name, value) in fields) headers.AddCopy(Bytes(name), Bytes(value));
        Assert.Equal(HostStatus.Ok, View.SendLocalResponse(status, headers, Bytes(body), -1));
        return FilterAction.Pause;
    }

    public FilterAction Fail(FailureKind kind)
    {
        Stream.Break(new PluginFailure(kind, "the test wants it"));
        return FilterAction.Pause;
    }

    private static byte[] Bytes(string text) => System.Text.Encoding.Latin1.GetBytes(text);
}

internal sealed class FakePlugin : Plugin
{
    public override Metal Metal => Metal.Wasm;

    public int RunningInstances { get; init; }

    public int DeadInstances { get; init; }

    public override (int Existing, int InUse) Instances => (RunningInstances, 0);

    public override int WaitingInstances => DeadInstances;

    public Func<FakeCall, FilterAction>? RequestHeaders { get; init; }

    public Func<FakeCall, FilterAction>? RequestBody { get; init; }

    public Func<FakeCall, FilterAction>? RequestTrailers { get; init; }

    public Func<FakeCall, FilterAction>? ResponseHeaders { get; init; }

    public Func<FakeCall, FilterAction>? ResponseBody { get; init; }

    public Func<FakeCall, FilterAction>? ResponseTrailers { get; init; }

    public Action<FakeCall>? Log { get; init; }

    public PluginFailure? Unavailable { get; init; }

    public int BodyLimitBytes { get; init; } = 1 << 20;

    /// <summary>Names of the callbacks of all streams, in order.</summary>
    public System.Collections.Concurrent.ConcurrentQueue<string> Calls { get; } = new();

    public int Disposed => _disposed;

    internal int _disposed;

    private int _ended;

    /// <summary>How often the plugin itself was ended.</summary>
    public int Ended => Volatile.Read(ref _ended);

    public override PluginStream? TryBegin(HttpStream stream, out PluginFailure? failure)
    {
        failure = Unavailable;
        return failure is null ? new FakePluginStream(this, stream) : null;
    }

    public override ValueTask DisposeAsync()
    {
        Interlocked.Increment(ref _ended);
        return ValueTask.CompletedTask;
    }
}

internal sealed class FakePluginStream(FakePlugin plugin, HttpStream stream) : PluginStream(plugin, stream, plugin.BodyLimitBytes)
{
    public override bool WantsRequestBody => plugin.RequestBody is not null;

    public override bool WantsResponseBody => plugin.ResponseBody is not null;

    public void Break(PluginFailure failure) => Fail(failure);

    protected override FilterAction Invoke(StreamCallback callback, int size, bool endOfStream)
    {
        plugin.Calls.Enqueue($"{callback} {size} {(endOfStream ? "end" : "more")}");
        View.Enter(callback, endOfStream);
        var action = Call(callback, new FakeCall(this, endOfStream));
        return View.Leave(action);
    }

    protected override void Release() => Interlocked.Increment(ref plugin._disposed);

    private FilterAction Call(StreamCallback callback, FakeCall call)
    {
        if (callback == StreamCallback.Log) plugin.Log?.Invoke(call);
        var handler = callback switch
        {
            StreamCallback.RequestHeaders => plugin.RequestHeaders,
            StreamCallback.RequestBody => plugin.RequestBody,
            StreamCallback.RequestTrailers => plugin.RequestTrailers,
            StreamCallback.ResponseHeaders => plugin.ResponseHeaders,
            StreamCallback.ResponseBody => plugin.ResponseBody,
            StreamCallback.ResponseTrailers => plugin.ResponseTrailers,
            _ => null,
        };
        return handler?.Invoke(call) ?? FilterAction.Continue;
    }
}
