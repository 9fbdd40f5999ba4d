// One exchange on the wasm metal: a stream context in a guest instance, from proxy_on_context_create to proxy_on_delete.

using Bimetal.Plugins.Failure;
using Bimetal.Plugins.Instances;
using Bimetal.Plugins.Streams;
using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Runtime;

namespace Bimetal.Plugins.ProxyWasm;

/// <summary>A stream context. In a shared instance every entry is made under the instance's gate.</summary>
internal sealed class WasmPluginStream(WasmPlugin plugin, InstanceSource source, GuestInstance guest, HttpStream stream)
    : PluginStream(plugin, stream, plugin.BodyLimitBytes, plugin.HeldBodies)
{
    /// <summary>Greatest action that an SDK returns; all but Continue (0) mean Pause here, whatever they want buffered.</summary>
    private const ulong MaximumAction = 4;

    // A clone has one user, unless answers to its callouts come in between.
    private readonly bool _needsGate = guest.Generation is null || guest.TakesCallouts;

    private CpuBudget _budget;
    private bool _isDone;
    private bool _isWaitingForDone;

    public override bool WantsRequestBody => guest.Has(GuestCallback.RequestBody);

    public override bool WantsResponseBody => guest.Has(GuestCallback.ResponseBody);

    /// <summary>Number of the context in the guest; 0 until there is one.</summary>
    public uint ContextId { get; private set; }

    /// <inheritdoc cref="GuestInstance.BodyBytesHandedOut"/>
    public long BodyBytesHandedOut => guest.BodyBytesHandedOut;

    /// <inheritdoc cref="GuestInstance.HostCalls"/>
    public int HostCalls => guest.HostCalls;

    /// <inheritdoc cref="GuestInstance.ValuesHandedOut"/>
    public int ValuesHandedOut => guest.ValuesHandedOut;

    /// <summary>True once the gateway has disposed of the stream; its context may still wait for proxy_done.</summary>
    public bool IsReleased { get; private set; }

    /// <summary>Makes the context. When that fails the stream is only good for disposing of it.</summary>
    public void Begin()
    {
        if (!_needsGate) CreateContext();
        else lock (guest.Gate) CreateContext();
    }

    /// <summary>The plugin called proxy_done: true when it had asked for more time. The context is deleted once the guest has returned.</summary>
    public bool TryFinish()
    {
        if (!_isWaitingForDone) return false;
        _isWaitingForDone = false;
        guest.FinishLater(this);
        return true;
    }

    /// <summary>Logs and deletes a context whose plugin called proxy_done late. The caller holds the gate.</summary>
    public void Finish()
    {
        View.Enter(StreamCallback.Log, endOfStream: true);
        if (Failure is null) CallContext(GuestCallback.Log, out _);
        if (Failure is null) CallContext(GuestCallback.Delete, out _);
        View.Leave(FilterAction.Continue);
        guest.Detach(ContextId);

        // The gateway may not have let go of the stream yet: its Release must not delete the context again.
        ContextId = 0;
    }

    /// <summary>Hands the plugin the answer to a callout, on the callout's thread. The caller holds the gate.</summary>
    public void OnHttpCallResponse(Span<ulong> slots)
    {
        if (Failure is null && !IsReleased) Call(GuestCallback.HttpCallResponse, slots);
    }

    protected override FilterAction Invoke(StreamCallback callback, int size, bool endOfStream)
    {
        if (!_needsGate) return Enter(callback, size, endOfStream);
        lock (guest.Gate)
        {
            // The instance may have failed in another stream since this one's last callback, which has set Failure.
            var action = Failure is null ? Enter(callback, size, endOfStream) : FilterAction.Pause;
            guest.FinishPending();
            return action;
        }
    }

    protected override bool Has(StreamCallback callback) => callback == StreamCallback.Log
        ? guest.Has(GuestCallback.Log) || guest.Has(GuestCallback.Done)
        : guest.Has(CallbackOf(callback));

    protected override void Release()
    {
        IsReleased = true;
        guest.NoteMemory();
        if (_needsGate)
        {
            lock (guest.Gate)
            {
                guest.CancelCallouts(this);
                End();
                guest.FinishPending();
            }
        }
        else
        {
            End();
        }

        source.Return(guest);
    }

    private static GuestCallback CallbackOf(StreamCallback callback) => GuestCallback.RequestHeaders + (callback - StreamCallback.RequestHeaders);

    private void CreateContext()
    {
        if (guest.Failure is { } failure)
        {
            Fail(failure);
            return;
        }

        ContextId = guest.Attach(this);
        if (guest.Has(GuestCallback.ContextCreate) && guest.Generation?.HasStreamContext != true) Call(GuestCallback.ContextCreate, [ContextId, GuestInstance.RootContextId]);
    }

    private FilterAction Enter(StreamCallback callback, int size, bool endOfStream)
    {
        View.Enter(callback, endOfStream);
        FilterAction action;
        if (callback == StreamCallback.Log)
        {
            Log();
            action = FilterAction.Continue;
        }
        else
        {
            action = Filter(callback, size, endOfStream);
        }

        return View.Leave(action);
    }

    private FilterAction Filter(StreamCallback callback, int size, bool endOfStream)
    {
        var guestCallback = CallbackOf(callback);
        Span<ulong> slots = [ContextId, (uint)size, endOfStream ? 1UL : 0UL];
        if (!Call(guestCallback, slots)) return FilterAction.Pause;
        ulong action = (uint)slots[0];
        if (action > MaximumAction) FailWith(TrapReport.WrongResult(guestCallback, action));
        return action == 0 ? FilterAction.Continue : FilterAction.Pause;
    }

    private void Log()
    {
        AskDone();
        if (Failure is null && !_isWaitingForDone) CallContext(GuestCallback.Log, out _);
    }

    /// <summary>
    /// Tells the plugin that the stream is over. When it wants more time, log and delete follow its proxy_done; not so in a clone, which is
    /// thrown away, so that nothing could follow.
    /// </summary>
    private void AskDone()
    {
        _isDone = true;
        _isWaitingForDone = CallContext(GuestCallback.Done, out bool isDone) && !isDone && source.IsShared && guest.MayWait;
    }

    /// <summary>Ends the context, if there is one that can still be entered.</summary>
    private void End()
    {
        if (ContextId == 0) return;
        if (Failure is null && !_isDone) AskDone();
        if (Failure is null && _isWaitingForDone)
        {
            // What its late log reads must not stand in a buffer that another request has by then.
            View.Stream.Own();
            return;
        }

        if (Failure is null && !(guest.Extensions.DeleteFrees && guest.Generation is not null)) CallContext(GuestCallback.Delete, out _);
        guest.Detach(ContextId);
    }

    /// <summary>Makes a callback whose only argument is the context; false when it is missing or failed.</summary>
    private bool CallContext(GuestCallback callback, out bool result)
    {
        result = false;
        if (!guest.Has(callback)) return false;
        Span<ulong> slots = [ContextId];
        bool returned = Call(callback, slots);
        result = (uint)slots[0] != 0;
        return returned;
    }

    /// <summary>Makes a callback; false when it failed, which ends this stream and the instance.</summary>
    private bool Call(GuestCallback callback, Span<ulong> slots)
    {
        var trap = guest.StreamLimits is { } limits ? CallWithin(limits, callback, slots) : guest.Call(callback, this, slots, guest.CallbackLimits);
        if (trap == TrapCode.None) return true;
        FailWith(TrapReport.Describe(guest, callback, trap, guest.StreamLimits is null ? guest.Plugin.CpuLimits.PerCallback : _budget.Limit));
        return false;
    }

    private TrapCode CallWithin(CpuLimits limits, GuestCallback callback, Span<ulong> slots)
    {
        var trap = guest.Call(callback, this, slots, _budget.Begin(limits));
        _budget.End();
        return trap;
    }

    private void FailWith(PluginFailure failure)
    {
        Fail(failure);
        source.Fail(guest, failure);
    }
}
