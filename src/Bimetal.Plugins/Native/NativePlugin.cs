// A plugin on the native metal: loads the shared object, shakes hands, configures it once, and begins its streams.

using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using Bimetal.Plugins.Failure;
using Bimetal.Plugins.Instances;
using Bimetal.Plugins.ProxyWasm.State;
using Bimetal.Plugins.Streams;
using Bimetal.Wasm.Runtime;

namespace Bimetal.Plugins.Native;

/// <summary>A loaded native plugin. Its code is never unmapped: something of it may still run.</summary>
public sealed unsafe class NativePlugin : Plugin
{
    /// <summary>Streams that done callbacks may keep at once: as many as contexts of a shared instance on wasm.</summary>
    private const int MaximumKeptStreams = 16_384;

    private readonly NearObjects<StreamSlot> _near = new();
    private readonly ConcurrentQueue<StreamSlot> _pool = new();
    private readonly Lock _root = new();
    private readonly HashSet<NativePluginStream> _keptStreams = [];
    private readonly NativePluginTable* _table;
    private readonly NativeHostTable* _host;
    private readonly GCHandle _self;
    private readonly NativeImage _image;
    private int _slotCount;
    private bool _isOver;
    private string? _lastError;
    private TickTimer? _ticks;
    private volatile bool _isRetired;

    // SAFETY: both tables live until the plugin has said in retire that nothing of it looks at them, or for the life of the process.
    private NativePlugin(PluginConfig config, PluginHostServices services, NativeImage image)
    {
        _image = image;
        _self = GCHandle.Alloc(this);
        _host = (NativeHostTable*)NativeMemory.AllocZeroed((nuint)sizeof(NativeHostTable));
        Services = services;
        Identity = new PluginIdentity(config.Name, config.RootId, VmId: config.Name);
        State = services.States.Of(config.Name, config.Limits.Quotas);
        HeldBodies = State.HeldBodies;
        BodyLimitBytes = config.Limits.BodyBufferBytes;
        Callouts = new NativeCallouts(this);
        _table = (NativePluginTable*)NativeMemory.AllocZeroed((nuint)sizeof(NativePluginTable));
        _table->StructSize = (uint)sizeof(NativePluginTable);
    }

    public override Metal Metal => Metal.Native;

    internal PluginHostServices Services { get; }

    internal PluginIdentity Identity { get; }

    /// <summary>What outlives the plugin, under its name.</summary>
    internal PluginState State { get; }

    /// <summary>That of <see cref="State"/>.</summary>
    internal ByteQuota HeldBodies { get; }

    internal NativePluginTable* Table => _table;

    internal int BodyLimitBytes { get; }

    internal NativeCallouts Callouts { get; }

    /// <summary>Whether answers to callouts have a callback to come to.</summary>
    internal bool TakesAnswers => _table->HttpResponse is not null;

    /// <summary>Whether something besides the gateway can enter a stream, so that each entry needs the stream's gate.</summary>
    internal bool NeedsGates { get; private set; }

    /// <summary>What the plugin has code for: a request looks into the plugin's table for nothing else.</summary>
    internal NativeCallbacks Callbacks { get; private set; }

    internal bool IsRetired => _isRetired;

    /// <summary>Shared objects that are mapped in this process: they are never unmapped.</summary>
    public static int MappedImages => NativeImage.Count;

    /// <summary>Loads a shared object, checks the versions and configures the plugin.</summary>
    /// <param name="config">What the configuration says of it.</param>
    /// <param name="source">The shared object; it is read once and may be replaced afterwards.</param>
    /// <param name="services">Log and clock.</param>
    /// <exception cref="PluginLoadException">It cannot run here, or refused its configuration: one line that names the file.</exception>
    public static NativePlugin Load(PluginConfig config, PluginSource source, PluginHostServices services)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(services);
        long started = Stopwatch.GetTimestamp();
        string soPath = source.Name;
        var image = NativeImage.Load(source);
        void* init = image.Export(NativeAbi.EntryPoint);
        if (init is null)
            throw new PluginLoadException($"{soPath}: exports no {NativeAbi.EntryPoint}, so it is not a Bimetal plugin");
        var link = Stopwatch.GetElapsedTime(started);
        started = Stopwatch.GetTimestamp();
        var plugin = new NativePlugin(config, services, image) { Name = config.Name, Statistics = new PluginStatistics(services.MeasureOneIn) };
        plugin.ShakeHands(init, soPath);
        try
        {
            plugin.Start(config.VmConfiguration.Span, soPath);
            plugin.Configure(config.Configuration.Span, soPath);
        }
        catch
        {
            plugin.Retire();
            throw;
        }

