// The callouts of one instance that have no answer yet, and the answer that its callback is looking at. Answers come on any thread; they are
// delivered through InstanceSource.Enter, which makes sure that nobody else is in the instance.

using Bimetal.Plugins.Callouts;
using Bimetal.Plugins.Failure;
using Bimetal.Plugins.Instances;

namespace Bimetal.Plugins.ProxyWasm;

/// <summary>Callouts of one instance. Used by the thread that is in the instance, or holds what protects it.</summary>
internal sealed class PendingCallouts(GuestInstance guest)
{
    private readonly Dictionary<uint, Callout> _pending = [];
    private uint _lastId;

    /// <summary>What proxy_on_http_call_response may read while it runs.</summary>
    public HttpCalloutResponse? Response { get; private set; }

    /// <summary>Sends a request; its answer comes to the context that is in effect now. Null when too many are under way.</summary>
    public uint? TryStart(HttpCalloutRequest request, InstanceSource source)
    {
        if (!guest.Plugin.State.TryBeginCallout()) return null;
        while (!_pending.TryAdd(++_lastId, default)) { }
        var callout = new Callout(_lastId, guest.EffectiveStream, new CancellationTokenSource());
        _pending[_lastId] = callout;
        _ = Task.Run(() => RunAsync(callout, request, source));
        return _lastId;
    }

    /// <summary>Drops the callouts of a context that ends; null: of the plugin's own.</summary>
    public void CancelOf(WasmPluginStream? stream)
    {
        if (_pending.Count == 0) return;
        foreach (var (id, callout) in _pending)
        {
            if (!ReferenceEquals(callout.Stream, stream)) continue;
            _pending.Remove(id);
            callout.Cancellation.Cancel();
        }
    }

    /// <summary>Drops all: the instance ends, or is put back to its snapshot.</summary>
    public void Clear()
    {
        foreach (var callout in _pending.Values) callout.Cancellation.Cancel();
        _pending.Clear();
        _lastId = 0;
    }

    private async Task RunAsync(Callout callout, HttpCalloutRequest request, InstanceSource source)
    {
        HttpCalloutResponse? response = null;
        try
        {
            response = await guest.Plugin.Services.HttpCaller.CallAsync(request, callout.Cancellation.Token);
        }
        catch (Exception exception)
        {
            // What went wrong on the way is an answer too: none. A callout that nobody waits for is not worth a line.
            if (!callout.Cancellation.IsCancellationRequested)
                guest.Plugin.Services.Report(PluginLogLevel.Warn, guest.Plugin.Name, $"a call to {request.Upstream} failed: {exception.Message}");
        }
        finally
        {
            guest.Plugin.State.EndCallout();
        }

        source.Enter(guest, () => Deliver(callout, response));
        callout.Cancellation.Dispose();
    }

    private PluginFailure? Deliver(Callout callout, HttpCalloutResponse? response)
    {
        // The instance may be somebody else's by now; then the callout is not among its own.
        if (!_pending.TryGetValue(callout.Id, out var pending) || !ReferenceEquals(pending.Cancellation, callout.Cancellation)) return null;
        _pending.Remove(callout.Id);
        if (!guest.Has(GuestCallback.HttpCallResponse)) return null;
        Response = response;
        uint context = callout.Stream?.ContextId ?? GuestInstance.RootContextId;
        Span<ulong> slots = [context, callout.Id, (uint)(response?.Headers.Count ?? 0), (uint)(response?.Body.Length ?? 0), (uint)(response?.Trailers.Count ?? 0)];
        var failure = callout.Stream is null ? guest.CallRoot(GuestCallback.HttpCallResponse, slots) : Resume(callout.Stream, slots);
        Response = null;
        return failure;
    }

    // A stream deals with its own failures, and with those of its instance.
    private static PluginFailure? Resume(WasmPluginStream stream, Span<ulong> slots)
    {
        stream.OnHttpCallResponse(slots);
        return null;
    }

    private readonly record struct Callout(uint Id, WasmPluginStream? Stream, CancellationTokenSource Cancellation);
}
