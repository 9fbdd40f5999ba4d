// proxy_log and proxy_get_log_level.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Bimetal.Plugins.Streams;

namespace Bimetal.Plugins.ProxyWasm.Functions;

internal static unsafe class LogFunctions
{
    /// <summary>Longer messages are cut.</summary>
    private const int MaximumMessageBytes = 16 << 10;

    // SAFETY: see HostFunctionEntry.Address.
    public static HostFunctionEntry[] Entries =>
    [
        new("proxy_log", "iii", HostFunctionEntry.Address(&Log)),
        new("proxy_get_log_level", "i", HostFunctionEntry.Address(&GetLogLevel)),
    ];

    /// <summary>Writes a line in the plugin's name, if the level is one that is written.</summary>
    public static void Write(WasmPlugin plugin, PluginLogLevel level, ReadOnlySpan<byte> message) =>
        plugin.State.Log(plugin.Services, plugin.Name, level, message[..Math.Min(message.Length, MaximumMessageBytes)]);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Log(nint context, ulong* slots) => HostCall.Run(context, slots, &Log);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int GetLogLevel(nint context, ulong* slots) => HostCall.Run(context, slots, &GetLogLevel);

    private static HostStatus Log(ref HostCall call)
    {
        uint level = call.Argument(0);
        if (level > (uint)PluginLogLevel.Critical) return HostStatus.BadArgument;
        if (!call.TryBytes(1, out var message)) return HostStatus.InvalidMemoryAccess;
        Write(call.Guest.Plugin, (PluginLogLevel)level, message);
        return HostStatus.Ok;
    }

    private static HostStatus GetLogLevel(ref HostCall call) => call.ReturnUInt32((uint)call.Guest.Plugin.Services.Log.MinimumLevel, 0);
}
