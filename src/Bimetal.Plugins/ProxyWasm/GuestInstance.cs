// One running instance of a wasm plugin as the ABI sees it: its callbacks, its contexts, and which of them is in effect. Host functions
// find it as the HostState of their Instance.

using System.Runtime.InteropServices;
using Bimetal.Plugins.Callouts;
using Bimetal.Plugins.Failure;
using Bimetal.Plugins.Instances;
using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Engine.Wasi;
using Bimetal.Wasm.Runtime;

namespace Bimetal.Plugins.ProxyWasm;

/// <summary>An instance with its contexts. One thread at a time; whoever shares it holds <see cref="Gate"/>.</summary>
internal sealed class GuestInstance : IWasiHost
{
    /// <summary>Context of the plugin itself; streams have higher numbers.</summary>
    public const uint RootContextId = 1;

    /// <summary>Context of the first stream, and of the only one in a clone.</summary>
    public const uint FirstStreamContextId = 2;

    /// <summary>Contexts of one instance from which on proxy_on_done cannot ask for more time.</summary>
    private const int MaximumContextCount = 16_384;

    private const uint ArenaAlignment = 16;

    private readonly uint _callbacks;
    private readonly GuestFunction[] _functions = new GuestFunction[CallbackTable.Count];
    private readonly Queue<WasmPluginStream> _finished = new();
    private ContextTable _streams;
    private PendingCallouts? _callouts;
    private WasiState? _wasi;
    private GuestOutput? _standardOutput;
    private GuestOutput? _standardError;
    private uint _lastContextId = RootContextId;
    private ulong _notedMemoryBytes;
    private bool _isAllocating;

    public GuestInstance(Instance instance, WasmPlugin plugin)
    {
        Instance = instance;
        Plugin = plugin;
        Memory = instance.Memory!;
        instance.HostState = this;
        _callbacks = plugin.Module.Callbacks.Exported;
        CallbackLimits = plugin.CpuLimits.Callback;
        StreamLimits = plugin.CpuLimits.PerStream is null ? null : plugin.CpuLimits;
        TakesCallouts = Has(GuestCallback.HttpCallResponse);
        for (var callback = (GuestCallback)0; (int)callback < _functions.Length; callback++)
        {
            if (Has(callback)) instance.TryGetFunction(CallbackTable.NameOf(callback), out _functions[(int)callback]);
        }
    }

    public Instance Instance { get; }

    /// <summary>Made when the guest first asks WASI for something; most never do.</summary>
    public WasiState Wasi => _wasi ??= CreateWasi();

    /// <summary>Made with the first callout; most never make one.</summary>
    public PendingCallouts Callouts => _callouts ??= new PendingCallouts(this);

    /// <summary>The answer that proxy_on_http_call_response is looking at; null outside of it.</summary>
    public HttpCalloutResponse? CalloutResponse => _callouts?.Response;

    /// <summary>What a callback may use, unless there are <see cref="StreamLimits"/>.</summary>
    public CallLimits CallbackLimits { get; }

    /// <summary>Limits of which one is for all callbacks of a stream together; null: none is.</summary>
    public CpuLimits? StreamLimits { get; }

    /// <summary>Whether answers to callouts can come while a stream is in the instance.</summary>
    public bool TakesCallouts { get; }

    /// <summary>Bytes of bodies that were copied into the guest's memory so far; the native metal lends them.</summary>
    public long BodyBytesHandedOut { get; set; }

    /// <summary>Host functions that the guest called so far.</summary>
    public int HostCalls { get; set; }

    /// <summary>Results that were copied into memory that the guest allocated for them, so far.</summary>
    public int ValuesHandedOut { get; private set; }

    /// <summary>What the guest said of itself when it started; that of its service instance for a clone.</summary>
    public GuestExtensions Extensions { get; set; }

    /// <summary>Whether the guest drew random bytes.</summary>
    public bool HasDrawnRandom => _wasi?.HasDrawnRandom == true;

    public WasmPlugin Plugin { get; }

    public GuestMemory Memory { get; }

