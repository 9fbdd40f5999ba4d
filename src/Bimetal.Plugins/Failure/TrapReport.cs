// From a trap to a PluginFailure: which kind it is, and one line that names the callback and the trap.

using System.Globalization;
using Bimetal.Plugins.ProxyWasm;
using Bimetal.Wasm.Abi;

namespace Bimetal.Plugins.Failure;

/// <summary>Describes how a guest failed.</summary>
internal static class TrapReport
{
    public static PluginFailure Describe(GuestInstance guest, GuestCallback callback, TrapCode trap, TimeSpan? cpuLimit)
    {
        var kind = Classify(guest, trap);
        string what = trap switch
        {
            TrapCode.DeadlineExceeded => $"used more than its CPU limit of {Format(cpuLimit)}",
            TrapCode.Exit => $"ended itself with exit code {guest.Wasi.ExitCode}",
            TrapCode.HostError => Explain(guest.Instance.HostException),
            _ => "trapped: " + trap.Message(),
        };
        if (kind == FailureKind.Memory) what += $" (memory: {guest.Memory.LengthBytes >> 10} KiB of {guest.Plugin.Limits.MemoryBytes >> 10})";
        string where = guest.Instance.LastTrap is { } trace && trap != TrapCode.Exit ? trace.Describe() : "";
        if (where.Length > 0) what += " " + where;
        return new PluginFailure(kind, $"{CallbackTable.NameOf(callback)} {what}");
    }

    public static PluginFailure WrongResult(GuestCallback callback, ulong result) =>
        new(FailureKind.Trap, $"{CallbackTable.NameOf(callback)} returned {result}, which is not an action");

    /// <summary>What the other streams of a shared instance are told.</summary>
    public static PluginFailure Collateral(PluginFailure cause) =>
        cause with { Detail = cause.Detail + " (in another request on the same shared instance)" };

    private static FailureKind Classify(GuestInstance guest, TrapCode trap) => trap switch
    {
        TrapCode.DeadlineExceeded => FailureKind.Timeout,
        TrapCode.ResourceLimit => FailureKind.Memory,

        // What allocators do that were refused memory.
        TrapCode.Unreachable or TrapCode.MemoryOutOfBounds when guest.Memory.HasRefusedGrowth => FailureKind.Memory,
        _ => FailureKind.Trap,
    };

    private static string Explain(Exception? exception) => exception switch
    {
        GuestContractException => "broke the ABI: " + exception.Message,
        null => "failed in a host function",
        _ => $"failed in a host function: {exception.GetType().Name}: {exception.Message}",
    };

    private static string Format(TimeSpan? limit) =>
        limit is { } time ? string.Create(CultureInfo.InvariantCulture, $"{time.TotalMilliseconds:0.###} ms") : "none";
}
