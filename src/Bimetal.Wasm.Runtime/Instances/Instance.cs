// A module instance: its context block, what it imports and exports, and the way into its code.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Modules;

namespace Bimetal.Wasm.Runtime;

/// <summary>An instance. One thread at a time may be in it.</summary>
public sealed unsafe class Instance : GuestObject
{
    private readonly GCHandle _self;
    private readonly ulong _deadlineMask;
    private bool _isRented;

    // SAFETY: the context is freed by FreeNative only; the weak handle in it lets host functions find this object, which the caller
    // of a guest keeps alive. The code stays mapped until FreeNative.
    internal Instance(LoadedModule module, InstanceOptions options)
    {
        module.Code.AddReference();
        LoadedModule = module;
        _deadlineMask = module.DeadlineMask;
        Options = options;
        Context = ContextBlock.Allocate(module.Layout);
        _self = GCHandle.Alloc(this, GCHandleType.Weak);
        Group = new LinkGroup(this, Context.Address);
        Memories = new GuestMemory[module.Module.Memories.Length];
        Tables = new GuestTable[module.Module.Tables.Length];
        ImportedGlobals = new GuestGlobal[module.Module.ImportedGlobalCount];
        DroppedData = new bool[module.Module.DataSegments.Length];
        DroppedElements = new bool[module.Module.Elements.Length];
    }

    public LoadedModule LoadedModule { get; }

    public InstanceOptions Options { get; }

    /// <summary>Whatever the host wants its host functions to find. A pool leaves it as it is.</summary>
    public object? HostState { get; set; }

    /// <summary>What a host function reported before it returned <see cref="TrapCode.HostError"/>; null after a call without.</summary>
    public Exception? HostException { get; set; }

    /// <summary>Where the last call that trapped stopped; null before one did. A guest that ended itself has no trace.</summary>
    public GuestTrace? LastTrap { get; internal set; }

    /// <summary>Whether a call ended early since the instance was made or reset: then its marks (WriteMarks.cs) do not count.</summary>
    internal bool WasStopped { get; set; }

    /// <summary>Whether anything but the contents of the memory and globals may have changed since the instance was made or reset.</summary>
    internal bool HasOtherChanges { get; set; }

    /// <summary>Granules that were copied back by their marks since all written pages were looked for, plus the resets that did so.</summary>
    internal ulong GranulesSinceScan { get; set; }

    /// <summary>Memory 0, imported or own; null without one.</summary>
    public GuestMemory? Memory => Memories.Length > 0 ? Memories[0] : null;

    internal ContextBlock Context { get; }

    internal nint SelfHandle => GCHandle.ToIntPtr(_self);

    internal GuestMemory[] Memories { get; }

    internal GuestTable[] Tables { get; }

    internal GuestGlobal[] ImportedGlobals { get; }

    internal bool[] DroppedData { get; }

    internal bool[] DroppedElements { get; }

    /// <summary>What a clone's memory shows; null for other instances. Released with the instance.</summary>
    internal MemoryImage? Image { get; init; }

    /// <summary>The pool that a clone belongs to.</summary>
    internal InstancePool? Pool { get; init; }

    /// <summary>What gives a clone without other changes back what it was; null where a reset takes more. Freed with the instance.</summary>
    internal CloneRecord* CloneRecord { get; set; }

    /// <summary>Makes an instance and links its imports; runs no guest code yet.</summary>
    /// <exception cref="LinkException">An import is missing or of another type.</exception>
    /// <exception cref="InstanceLimitException">A limit is too low for what the module asks for.</exception>
    public static Instance Create(LoadedModule module, ImportSet imports, InstanceOptions options) => InstanceBuilder.Build(module, imports, options);

    /// <summary>The instance whose context a host function was given.</summary>
    // SAFETY: guests hand on the context that they were entered with, and its instance is alive while they run.
    public static Instance FromContext(nint context) =>
        Unsafe.As<Instance>(GCHandle.FromIntPtr(*(nint*)(context + ContextHeader.HostData)).Target!);

    /// <summary>
    /// Copies the active segments, then runs the start function. After a trap the instance must not be used, but what it wrote to
    /// memories and tables of others stays.
    /// </summary>
    public TrapCode Initialize(CallLimits limits)
    {
        var trap = Segments.CopyActive(this);
        if (trap != TrapCode.None || LoadedModule.Module.StartFunction is not { } start) return trap;
        var function = FunctionAt(start);
        Span<ulong> buffer = [0];
        return Call(function, buffer, limits);
    }

    public bool TryGetFunction(string exportName, out GuestFunction function)
    {
        bool found = LoadedModule.FindExport(exportName) is { Kind: ExternalKind.Function } export;
        function = found ? FunctionAt(LoadedModule.FindExport(exportName)!.Index) : default;
        return found;
    }

    public bool TryGetMemory(string exportName, out GuestMemory memory)
    {
        var export = LoadedModule.FindExport(exportName);
        memory = export is { Kind: ExternalKind.Memory } ? Memories[export.Index] : null!;
        return memory is not null;
    }