    /// <summary>Where the instance belongs to; null for a clone, which has <see cref="Generation"/>.</summary>
    public InstanceSource? Source { get; init; }

    /// <summary>The place that it fills among shared instances.</summary>
    public SharedInstances.Slot? Slot { get; init; }

    /// <summary>The snapshot of which it is a clone.</summary>
    public CloneGeneration? Generation { get; init; }

    /// <summary>Held around every entry into an instance that several streams or timers use.</summary>
    public Lock Gate { get; } = new();

    /// <summary>Set when the instance trapped: it must not be entered again.</summary>
    public PluginFailure? Failure { get; set; }

    /// <summary>Which configuration can be read: that of the callback that is running.</summary>
    public GuestCallback? ConfigurationCallback { get; set; }

    /// <summary>The stream that host calls act on; null for the root context.</summary>
    public WasmPluginStream? EffectiveStream { get; private set; }

    /// <summary>Whether a stream is in the instance at this moment.</summary>
    public bool HasStreams => _streams.Count > 0;

    /// <summary>Whether another context may outlive its stream, waiting for proxy_done.</summary>
    public bool MayWait => _streams.Count < MaximumContextCount;

    public bool Has(GuestCallback callback) => CallbackTable.IsIn(_callbacks, callback);

    /// <summary>Gives a new stream its context number.</summary>
    public uint Attach(WasmPluginStream stream)
    {
        do _lastContextId++;
        while (_lastContextId <= RootContextId || !_streams.TryAdd(_lastContextId, stream));
        return _lastContextId;
    }

    /// <summary>Tells the statistics how long the memory is, unless they know.</summary>
    public void NoteMemory()
    {
        ulong lengthBytes = Memory.LengthBytes;
        if (lengthBytes == _notedMemoryBytes) return;
        _notedMemoryBytes = lengthBytes;
        Plugin.Statistics.NoteMemory((long)lengthBytes);
    }

    public void Detach(uint contextId) => _streams.Remove(contextId);

    /// <summary>Forgets all contexts and the failure: the runtime has put the guest back to its snapshot.</summary>
    public void Reset()
    {
        _callouts?.Clear();
        _streams.Clear();
        _lastContextId = RootContextId;
        EffectiveStream = null;
        Failure = null;

        // What one stream closed or printed is nothing to the next.
        _wasi = null;
        _standardOutput = null;
        _standardError = null;
    }

    /// <summary>Makes another context the one that host calls act on, until the next callback.</summary>
    public bool TrySetEffectiveContext(uint contextId)
    {
        WasmPluginStream? stream = null;
        if (contextId != RootContextId && !_streams.TryGet(contextId, out stream)) return false;
        EffectiveStream = stream;
        return true;
    }

    /// <summary>Makes a callback that the module exports. The arguments are in <paramref name="slots"/>, its result is there afterwards.</summary>
    /// <param name="stream">Whose context is in effect; null for the root context.</param>
    public TrapCode Call(GuestCallback callback, WasmPluginStream? stream, Span<ulong> slots, CallLimits limits)
    {
        EffectiveStream = stream;
        var trap = Instance.Call(_functions[(int)callback], slots, limits);
        EffectiveStream = null;
        _standardOutput?.FlushRest();
        _standardError?.FlushRest();
        return trap;
    }

    /// <summary>Makes a callback of the plugin's own context, under limits of its own; the failure if there was one.</summary>
    public PluginFailure? CallRoot(GuestCallback callback, Span<ulong> slots)
    {
        var budget = default(CpuBudget);
        var trap = Call(callback, stream: null, slots, StreamLimits is null ? CallbackLimits : budget.Begin(StreamLimits));
        return trap == TrapCode.None ? null : TrapReport.Describe(this, callback, trap, StreamLimits is null ? Plugin.CpuLimits.PerCallback : budget.Limit);
    }

    /// <summary>Drops the callouts of a context that ends.</summary>
    public void CancelCallouts(WasmPluginStream stream) => _callouts?.CancelOf(stream);

