// A native plugin on one exchange: makes the callbacks, and lends memory to the host functions that are called from inside them.

using Bimetal.Plugins.Failure;
using Bimetal.Plugins.Streams;

namespace Bimetal.Plugins.Native;

/// <summary>One stream of a native plugin.</summary>
public sealed unsafe class NativePluginStream : PluginStream
{
    private readonly NativePlugin _plugin;
    private readonly StreamSlot _slot;
    private readonly ulong _handle;
    private readonly NativeCallbacks _callbacks;
    private readonly StreamCompletion? _completion;
    private CancellationTokenSource? _callouts;
    private bool _isReleased;
    private bool _owesLog;

    // SAFETY: the table and the state live until Release.
    internal NativePluginStream(NativePlugin plugin, StreamSlot slot, HttpStream stream)
        : base(plugin, stream, plugin.BodyLimitBytes, plugin.HeldBodies)
    {
        Gate = plugin.NeedsGates ? new Lock() : null;
        _callbacks = plugin.Callbacks;
        _completion = _callbacks.HasDone ? new StreamCompletion() : null;
        _plugin = plugin;
        _slot = slot;
        _handle = slot.Open(this);
        if (!_callbacks.HasBegin) return;
        var table = plugin.Table;
        table->StreamBegin(table->Plugin, _handle, slot.State);
    }

    public override bool WantsRequestBody => _callbacks.Has(StreamCallback.RequestBody);

    public override bool WantsResponseBody => _callbacks.Has(StreamCallback.ResponseBody);

    /// <summary>Callbacks that the plugin has and that were made.</summary>
    internal int Entries { get; private set; }

    /// <summary>Host functions that were called for this stream.</summary>
    internal int HostCalls { get; set; }

    /// <summary>What they lent of fields, bodies and data: on wasm each is a copy into memory that the guest allocates for it.</summary>
    internal int LentSlices { get; set; }

    internal new NativePlugin Plugin => _plugin;

    internal CallArena Arena => _slot.Arena;

    /// <summary>Held around every entry into the stream; null when only the gateway enters it, which does so with one thread at a time.</summary>
    internal Lock? Gate { get; }

    /// <summary>Cancelled when the stream ends.</summary>
    internal CancellationToken CalloutCancellation => (_callouts ??= new CancellationTokenSource()).Token;

    /// <summary>Hands the plugin the answer to a callout of this stream, on the callout's thread.</summary>
    // SAFETY: under the gate and before Release, so handle and state live; the answer lives until the callback has returned.
    internal void OnHttpResponse(uint id, LentResponse response)
    {
        lock (Gate!)
        {
            if (_isReleased || Failure is not null || _plugin.IsRetired) return;
            _plugin.Table->HttpResponse(_plugin.Table->Plugin, _handle, _slot.State, id, response.Value);
            ReturnLentMemory();
        }
    }

    /// <summary>Takes back what host functions have lent.</summary>
    internal void ReturnLentMemory() => _slot.ReturnLent();

    protected override FilterAction Invoke(StreamCallback callback, int size, bool endOfStream)
    {
        if (Gate is null) return MakeCallback(callback, endOfStream);
        lock (Gate) return MakeCallback(callback, endOfStream);
    }

    /// <summary>stream_done, from any thread: false when the plugin's done callback has not kept the stream.</summary>
    internal bool TryFinish()
    {
        if (_completion is null || !_completion.TryFinish(out bool isKept)) return false;

        // Not here: the caller may hold locks of the plugin that its log callback takes.
        if (isKept) ThreadPool.UnsafeQueueUserWorkItem(static stream => stream.FinishKept(), this, preferLocal: false);
        return true;
    }

    protected override bool Has(StreamCallback callback) => _callbacks.Has(callback) || (callback == StreamCallback.Log && _completion is not null);

    protected override void Release()
    {
        if (Gate is null)
        {
            End();
        }
        else
        {
            lock (Gate)
            {
                if (TryKeep()) return;
                End();
            }
        }

        _plugin.Return(_slot);
    }

    private FilterAction MakeCallback(StreamCallback callback, bool endOfStream)
    {
        if (_plugin.IsRetired)
        {
            Fail(new PluginFailure(FailureKind.Load, "unloaded"));
            return FilterAction.Pause;
        }

        if (callback == StreamCallback.Log && _completion is not null)
        {
            AskDone();
            _owesLog = _completion.IsWaiting;
            if (_owesLog) return FilterAction.Continue;
        }

        // The log callback, when done is all that the plugin has.
        if (!_callbacks.Has(callback)) return FilterAction.Continue;
        View.Enter(callback, endOfStream);
        var action = Call(callback, endOfStream);
        ReturnLentMemory();
        return View.Leave(action);
    }

