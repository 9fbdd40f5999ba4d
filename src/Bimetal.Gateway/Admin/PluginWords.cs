// The words of the configuration for what is known of a plugin.

using Bimetal.Plugins;
using Bimetal.Plugins.Failure;

namespace Bimetal.Gateway.Admin;

internal static class PluginWords
{
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
}