    /// <summary>Takes memory from one of the rooms of the guest's arena without entering the guest.</summary>
    /// <returns>An address from which that many bytes are inside of the memory; 0 without rooms, or when they are full.</returns>
    public uint TakeFromArena(GuestMemory memory, uint lengthBytes)
    {
        uint room = Extensions.ArenaAddress;
        if (room == 0 || !memory.TryRead(room, 3 * sizeof(uint), out var bytes)) return 0;

        // The guest wrote all three words, so they can be anything.
        var rooms = MemoryMarshal.Read<ArenaRooms>(bytes);
        ulong start = Aligned(rooms.Near);
        if (start + lengthBytes > rooms.NearEnd)
        {
            start = Aligned(rooms.Far);
            room += sizeof(uint);
        }

        ulong end = start + lengthBytes;
        if (end > uint.MaxValue || !memory.IsInside((uint)start, lengthBytes)) return 0;
        memory.TryWrite(room, (uint)end);
        ValuesHandedOut++;
        return (uint)start;

        static ulong Aligned(uint address) => (address + (ArenaAlignment - 1UL)) & ~(ArenaAlignment - 1UL);
    }

    /// <summary>Has the guest allocate memory, from within a host call.</summary>
    /// <param name="pointer">Null when the guest has no allocator, refused, or is allocating already.</param>
    public TrapCode Allocate(uint lengthBytes, out uint pointer)
    {
        pointer = 0;
        var callback = Has(GuestCallback.Allocate) ? GuestCallback.Allocate : GuestCallback.Malloc;

        // An allocator that asks for results of host calls would call itself without end.
        if (_isAllocating || !Has(callback)) return TrapCode.None;
        Span<ulong> slots = [lengthBytes];
        ValuesHandedOut++;
        _isAllocating = true;
        var trap = Instance.Call(_functions[(int)callback], slots, CallLimits.None);
        _isAllocating = false;
        pointer = (uint)slots[0];
        return trap;
    }

    /// <summary>Ends everything in an instance that must not be entered again. The caller holds the gate.</summary>
    public void Abandon(PluginFailure failure)
    {
        Failure = failure;
        _callouts?.Clear();
        _finished.Clear();
        foreach (var stream in _streams.ToArray())
        {
            // Those that only wait for proxy_done have no one left who would detach them.
            if (stream.IsReleased) _streams.Remove(stream.ContextId);
            else stream.Fail(failure);
        }

        DisposeIfAbandoned();
    }

    /// <summary>Frees the instance when it has failed and no stream is in it. The caller holds the gate.</summary>
    public void DisposeIfAbandoned()
    {
        if (Failure is not null && _streams.Count == 0) Instance.Dispose();
    }

    /// <summary>Ends a context as soon as the guest is not running.</summary>
    public void FinishLater(WasmPluginStream stream) => _finished.Enqueue(stream);

    /// <summary>Ends the contexts for which the plugin called proxy_done. The caller holds the gate.</summary>
    public void FinishPending()
    {
        while (_finished.TryDequeue(out var stream)) stream.Finish();
    }

    private WasiState CreateWasi()
    {
        _standardOutput = new GuestOutput(Plugin, PluginLogLevel.Info);
        _standardError = new GuestOutput(Plugin, PluginLogLevel.Error);
        return new WasiState
        {
            StandardOutput = _standardOutput.Write,
            StandardError = _standardError.Write,
            Clock = Plugin.Services.Time,
        };
    }
}

/// <summary>Exports of this host's own (docs/proxy-wasm.md), each asked once.</summary>
/// <param name="ArenaAddress">Where the guest keeps the addresses of the next free bytes of its arena; 0 when it has none.</param>
/// <param name="DeleteFrees">proxy_on_delete does nothing but free memory.</param>
internal readonly record struct GuestExtensions(uint ArenaAddress, bool DeleteFrees);

/// <summary>What lies at <see cref="GuestExtensions.ArenaAddress"/>: 32-bit addresses, little-endian as the processors that this runs on.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly struct ArenaRooms
{
    public readonly uint Near;
    public readonly uint Far;
    public readonly uint NearEnd;
}