    public bool TryGetTable(string exportName, out GuestTable table)
    {
        var export = LoadedModule.FindExport(exportName);
        table = export is { Kind: ExternalKind.Table } ? Tables[export.Index] : null!;
        return table is not null;
    }

    public bool TryGetGlobal(string exportName, out GuestGlobal global)
    {
        var export = LoadedModule.FindExport(exportName);
        global = export is { Kind: ExternalKind.Global } ? GlobalAt(export.Index) : null!;
        return global is not null;
    }

    /// <summary>Calls an exported function: arguments in <paramref name="buffer"/> from slot 0 on, results there afterwards.</summary>
    /// <param name="function">A function of this instance.</param>
    /// <param name="buffer">At least <see cref="GuestFunction.BufferSlotCount"/> slots.</param>
    /// <param name="limits">Ignored when the thread already has a deadline.</param>
    /// <exception cref="InvalidOperationException">Another thread is in the instance, or it was stopped at its deadline and not reset since.</exception>
    // SAFETY: the function's code and context belong to this instance; the buffer has room for arguments and results and stays pinned;
    // this object, and by it the context and the code, stay alive until the guest is back.
    [SkipLocalsInit]
    public TrapCode Call(in GuestFunction function, Span<ulong> buffer, CallLimits limits)
    {
        if (!ReferenceEquals(function.Owner, this)) ThrowForeignFunction(function);
        if (buffer.Length < function.BufferSlotCount) ThrowBufferTooShort(function, buffer.Length);
        if (IsDisposed) ObjectDisposedException.ThrowIf(true, this);
        if (HostException is not null) HostException = null;
        int result;
        fixed (ulong* slots = buffer)
            result = Shim.Enter(GroupRecord, (void*)function.Context, (void*)function.Code, slots, (void*)function.Entry, limits.CpuNs & _deadlineMask);
        GC.KeepAlive(this);
        return result == 0 ? TrapCode.None : Stopped(result);
    }

    internal void DropData(int segment) => DroppedData[segment] = HasOtherChanges = true;

    internal void DropElements(int segment) => DroppedElements[segment] = HasOtherChanges = true;

    /// <summary>Its pool hands it out.</summary>
    internal void BeginRental() => _isRented = true;

    /// <summary>Its pool takes it back; false when it has it already. Who has rented it has it alone.</summary>
    internal bool TryEndRental()
    {
        bool wasRented = _isRented;
        _isRented = false;
        return wasRented;
    }

    internal GuestFunction FunctionAt(uint functionIndex)
    {
        var module = LoadedModule;
        uint typeIndex = module.Module.TypeIndexOf(functionIndex);
        nint code = module.CodeOf(functionIndex), context = (nint)Context.Address;
        // A function that another instance exports is called in that instance; one of the host through this module's thunk.
        if (functionIndex < (uint)module.Module.ImportedFunctionCount)
        {
            var record = Context.Function(functionIndex);
            (code, context) = (record->Code, record->Context);
        }

        return new GuestFunction(this, module.Module.Types[(int)typeIndex], module.CodeModule.Entry(typeIndex), code, context);
    }

    internal GuestGlobal GlobalAt(uint index) => index < (uint)ImportedGlobals.Length
        ? ImportedGlobals[index]
        : GuestGlobal.Of(LoadedModule.Module.GlobalTypes[(int)index], Context.Global(index), this);

    // SAFETY: no guest runs in the group and no host function holds the context any more.
    internal override void FreeNative()
    {
        foreach (var memory in Memories)
        {
            if (ReferenceEquals(memory?.Owner, this)) memory.FreeNative();
        }

        foreach (var table in Tables)
        {
            if (ReferenceEquals(table?.Owner, this)) table.FreeNative();
        }

        Image?.Release();
        NativeMemory.Free(CloneRecord);
        CloneRecord = null;
        Context.Free();
        _self.Free();
        LoadedModule.Code.Release();
    }

    // Out of the way of calls that end well.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private TrapCode Stopped(int result)
    {
        if (result < 0) return ThrowRefused(result);
        WasStopped = HasOtherChanges = true;
        if ((TrapCode)result != TrapCode.Exit) LastTrap = GuestTrace.Take();
        return (TrapCode)result;
    }

    private static void ThrowForeignFunction(in GuestFunction function) => throw new ArgumentException(
        function.Owner is null ? "The function is a default value." : "The function belongs to another instance.", nameof(function));

    private static void ThrowBufferTooShort(in GuestFunction function, int length) =>
        throw new ArgumentException($"The buffer has {length} slots; {function.Type} needs {function.BufferSlotCount}.", nameof(function));

    private static TrapCode ThrowRefused(int refusal) => throw new InvalidOperationException(refusal switch
    {
        Shim.RefusedBusy => "Another thread is in this instance, or in one that is linked with it.",
        Shim.RefusedAbandoned => "The instance was stopped in the middle of its work; it has to be reset or replaced before the next call.",
        _ => "This thread cannot run guests: no memory for its signal stack.",
    });
}
