// A plugin on the native metal: loads the shared object, shakes hands, configures it once, and begins its streams.

using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using Bimetal.Plugins.Failure;
using Bimetal.Plugins.Instances;
using Bimetal.Plugins.ProxyWasm.State;
using Bimetal.Plugins.Streams;

namespace Bimetal.Plugins.Native;

/// <summary>A loaded native plugin. Its code is never unmapped: something of it may still run.</summary>
public sealed unsafe class NativePlugin : Plugin
{
    private readonly ConcurrentQueue<StreamSlot> _pool = new();
    private readonly Lock _root = new();
    private readonly NativePluginTable* _table;
    private string? _lastError;
    private TickTimer? _ticks;
    private volatile bool _isRetired;

    // SAFETY: both tables are owned by the plugin for the life of the process, because its code can look at them as long.
    private NativePlugin(PluginConfig config, PluginHostServices services)
    {
        Services = services;
        Identity = new PluginIdentity(config.Name, config.RootId, VmId: config.Name);
        State = services.States.Of(config.Name, config.Limits.Quotas);
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

    internal NativePluginTable* Table => _table;

    internal int BodyLimitBytes { get; }

    internal NativeCallouts Callouts { get; }

    /// <summary>Whether answers to callouts have a callback to come to.</summary>
    internal bool TakesAnswers => _table->HttpResponse is not null;

    /// <summary>Whether something besides the gateway can enter a stream, so that each entry needs the stream's gate.</summary>
    internal bool NeedsGates => _table->Tick is not null || _table->QueueReady is not null || _table->HttpResponse is not null;

    internal bool IsRetired => _isRetired;

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
        void* init = NativeImage.Load(source).Export(NativeAbi.EntryPoint);
        if (init is null)
            throw new PluginLoadException($"{soPath}: exports no {NativeAbi.EntryPoint}, so it is not a Bimetal plugin");
        var link = Stopwatch.GetElapsedTime(started);
        started = Stopwatch.GetTimestamp();
        var plugin = new NativePlugin(config, services) { Name = config.Name, Statistics = new PluginStatistics(services.MeasureOneIn) };
        plugin.ShakeHands(init, soPath);
        plugin.Configure(config.Configuration.Span, soPath);
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
        if (!_pool.TryDequeue(out var slot)) slot = new StreamSlot(_table->StreamStateBytes);
        var begun = new NativePluginStream(this, slot, stream);
        if (started != 0) Statistics.BeginTimes.RecordSince(started);
        return begun;
    }

    public override ValueTask DisposeAsync()
    {
        lock (_pool)
        {
            _isRetired = true;
            _ticks?.Dispose();
        }

        Callouts.Dispose();

        while (_pool.TryDequeue(out var slot)) slot.Free();
        return ValueTask.CompletedTask;
    }

    internal static NativePlugin? FromHandle(nint handle) => handle == 0 ? null : GCHandle.FromIntPtr(handle).Target as NativePlugin;

    internal void Return(StreamSlot slot)
    {
        if (_isRetired) slot.Free();
        else _pool.Enqueue(slot);
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

    // SAFETY: the table lives as long as the process, and its code is never unmapped; a callback that is late does no harm after the plugin was retired.
    private void RunRoot(Action callback)
    {
        if (!_isRetired) NativeRootEntry.Run(_root, callback);
    }

    // SAFETY: init has the type that bimetal.h gives it; the host table is allocated for good, the plugin's own table is ours.
    private void ShakeHands(void* init, string soPath)
    {
        var host = (NativeHostTable*)NativeMemory.AllocZeroed((nuint)sizeof(NativeHostTable));
        NativeHost.Fill(host, GCHandle.ToIntPtr(GCHandle.Alloc(this)));
        int status = ((delegate* unmanaged[Cdecl]<NativeHostTable*, NativePluginTable*, int>)init)(host, _table);
        if (Objection(status) is { } objection) throw new PluginLoadException($"{soPath}: {objection}");

        // What lies past the plugin's own size is not its word.
        NativeMemory.Clear((byte*)_table + _table->StructSize, (nuint)sizeof(NativePluginTable) - _table->StructSize);
    }

    // Built before the table had a tick.
    private uint OldestTableBytes => (uint)((byte*)&_table->Tick - (byte*)_table);

    private string? Objection(int status)
    {
        if (_table->AbiVersion != NativeAbi.Version)
            return $"built for version {_table->AbiVersion} of bimetal.h, and this gateway has {NativeAbi.Version}; build it again";
        if (status != 0) return $"{NativeAbi.EntryPoint} failed with status {status}{Reason()}";
        if (_table->StructSize > (uint)sizeof(NativePluginTable) || _table->StructSize < OldestTableBytes)
            return $"its plugin table has {_table->StructSize} bytes, and version {NativeAbi.Version} has {OldestTableBytes} to {sizeof(NativePluginTable)}; build it again";
        return _table->StreamStateBytes > NativeAbi.MaximumStreamStateBytes
            ? $"wants {_table->StreamStateBytes} bytes of state per stream; {NativeAbi.MaximumStreamStateBytes} is the most"
            : null;
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
