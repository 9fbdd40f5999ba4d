// A native plugin on one exchange: makes the callbacks, and lends memory to the host functions that are called from inside them.

using System.Buffers;
using Bimetal.Plugins.Failure;
using Bimetal.Plugins.Streams;

namespace Bimetal.Plugins.Native;

/// <summary>One stream of a native plugin.</summary>
public sealed unsafe class NativePluginStream : PluginStream
{
    private readonly NativePlugin _plugin;
    private readonly StreamSlot _slot;
    private readonly ulong _handle;
    private readonly StreamCompletion? _completion;
    private CancellationTokenSource? _callouts;
    private bool _isReleased;
    private bool _owesLog;

    // The body that the running callback is about: pinned on the stack by Invoke as long as these two are set.
    private byte* _callbackBody;
    private bool _isCallbackBodyRequest;

    // A body that is looked at in any other callback, or after it was changed: pinned by a handle until the callback returns.
    private MemoryHandle _otherBody;
    private bool _hasOtherBody;
    private bool _isOtherBodyRequest;

    // SAFETY: the table and the state live until Release.
    internal NativePluginStream(NativePlugin plugin, StreamSlot slot, HttpStream stream)
        : base(plugin, stream, plugin.BodyLimitBytes, plugin.State.HeldBodies)
    {
        Gate = plugin.NeedsGates ? new Lock() : null;
        _completion = plugin.Table->Done is not null ? new StreamCompletion() : null;
        _plugin = plugin;
        _slot = slot;
        _handle = slot.Open(this);
        var table = plugin.Table;
        if (table->StreamBegin is not null) table->StreamBegin(table->Plugin, _handle, slot.State);
    }

    public override bool WantsRequestBody => _plugin.Table->RequestBody is not null;

    public override bool WantsResponseBody => _plugin.Table->ResponseBody is not null;

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
    internal void ReturnLentMemory()
    {
        _slot.Arena.Reset();
        if (_hasOtherBody) Unpin();
    }

    protected override FilterAction Invoke(StreamCallback callback, int size, bool endOfStream)
    {
        if (Gate is null) return Enter(callback, endOfStream);
        lock (Gate) return Enter(callback, endOfStream);
    }

    /// <summary>stream_done, from any thread: false when the plugin's done callback has not kept the stream.</summary>
    internal bool TryFinish()
    {
        if (_completion is null || !_completion.TryFinish(out bool isKept)) return false;

        // Not here: the caller may hold locks of the plugin that its log callback takes.
        if (isKept) ThreadPool.UnsafeQueueUserWorkItem(static stream => stream.FinishKept(), this, preferLocal: false);
        return true;
    }

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

    private FilterAction Enter(StreamCallback callback, bool endOfStream)
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
        if (_plugin.Table->Log is null) return;
        View.Enter(StreamCallback.Log, endOfStream: true);
        _plugin.Table->Log(_plugin.Table->Plugin, _handle, _slot.State);
        ReturnLentMemory();
        View.Leave(FilterAction.Continue);
    }

    private void End()
    {
        // SAFETY: the last use of handle and state; both are taken back after the call.
        var table = _plugin.Table;
        if (table->StreamEnd is not null) table->StreamEnd(table->Plugin, _handle, _slot.State);
        ReturnLentMemory();
        _isReleased = true;
        _callouts?.Cancel();
        _slot.Close();
    }

    /// <summary>The address of the body, which stays where it is until the callback returns or the body is changed.</summary>
    // SAFETY: either the span is pinned by CallWithBody's fixed statement, or by a handle that is kept until the callback returns.
    internal byte* Pin(bool isRequest, BodyBuffer body)
    {
        if (_callbackBody is not null && _isCallbackBodyRequest == isRequest) return _callbackBody;
        if (!_hasOtherBody || _isOtherBodyRequest != isRequest)
        {
            Unpin();
            _otherBody = body.Memory.Pin();
            _hasOtherBody = true;
            _isOtherBodyRequest = isRequest;
        }

        return (byte*)_otherBody.Pointer;
    }

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
        if (_isCallbackBodyRequest == isRequest) _callbackBody = null;
        if (_hasOtherBody && _isOtherBodyRequest == isRequest) Unpin();
        return HostStatus.Ok;
    }

    // SAFETY: each function pointer came from the plugin's own table, has the type that bimetal.h gives it, and is not null.
    private FilterAction Call(StreamCallback callback, bool endOfStream)
    {
        var table = _plugin.Table;
        uint end = endOfStream ? 1u : 0u;
        switch (callback)
        {
            case StreamCallback.RequestHeaders when table->RequestHeaders is not null:
                return Action(table->RequestHeaders(table->Plugin, _handle, _slot.State, end));
            case StreamCallback.RequestBody when table->RequestBody is not null:
                return Action(CallWithBody(table->RequestBody, isRequest: true, end));
            case StreamCallback.RequestTrailers when table->RequestTrailers is not null:
                return Action(table->RequestTrailers(table->Plugin, _handle, _slot.State));
            case StreamCallback.ResponseHeaders when table->ResponseHeaders is not null:
                return Action(table->ResponseHeaders(table->Plugin, _handle, _slot.State, end));
            case StreamCallback.ResponseBody when table->ResponseBody is not null:
                return Action(CallWithBody(table->ResponseBody, isRequest: false, end));
            case StreamCallback.ResponseTrailers when table->ResponseTrailers is not null:
                return Action(table->ResponseTrailers(table->Plugin, _handle, _slot.State));
            case StreamCallback.Log:
                if (table->Log is not null) table->Log(table->Plugin, _handle, _slot.State);
                return FilterAction.Continue;
            default:
                // Without the callback nothing changes: what goes through goes on, what an earlier callback holds stays held.
                return View.IsHeld(callback <= StreamCallback.RequestTrailers) ? FilterAction.Pause : FilterAction.Continue;
        }
    }

    private FilterAction Action(int result)
    {
        Entries++;
        return result == 0 ? FilterAction.Continue : FilterAction.Pause;
    }

    // SAFETY: the buffer cannot move inside the fixed statement; _callbackBody is void outside of it.
    private int CallWithBody(delegate* unmanaged[Cdecl]<void*, ulong, void*, nuint, uint, int> callback, bool isRequest, uint end)
    {
        var body = isRequest ? RequestBody : ResponseBody;
        fixed (byte* bytes = body.Span)
        {
            _callbackBody = bytes;
            _isCallbackBodyRequest = isRequest;
            int action = callback(_plugin.Table->Plugin, _handle, _slot.State, (nuint)body.Length, end);
            _callbackBody = null;
            return action;
        }
    }

    private void Unpin()
    {
        _otherBody.Dispose();
        _hasOtherBody = false;
    }
}
