// A module instance: its context block, what it imports and exports, and the way into its code.

using Bimetal.Wasm.Abi;

namespace Bimetal.Wasm.Runtime;

/// <summary>An instance. One thread at a time may be in it.</summary>
public sealed class Instance : IDisposable
{
    public LoadedModule LoadedModule => throw new NotSupportedException();

    /// <summary>Whatever the host wants its host functions to find.</summary>
    public object? HostState { get; set; }

    /// <summary>What a host function reported before it returned <see cref="TrapCode.HostError"/>; null after a call without.</summary>
    public Exception? HostException { get; set; }

    /// <summary>Memory 0, imported or own; null without one.</summary>
    public GuestMemory? Memory => throw new NotSupportedException();

    /// <summary>Makes an instance and links its imports; runs no guest code yet.</summary>
    /// <exception cref="LinkException">An import is missing or of another type.</exception>
    /// <exception cref="InstanceLimitException">A limit is too low for what the module asks for.</exception>
    public static Instance Create(LoadedModule module, ImportSet imports, InstanceOptions options) => throw new NotSupportedException();

    /// <summary>The instance whose context a host function was given.</summary>
    public static Instance FromContext(nint context) => throw new NotSupportedException();

    /// <summary>Copies the active segments, then runs the start function. After a trap the instance must not be used, but what it wrote elsewhere stays.</summary>
    public TrapCode Initialize(in CallLimits limits) => throw new NotSupportedException();

    public bool TryGetFunction(string exportName, out GuestFunction function) => throw new NotSupportedException();

    public bool TryGetMemory(string exportName, out GuestMemory memory) => throw new NotSupportedException();

    public bool TryGetTable(string exportName, out GuestTable table) => throw new NotSupportedException();

    public bool TryGetGlobal(string exportName, out GuestGlobal global) => throw new NotSupportedException();

    /// <summary>Calls an exported function: arguments in <paramref name="buffer"/> from slot 0 on, results there afterwards.</summary>
    public TrapCode Call(in GuestFunction function, Span<ulong> buffer, in CallLimits limits) => throw new NotSupportedException();

    public void Dispose() => throw new NotSupportedException();
}
