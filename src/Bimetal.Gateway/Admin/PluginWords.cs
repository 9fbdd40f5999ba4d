// The words of the configuration for what is known of a plugin.

using Bimetal.Plugins;
using Bimetal.Plugins.Failure;
using Bimetal.Plugins.Streams;

namespace Bimetal.Gateway.Admin;

internal static class PluginWords
{
    /// <summary>All callbacks of a stream.</summary>
    public static IReadOnlyList<StreamCallback> Callbacks { get; } = [.. Enum.GetValues<StreamCallback>().Where(static callback => callback != StreamCallback.None)];

    /// <summary>All states.</summary>
    public static IReadOnlyList<string> States { get; } = ["loaded", "degraded", "backing-off", "absent"];

    /// <summary>
    /// <c>absent</c>: it could not be loaded, and <c>on_error.load</c> lets requests pass; <c>degraded</c>: some of its shared instances died and wait to
    /// be started again; <c>backing-off</c>: all of them do, so requests fail or pass by <c>on_error.load</c>.
    /// </summary>
    public static string StateOf(LoadedPlugin loaded) => loaded.Plugin switch
    {
        null => "absent",
        { WaitingInstances: 0 } => "loaded",
        { Instances.Existing: 0 } => "backing-off",
        _ => "degraded",
    };

    public static string Of(Metal metal) => metal == Metal.Native ? "native" : "wasm";

    public static string Of(Trust trust) => trust == Trust.FirstParty ? "first-party" : "third-party";

    public static string Of(InstancePolicy instance) => instance == InstancePolicy.Shared ? "shared" : "per-request";

    public static string Of(FailureKind kind) => kind switch
    {
        FailureKind.Load => "load",
        FailureKind.Trap => "trap",
        FailureKind.Timeout => "timeout",
        FailureKind.Memory => "memory",
        _ => "pause",
    };

    public static string Of(StreamCallback callback) => callback switch
    {
        StreamCallback.RequestHeaders => "request-headers",
        StreamCallback.RequestBody => "request-body",
        StreamCallback.RequestTrailers => "request-trailers",
        StreamCallback.ResponseHeaders => "response-headers",
        StreamCallback.ResponseBody => "response-body",
        StreamCallback.ResponseTrailers => "response-trailers",
        _ => "log",
    };
}