    /// <summary>Leaves the stream to its plugin, if that asked for it and may have it.</summary>
    private bool TryKeep()
    {
        if (_completion is null) return false;
        if (Failure is null && !_completion.IsAsked) AskDone();
        if (Failure is not null || !_completion.IsWaiting || !_plugin.TryKeep(this)) return EndLate();
        View.Stream.Own();
        if (!_completion.TryKeep())
        {
            _plugin.KeepNoLonger(this);
            return EndLate();
        }

        _isReleased = true;
        _callouts?.Cancel();
        return true;
    }

    /// <summary>The log callback that was put off when the plugin asked for time that it did not get, or did not need.</summary>
    private bool EndLate()
    {
        if (_owesLog && Failure is null) CallLog();
        return false;
    }

    /// <summary>The plugin has called stream_done: what is left of the stream, on a thread of its own.</summary>
    private void FinishKept()
    {
        lock (Gate!)
        {
            if (!_plugin.IsRetired) CallLog();
            End();
        }

        _plugin.KeepNoLonger(this);
        _plugin.Return(_slot);
    }

    // SAFETY: under the gate and before End, so handle and state live.
    private void AskDone()
    {
        if (_plugin.IsRetired) return;
        _completion!.BeginAsking();
        View.Enter(StreamCallback.Log, endOfStream: true);
        int result = _plugin.Table->Done(_plugin.Table->Plugin, _handle, _slot.State);
        ReturnLentMemory();
        View.Leave(FilterAction.Continue);
        _completion.EndAsking(result != 0);
    }

    // SAFETY: as for AskDone.
    private void CallLog()
    {
        _owesLog = false;
        if (!_callbacks.Has(StreamCallback.Log)) return;
        View.Enter(StreamCallback.Log, endOfStream: true);
        _plugin.Table->Log(_plugin.Table->Plugin, _handle, _slot.State);
        ReturnLentMemory();
        View.Leave(FilterAction.Continue);
    }

    private void End()
    {
        // SAFETY: the last use of handle and state; both are taken back after the call.
        if (_callbacks.HasEnd) _plugin.Table->StreamEnd(_plugin.Table->Plugin, _handle, _slot.State);
        _isReleased = true;
        _callouts?.Cancel();
        _slot.Close();
    }

    /// <inheritdoc cref="LentBody.Pin"/>
    // SAFETY: as said in LentBody.
    internal byte* Pin(bool isRequest, BodyBuffer body) => _slot.Body.Pin(isRequest, body);

    /// <summary>Replaces a part of a body; what was lent of it before is void.</summary>
    internal HostStatus ReplaceBody(bool isRequest, nuint start, nuint length, ReadOnlySpan<byte> replacement)
    {
        var body = View.Body(isRequest);
        if (body is null) return HostStatus.NotFound;

        // A plugin may hand in a part of the very buffer that is about to move.
        if (replacement.Overlaps(body.Span)) replacement = replacement.ToArray();
        int from = (int)Math.Min(start, (nuint)body.Length);
        int count = (int)Math.Min(length, (nuint)(body.Length - from));
        if (!body.TryReplace(from, count, replacement)) return HostStatus.BadArgument;
        _slot.Body.Forget(isRequest);
        return HostStatus.Ok;
    }

    // SAFETY: each function pointer came from the plugin's own table, has the type that bimetal.h gives it, and is not null: the caller looked.
    private FilterAction Call(StreamCallback callback, bool endOfStream)
    {
        var table = _plugin.Table;
        uint end = endOfStream ? 1u : 0u;
        switch (callback)
        {
            case StreamCallback.RequestHeaders:
                return Action(table->RequestHeaders(table->Plugin, _handle, _slot.State, end));
            case StreamCallback.RequestBody:
                return Action(CallWithBody(table->RequestBody, isRequest: true, end));
            case StreamCallback.RequestTrailers:
                return Action(table->RequestTrailers(table->Plugin, _handle, _slot.State));
            case StreamCallback.ResponseHeaders:
                return Action(table->ResponseHeaders(table->Plugin, _handle, _slot.State, end));
            case StreamCallback.ResponseBody:
                return Action(CallWithBody(table->ResponseBody, isRequest: false, end));
            case StreamCallback.ResponseTrailers:
                return Action(table->ResponseTrailers(table->Plugin, _handle, _slot.State));
            default:
                table->Log(table->Plugin, _handle, _slot.State);
                return FilterAction.Continue;
        }
    }

    private FilterAction Action(int result)
    {
        Entries++;
        return result == 0 ? FilterAction.Continue : FilterAction.Pause;
    }

    // SAFETY: the buffer cannot move inside the fixed statement; its address is forgotten outside of it.
    private int CallWithBody(delegate* unmanaged[Cdecl]<void*, ulong, void*, nuint, uint, int> callback, bool isRequest, uint end)
    {
        var body = isRequest ? RequestBody : ResponseBody;
        fixed (byte* bytes = body.Span)
        {
            _slot.Body.Begin(isRequest, bytes);
            int action = callback(_plugin.Table->Plugin, _handle, _slot.State, (nuint)body.Length, end);
            _slot.Body.End();
            return action;
        }
    }
}
