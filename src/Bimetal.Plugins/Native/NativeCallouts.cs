// The HTTP callouts of a native plugin. Answers come on any thread and are handed on under the gate of what they are for: the stream, or the plugin.

using Bimetal.Plugins.Callouts;

namespace Bimetal.Plugins.Native;

/// <summary>Callouts of one plugin. Thread-safe.</summary>
internal sealed class NativeCallouts(NativePlugin plugin) : IDisposable
{
    private readonly CancellationTokenSource _retirement = new();
    private uint _lastId;

    /// <summary>Sends a request; null when too many are under way.</summary>
    /// <param name="stream">Whose callback is running and gets the answer; null when the plugin itself does.</param>
    public uint? TryStart(HttpCalloutRequest request, NativePluginStream? stream)
    {
        if (_retirement.IsCancellationRequested || !plugin.State.TryBeginCallout()) return null;
        uint id = Interlocked.Increment(ref _lastId);
        var cancellation = stream?.CalloutCancellation ?? _retirement.Token;
        _ = Task.Run(() => RunAsync(id, request, stream, cancellation), CancellationToken.None);
        return id;
    }

    public void Dispose() => _retirement.Cancel();

    private async Task RunAsync(uint id, HttpCalloutRequest request, NativePluginStream? stream, CancellationToken cancellation)
    {
        HttpCalloutResponse? response = null;
        try
        {
            response = await plugin.Services.HttpCaller.CallAsync(request, cancellation);
        }
        catch (Exception exception)
        {
            // What went wrong on the way is an answer too: none. A callout that nobody waits for is not worth a line.
            if (!cancellation.IsCancellationRequested)
                plugin.Services.Report(PluginLogLevel.Warn, plugin.Name, $"a call to {request.Upstream} failed: {exception.Message}");
        }
        finally
        {
            plugin.State.EndCallout();
        }

        if (cancellation.IsCancellationRequested) return;
        using var lent = new LentResponse(response);
        if (stream is null) plugin.OnHttpResponse(id, lent);
        else stream.OnHttpResponse(id, lent);
    }
}
