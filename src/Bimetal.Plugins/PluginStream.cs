// One plugin on one exchange, whatever its metal: what the gateway drives. The rules of what a callback may see and change are in
// StreamView, its base (one object for a request, not two); what differs between the metals is Invoke.

using System.Diagnostics;
using Bimetal.Plugins.Failure;
using Bimetal.Plugins.Shadow;
using Bimetal.Plugins.Streams;

namespace Bimetal.Plugins;

/// <summary>
/// Callbacks are made by one thread at a time, in the order of HTTP. After a callback look at <see cref="Failure"/>, then
/// <see cref="StreamView.IsReset"/>, then <see cref="StreamView.LocalResponse"/>, then the action. Dispose once at the end, whatever happened.
/// </summary>
/// <remarks>
/// <para>Pause from a header callback holds the headers. Body callbacks are still made as chunks come; the gateway appends each chunk to
/// the body buffer first and keeps what is there as long as the answer is Pause. Continue from any later callback of the direction releases
/// the headers (with every change made meanwhile) and the buffer.</para>
/// <para>While something is held, <see cref="StreamView.Waiter"/> tells that it may go on without a further callback.</para>
/// </remarks>
public abstract class PluginStream(Plugin plugin, HttpStream stream, int bodyLimitBytes, ByteQuota? heldBodies = null)
    : StreamView(stream, bodyLimitBytes, heldBodies), IDisposable
{
    private readonly bool _isMeasured = plugin.Statistics.BeginStream();

    // For the few streams that a shadow compares.
    private ShadowRecording? _recording;
    private ShadowPlugin? _shadow;

    public Plugin Plugin { get; } = plugin;

    /// <summary>What the plugin sees of the exchange; host functions act on it. The same object.</summary>
    public StreamView View => this;

    /// <summary>Set when the plugin failed; no further callback is made. The gateway answers by <c>on_error</c>.</summary>
    public PluginFailure? Failure { get; private set; }

    /// <summary>
    /// Whether the plugin has a callback for request body chunks. Without one the gateway does not copy the body and keeps its content-length;
    /// with one the body may change, so a length that is not known when the headers go out is not promised. It may become false on the way.
    /// </summary>
    public virtual bool WantsRequestBody => true;

    /// <summary>The same for the response body.</summary>
    public virtual bool WantsResponseBody => true;

    public FilterAction OnRequestHeaders(bool endOfStream) => Run(StreamCallback.RequestHeaders, Stream.RequestHeaders.Count, endOfStream);

    /// <summary>The new chunk is in <see cref="StreamView.RequestBody"/> already. After Continue the gateway sends the buffer on and clears it.</summary>
    public FilterAction OnRequestBody(bool endOfStream) => Run(StreamCallback.RequestBody, RequestBody.Length, endOfStream);

    public FilterAction OnRequestTrailers() => Run(StreamCallback.RequestTrailers, Stream.RequestTrailers.Count, endOfStream: true);

    public FilterAction OnResponseHeaders(bool endOfStream) => Run(StreamCallback.ResponseHeaders, Stream.ResponseHeaders.Count, endOfStream);

    /// <summary>The new chunk is in <see cref="StreamView.ResponseBody"/> already. After Continue the gateway sends the buffer on and clears it.</summary>
    public FilterAction OnResponseBody(bool endOfStream) => Run(StreamCallback.ResponseBody, ResponseBody.Length, endOfStream);

    public FilterAction OnResponseTrailers() => Run(StreamCallback.ResponseTrailers, Stream.ResponseTrailers.Count, endOfStream: true);

    /// <summary>The exchange is over and was answered: the last callback, for logging. Headers are still readable.</summary>
    public void OnLog() => Run(StreamCallback.Log, 0, endOfStream: true);

    /// <summary>Gives the instance or the native state back. No callback is made afterwards.</summary>
    public void Dispose()
    {
        long started = _isMeasured ? Stopwatch.GetTimestamp() : 0;
        Release();
        ReleaseBodies();
        if (_isMeasured) Plugin.Statistics.EndTimes.RecordSince(started);
        if (_recording is not null) _shadow!.Take(_recording);
        GC.SuppressFinalize(this);
    }

    /// <summary>
    /// Makes one callback that the plugin has: <see cref="StreamView.Enter"/>, the plugin, <see cref="StreamView.Leave"/> whose result is returned.
    /// What the plugin does wrong ends in <see cref="Fail"/>, and then the returned action does not matter.
    /// </summary>
    /// <param name="size">Number of headers or trailers, or bytes in the body buffer.</param>
    protected abstract FilterAction Invoke(StreamCallback callback, int size, bool endOfStream);

    /// <summary>Whether the plugin has code for a callback: without it <see cref="Invoke"/> is not called.</summary>
    protected virtual bool Has(StreamCallback callback) => true;

    /// <summary>The work of <see cref="Dispose"/>; called once.</summary>
    protected abstract void Release();

    /// <summary>Ends the plugin's part in this stream; the first failure counts.</summary>
    protected internal void Fail(PluginFailure failure)
    {
        if (Failure is not null) return;
        Failure = failure;
        Plugin.Statistics.CountFailure(failure.Kind);
        NotifyWhenHeld();
    }

    private protected override SettledFields Settled => Plugin.Settled;

    private FilterAction Run(StreamCallback callback, int size, bool endOfStream)
    {
        bool isOver = Failure is not null || ((LocalResponse is not null || IsReset) && callback != StreamCallback.Log);
        if (isOver) return FilterAction.Pause;
        return _recording is null ? Measure(callback, size, endOfStream) : Record(_recording, callback, size, endOfStream);
    }

    /// <summary>Has the shadow compare this stream when it is over.</summary>
    internal void Record(ShadowPlugin shadow) => (_shadow, _recording) = (shadow, new ShadowRecording(Stream));

    /// <summary>Makes a callback by its name, for a shadow: the exchange is in the state that it had.</summary>
    internal FilterAction Make(StreamCallback callback, bool endOfStream) => callback switch
    {
        StreamCallback.RequestHeaders => OnRequestHeaders(endOfStream),
        StreamCallback.RequestBody => OnRequestBody(endOfStream),
        StreamCallback.RequestTrailers => OnRequestTrailers(),
        StreamCallback.ResponseHeaders => OnResponseHeaders(endOfStream),
        StreamCallback.ResponseBody => OnResponseBody(endOfStream),
        StreamCallback.ResponseTrailers => OnResponseTrailers(),
        _ => Run(StreamCallback.Log, 0, endOfStream: true),
    };

    private FilterAction Record(ShadowRecording recording, StreamCallback callback, int size, bool endOfStream)
    {
        FilterAction action;
        using (recording.Begin(View)) action = Measure(callback, size, endOfStream);
        recording.End(callback, endOfStream, action, View, Failure);
        return action;
    }

    private FilterAction Measure(StreamCallback callback, int size, bool endOfStream)
    {
        if (!Has(callback)) return Pass(callback, endOfStream);
        if (!_isMeasured) return Invoke(callback, size, endOfStream);
        var cpu = ThreadCpuClock.Now;
        long started = Stopwatch.GetTimestamp();
        var action = Invoke(callback, size, endOfStream);
        var took = Stopwatch.GetElapsedTime(started);
        Plugin.Statistics.RecordCallback(callback, (long)took.TotalNanoseconds, ThreadCpuClock.Now - cpu);
        return action;
    }

    /// <summary>Without the callback nothing changes: what goes through goes on, what an earlier callback holds stays held.</summary>
    private FilterAction Pass(StreamCallback callback, bool endOfStream)
    {
        if (callback == StreamCallback.Log) return FilterAction.Continue;
        Enter(callback, endOfStream);
        return Leave(IsHeld(isRequest: callback <= StreamCallback.RequestTrailers) ? FilterAction.Pause : FilterAction.Continue);
    }
}
