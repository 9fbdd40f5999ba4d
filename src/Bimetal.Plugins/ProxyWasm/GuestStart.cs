// The start of an instance, in the ABI's order: the module's own initialisation, the root context, proxy_on_vm_start, proxy_on_configure.

using Bimetal.Plugins.Failure;
using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Runtime;

namespace Bimetal.Plugins.ProxyWasm;

/// <summary>Starts instances.</summary>
internal static class GuestStart
{
    /// <summary>Runs every step under <c>limits.start</c>.</summary>
    /// <exception cref="PluginLoadException">A step trapped, or the plugin refused.</exception>
    public static void Run(GuestInstance guest)
    {
        var limits = new CallLimits(guest.Plugin.Limits.Start);
        var trap = guest.Instance.Initialize(limits);
        if (trap != TrapCode.None) throw Failed(guest, $"its start function trapped: {trap.Message()} {guest.Instance.LastTrap?.Describe()}".TrimEnd());
        Initialize(guest, limits);
        Step(guest, GuestCallback.ContextCreate, [GuestInstance.RootContextId, 0], limits);
        if (!Ask(guest, GuestCallback.VmStart, [GuestInstance.RootContextId, (ulong)guest.Plugin.VmConfiguration.Length], limits))
            throw Failed(guest, "proxy_on_vm_start refused to start");
        ulong lengthBytes = (ulong)guest.Plugin.Configuration.Length;
        if (!Ask(guest, GuestCallback.Configure, [GuestInstance.RootContextId, lengthBytes], limits))
            throw Failed(guest, $"proxy_on_configure refused the configuration ({lengthBytes} bytes)");
        guest.Extensions = new GuestExtensions((uint)Get(guest, GuestCallback.Arena, limits), (uint)Get(guest, GuestCallback.DeleteFrees, limits) != 0);
    }

    /// <summary>A reactor has _initialize, and perhaps main for the SDK's set-up; a command has only _start.</summary>
    private static void Initialize(GuestInstance guest, CallLimits limits)
    {
        if (!guest.Has(GuestCallback.Initialize))
        {
            Step(guest, GuestCallback.Start, [], limits);
            return;
        }

        Step(guest, GuestCallback.Initialize, [], limits);
        if (guest.Has(GuestCallback.Main)) Step(guest, GuestCallback.Main, [0, 0], limits);
        else Step(guest, GuestCallback.MainVoid, [0], limits);
    }

    private static bool Ask(GuestInstance guest, GuestCallback callback, Span<ulong> slots, CallLimits limits)
    {
        if (!guest.Has(callback)) return true;
        guest.ConfigurationCallback = callback;
        Step(guest, callback, slots, limits);
        guest.ConfigurationCallback = null;
        return (uint)slots[0] != 0;
    }

    /// <summary>What a function without arguments answers; 0 without one.</summary>
    private static ulong Get(GuestInstance guest, GuestCallback callback, CallLimits limits)
    {
        Span<ulong> slots = [0];
        Step(guest, callback, slots, limits);
        return slots[0];
    }

    private static void Step(GuestInstance guest, GuestCallback callback, Span<ulong> slots, CallLimits limits)
    {
        if (!guest.Has(callback)) return;
        var trap = guest.Call(callback, stream: null, slots, limits);

        // A command's _start ends with proc_exit, which is no failure when its code is 0.
        if (trap == TrapCode.None || (trap == TrapCode.Exit && callback == GuestCallback.Start)) return;
        throw Failed(guest, TrapReport.Describe(guest, callback, trap, limits.Cpu).Detail);
    }

    private static PluginLoadException Failed(GuestInstance guest, string what) =>
        new($"{guest.Plugin.Module.File}: plugin {guest.Plugin.Name}: {what}");
}
