// A plugin as the gateway sees it, whatever its metal: it makes a PluginStream per request; a PluginStream gets the callbacks.

using Bimetal.Plugins.Failure;
using Bimetal.Plugins.Streams;

namespace Bimetal.Plugins;

/// <summary>Which of its two builds a plugin runs on.</summary>
public enum Metal
{
    Native,
    Wasm,
}

/// <summary>A loaded and configured plugin. Thread-safe.</summary>
public abstract class Plugin : IAsyncDisposable
{
    public required string Name { get; init; }

    public abstract Metal Metal { get; }

    /// <summary>Counters and latencies since load.</summary>
    public PluginStatistics Statistics { get; } = new();

    /// <summary>
    /// Begins a stream: leases an instance or allocates the native state. Null when the plugin is not available (no instance free,
    /// backing off), with the reason in <paramref name="failure"/>.
    /// </summary>
    public abstract PluginStream? TryBegin(HttpStream stream, out PluginFailure? failure);

    public abstract ValueTask DisposeAsync();
}

/// <summary>
/// One plugin on one exchange. Callbacks are made by one thread at a time, in the order of HTTP. After a callback look at
/// <see cref="Failure"/>, then <see cref="LocalResponse"/>, then the action. Dispose once at the end, whatever happened.
/// </summary>
public abstract class PluginStream : IDisposable
{
    public abstract Plugin Plugin { get; }

    /// <summary>Set when the plugin failed; no further callback is made. The gateway answers by <c>on_error</c>.</summary>
    public PluginFailure? Failure { get; protected set; }

    /// <summary>Set when the plugin answered itself; the first answer counts.</summary>
    public LocalResponse? LocalResponse { get; protected set; }

    /// <summary>Called (on the thread that is in a callback or a timer) when a paused direction may go on: true for the request.</summary>
    public Action<bool>? Continued { get; set; }

    public abstract BodyBuffer RequestBody { get; }

    public abstract BodyBuffer ResponseBody { get; }

    public abstract FilterAction OnRequestHeaders(bool endOfStream);

    /// <summary>The new chunk is already appended to <see cref="RequestBody"/>. After Continue the gateway sends the buffer on and clears it.</summary>
    public abstract FilterAction OnRequestBody(bool endOfStream);

    public abstract FilterAction OnRequestTrailers();

    public abstract FilterAction OnResponseHeaders(bool endOfStream);

    public abstract FilterAction OnResponseBody(bool endOfStream);

    public abstract FilterAction OnResponseTrailers();

    /// <summary>The exchange is over and was answered: the last callback, for logging. Headers are still readable.</summary>
    public abstract void OnLog();

    public abstract void Dispose();
}
