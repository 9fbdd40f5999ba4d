// The shared queue functions. Queues belong to one plugin: its name is its VM id, and no other plugin's queues can be resolved.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Bimetal.Plugins.ProxyWasm.State;
using Bimetal.Plugins.Streams;

namespace Bimetal.Plugins.ProxyWasm.Functions;

internal static unsafe class QueueFunctions
{
    // SAFETY: see HostFunctionEntry.Address.
    public static HostFunctionEntry[] Entries =>
    [
        new("proxy_register_shared_queue", "iii", HostFunctionEntry.Address(&Register)),
        new("proxy_resolve_shared_queue", "iiiii", HostFunctionEntry.Address(&Resolve)),
        new("proxy_enqueue_shared_queue", "iii", HostFunctionEntry.Address(&Enqueue)),
        new("proxy_dequeue_shared_queue", "iii", HostFunctionEntry.Address(&Dequeue), ReturnsData: true),
    ];

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Register(nint context, ulong* slots) => HostCall.Run(context, slots, &Register);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Resolve(nint context, ulong* slots) => HostCall.Run(context, slots, &Resolve);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Enqueue(nint context, ulong* slots) => HostCall.Run(context, slots, &Enqueue);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Dequeue(nint context, ulong* slots) => HostCall.Run(context, slots, &Dequeue);

    /// <summary>Null for an instance that cannot be told: a clone, which lives as long as its request, or one without the callback.</summary>
    private static QueueListener? ListenerOf(GuestInstance guest) =>
        guest.Generation is null && guest.Has(GuestCallback.QueueReady)
            ? new QueueListener((queue, count) => Tell(guest, queue, count), guest.Plugin.ReportTickFailure)
            : null;

    private static int Tell(GuestInstance guest, uint queue, int count)
    {
        int told = 0;
        guest.Plugin.SourceOf(guest).Enter(guest, () =>
        {
            for (; told < count; told++)
            {
                if (guest.CallRoot(GuestCallback.QueueReady, [GuestInstance.RootContextId, queue]) is { } failure) return failure;
            }

            return null;
        });
        return told;
    }

    private static HostStatus Register(ref HostCall call)
    {
        if (!call.TryBytes(0, out var name) || !call.TryTarget(2, sizeof(uint), out _)) return HostStatus.InvalidMemoryAccess;
        return call.Guest.Plugin.State.Queues.TryRegister(name, ListenerOf(call.Guest), out uint id) ? call.ReturnUInt32(id, 2) : HostStatus.InternalFailure;
    }

    private static HostStatus Resolve(ref HostCall call)
    {
        if (!call.TryBytes(0, out var vmId) || !call.TryBytes(2, out var name) || !call.TryTarget(4, sizeof(uint), out _))
            return HostStatus.InvalidMemoryAccess;
        bool isOwn = vmId.IsEmpty || vmId.SequenceEqual(Encoding.UTF8.GetBytes(call.Guest.Plugin.Name));
        return isOwn && call.Guest.Plugin.State.Queues.TryResolve(name, out uint id) ? call.ReturnUInt32(id, 4) : HostStatus.NotFound;
    }

    private static HostStatus Enqueue(ref HostCall call) =>
        call.TryBytes(1, out var item) ? call.Guest.Plugin.State.Queues.Enqueue(call.Argument(0), item) : HostStatus.InvalidMemoryAccess;

    private static HostStatus Dequeue(ref HostCall call)
    {
        if (!call.TryTarget(1, sizeof(uint), out _) || !call.TryTarget(2, sizeof(uint), out _)) return HostStatus.InvalidMemoryAccess;
        var status = call.Guest.Plugin.State.Queues.Dequeue(call.Argument(0), out var item);
        return status == HostStatus.Ok ? call.ReturnBytes(item.Span, 1, 2) : status;
    }
}