        plugin.LoadStages = [("link", link), ("instantiate", Stopwatch.GetElapsedTime(started))];
        return plugin;
    }

    public override PluginStream? TryBegin(HttpStream stream, out PluginFailure? failure)
    {
        ArgumentNullException.ThrowIfNull(stream);
        failure = _isRetired ? new PluginFailure(FailureKind.Load, "unloaded") : null;
        if (failure is not null)
        {
            Statistics.CountFailure(failure.Kind);
            return null;
        }

        long started = Statistics.IsNextMeasured ? Stopwatch.GetTimestamp() : 0;
        if (TakeSlot() is not { } slot)
        {
            failure = new PluginFailure(FailureKind.Load, "unloaded");
            Statistics.CountFailure(failure.Kind);
            return null;
        }

        var begun = new NativePluginStream(this, slot, stream);
        if (started != 0) Statistics.BeginTimes.RecordSince(started);
        return begun;
    }

    public override ValueTask DisposeAsync()
    {
        Retire();
        return ValueTask.CompletedTask;
    }

    internal static NativePlugin? FromHandle(nint handle) => handle == 0 ? null : GCHandle.FromIntPtr(handle).Target as NativePlugin;

    internal void Return(StreamSlot slot)
    {
        if (!_near.TryKeep(slot)) _pool.Enqueue(slot);
        if (_isRetired) End();
    }

    /// <summary>Keeps a stream that is over until its plugin calls stream_done; false when it may not be kept.</summary>
    internal bool TryKeep(NativePluginStream stream)
    {
        lock (_pool) return !_isRetired && _keptStreams.Count < MaximumKeptStreams && _keptStreams.Add(stream);
    }

    internal void KeepNoLonger(NativePluginStream stream)
    {
        lock (_pool) _keptStreams.Remove(stream);
    }

    internal void WriteLog(PluginLogLevel level, ReadOnlySpan<byte> message)
    {
        if (level >= PluginLogLevel.Error && _lastError is null) _lastError = Encoding.UTF8.GetString(message);
        State.Log(Services, Name, level, message);
    }

    /// <summary>Sets the period of the plugin's tick; 0 stops it.</summary>
    internal HostStatus SetTickPeriod(uint periodMs)
    {
        lock (_pool)
        {
            if (_isRetired) return HostStatus.NotFound;
            _ticks ??= new TickTimer(Services.Time, Tick, exception => Services.Report(PluginLogLevel.Error, Name, $"a tick failed: {exception.Message}"));
            _ticks.SetPeriod(periodMs);
            return HostStatus.Ok;
        }
    }

    internal ulong RealtimeNanoseconds() =>
        (ulong)(Services.Time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks * (1_000_000_000UL / TimeSpan.TicksPerSecond);

    internal ulong MonotonicNanoseconds()
    {
        long frequency = Services.Time.TimestampFrequency;
        ulong timestamp = (ulong)Services.Time.GetTimestamp();
        return frequency == 1_000_000_000 ? timestamp : (ulong)((UInt128)timestamp * 1_000_000_000 / (ulong)frequency);
    }

    /// <summary>A listener for a queue that the plugin opens, if it wants to hear of items.</summary>
    internal QueueListener? CreateQueueListener() =>
        _table->QueueReady is null ? null : new QueueListener(TellOfItems, exception => Services.Report(PluginLogLevel.Error, Name, $"a queue's callback failed: {exception.Message}"));

    /// <summary>Hands the plugin the answer to a callout of its own, on the callout's thread.</summary>
    // SAFETY: as for Tick; the answer lives until the callback has returned.
    internal void OnHttpResponse(uint id, LentResponse response) => RunRoot(() => _table->HttpResponse(_table->Plugin, 0, null, id, response.Value));

    private void Tick()
    {
        if (_table->Tick is not null) RunRoot(() => _table->Tick(_table->Plugin));
    }

    private int TellOfItems(uint queue, int count)
    {
        int told = 0;
        RunRoot(() =>
        {
            for (; told < count; told++) _table->QueueReady(_table->Plugin, queue);
        });
        return told;
    }

    // SAFETY: the code is never unmapped, and the table lives until End, which comes after all root callbacks.
    private void RunRoot(Action callback) => NativeRootEntry.Run(_root, () =>
    {
        if (!_isRetired) callback();
    });

    // A new slot only while the plugin is not retired: then a stream has it, which End waits for.
    private StreamSlot? TakeSlot()
    {
        if (_near.TryTake() is { } near) return near;
        if (_pool.TryDequeue(out var slot)) return slot;
        lock (_pool)
        {
            if (_isRetired) return null;
            _slotCount++;
            return new StreamSlot(_table->StreamStateBytes);
        }
    }

    private void Retire()
    {
        NativePluginStream[] kept;
        lock (_pool)
        {
            _isRetired = true;
            _ticks?.Dispose();
            kept = [.. _keptStreams];
        }

        Callouts.Dispose();
        foreach (var stream in kept) stream.TryFinish();
        End();
    }

    /// <summary>Once all streams have ended: the plugin's last call, if it has one, and then everything that was kept for it goes.</summary>
    // SAFETY: no stream has a slot, and no root callback runs or will; retire promises the rest.
    private void End()
    {
        lock (_pool)
        {
            while (_near.TryTakeAny() is { } near) _pool.Enqueue(near);
            for (; _pool.TryDequeue(out var slot); _slotCount--) slot.Free();
            if (_slotCount != 0 || _isOver) return;
            _isOver = true;
        }

        if (_table->Retire is null) return;
        lock (_root) _table->Retire(_table->Plugin);
        _image.Release();
        _self.Free();
        NativeMemory.Free(_host);
        NativeMemory.Free(_table);
    }

    // SAFETY: init has the type that bimetal.h gives it; the host table is allocated for good, the plugin's own table is ours.
    private void ShakeHands(void* init, string soPath)
    {
        NativeHost.Fill(_host, GCHandle.ToIntPtr(_self));
        int status = ((delegate* unmanaged[Cdecl]<NativeHostTable*, NativePluginTable*, int>)init)(_host, _table);
        if (Objection(status) is { } objection) throw new PluginLoadException($"{soPath}: {objection}");

        // What lies past the plugin's own size is not its word.
        NativeMemory.Clear((byte*)_table + _table->StructSize, (nuint)sizeof(NativePluginTable) - _table->StructSize);
        Callbacks = NativeCallbacks.Of(_table);
        NeedsGates = _table->Tick is not null || _table->QueueReady is not null || _table->HttpResponse is not null || Callbacks.HasDone;
    }

    // Built before the table had a tick.
    private uint OldestTableBytes => (uint)((byte*)&_table->Tick - (byte*)_table);

    private string? Objection(int status)
    {
        if (_table->AbiVersion != NativeAbi.Version)
            return $"built for version {_table->AbiVersion} of bimetal.h, and this gateway has {NativeAbi.Version}; build it again";
        if (status == (int)HostStatus.Unimplemented)
            return $"needs more of bimetal.h than this gateway has{Reason()}; build it again with this gateway's SDK, or update the gateway";
        if (status != 0) return $"{NativeAbi.EntryPoint} failed with status {status}{Reason()}";
        if (_table->StructSize > (uint)sizeof(NativePluginTable) || _table->StructSize < OldestTableBytes)
            return $"its plugin table has {_table->StructSize} bytes, and version {NativeAbi.Version} has {OldestTableBytes} to {sizeof(NativePluginTable)}; build it again";
        return _table->StreamStateBytes > NativeAbi.MaximumStreamStateBytes
            ? $"wants {_table->StreamStateBytes} bytes of state per stream; {NativeAbi.MaximumStreamStateBytes} is the most"
            : null;
    }

    // SAFETY: as for Configure.
    private void Start(ReadOnlySpan<byte> configuration, string soPath)
    {
        if (_table->Start is null) return;
        fixed (byte* bytes = configuration)
        {
            int status = _table->Start(_table->Plugin, bytes, (nuint)configuration.Length);
            if (status != 0) throw new PluginLoadException($"{soPath}: the plugin '{Name}' refused to start{Reason()}");
        }
    }

    // SAFETY: the configuration is pinned for the call.
    private void Configure(ReadOnlySpan<byte> configuration, string soPath)
    {
        if (_table->Configure is null) return;
        fixed (byte* bytes = configuration)
        {
            int status = _table->Configure(_table->Plugin, bytes, (nuint)configuration.Length);
            if (status != 0) throw new PluginLoadException($"{soPath}: the plugin '{Name}' refused its configuration{Reason()}");
        }
    }

    /// <summary>The first error that the plugin logged, for the message of a failed load.</summary>
    private string Reason() => _lastError is null ? "" : ": " + _lastError;
}
