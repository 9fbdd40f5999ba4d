// A plugin on the wasm metal: its compiled module, and the instances that streams run in.

using System.Diagnostics;
using Bimetal.Plugins.Failure;
using Bimetal.Plugins.Instances;
using Bimetal.Plugins.ProxyWasm.State;
using Bimetal.Plugins.Streams;
using Bimetal.Wasm.Abi;
using Bimetal.Wasm.Runtime;

namespace Bimetal.Plugins.ProxyWasm;

/// <summary>A proxy-wasm plugin.</summary>
internal sealed class WasmPlugin : Plugin
{
    private const int PageBytes = 65_536;
    private const int TableElementBytes = 32;
    private const uint LeastTableElements = 16_384;

    private InstanceSource? _instances;

    private WasmPlugin(PluginConfig config, PluginModule module, PluginHostServices services)
    {
        Module = module;
        Services = services;
        Limits = config.Limits;
        BodyLimitBytes = config.Limits.BodyBufferBytes;
        CpuLimits = new CpuLimits(config.Limits);
        Configuration = config.Configuration;
        VmConfiguration = config.VmConfiguration;
        State = services.States.Of(config.Name, config.Limits.Quotas);
        HeldBodies = State.HeldBodies;
        Identity = new PluginIdentity(config.Name, config.RootId, VmId: config.Name);
    }

    public override Metal Metal => Metal.Wasm;

    public override (int Existing, int InUse) Instances => _instances!.Counts;

    public override int WaitingInstances => _instances!.Waiting;

    public PluginModule Module { get; }

    public PluginHostServices Services { get; }

    public PluginLimits Limits { get; }

    public CpuLimits CpuLimits { get; }

    public int BodyLimitBytes { get; }

    public ByteQuota HeldBodies { get; }

    public ReadOnlyMemory<byte> Configuration { get; }

    public ReadOnlyMemory<byte> VmConfiguration { get; }

    public PluginIdentity Identity { get; }

    public PluginState State { get; }

    /// <summary>Whether instances come with the context of their stream made.</summary>
    public bool HasStreamContexts => _instances is PerRequestInstances { HasStreamContexts: true };

    /// <summary>Set once a context could not be made without the host: then it is made with each stream, and not ahead of them.</summary>
    public bool NeedsHostForContexts { get; set; }

    /// <summary>Tables may take as much memory as the linear memory, at least enough for an ordinary plugin.</summary>
    public uint MaximumTableElements => (uint)Math.Clamp(Limits.MemoryBytes / TableElementBytes, LeastTableElements, GuestTable.MaximumElements);

    public uint MaximumMemoryPages => (uint)Math.Clamp(Limits.MemoryBytes / PageBytes, 1, 65_536);

    /// <summary>Loads, starts and configures a plugin.</summary>
    /// <exception cref="PluginLoadException">The file cannot be loaded, or the plugin did not start or refused its configuration.</exception>
    public static WasmPlugin Load(PluginConfig config, PluginSource source, PluginHostServices services, CancellationToken cancellation)
    {
        var module = PluginModule.Load(source, services.Engine, cancellation);
        if (services.Engine.TakeNotice() is { } notice) services.Report(PluginLogLevel.Warn, config.Name, notice);
        try
        {
            long started = Stopwatch.GetTimestamp();
            var plugin = new WasmPlugin(config, module, services) { Name = config.Name, Statistics = new PluginStatistics(services.MeasureOneIn) };
            plugin._instances = plugin.CreateInstances(config);
            plugin.LoadStages = [.. module.Stages, ("instantiate", Stopwatch.GetElapsedTime(started))];
            return plugin;
        }
        catch
        {
            module.Dispose();
            throw;
        }
    }

    public override PluginStream? TryBegin(HttpStream stream, out PluginFailure? failure)
    {
        var instances = _instances!;
        long started = Statistics.IsNextMeasured ? Stopwatch.GetTimestamp() : 0;
        var guest = instances.TryLease(out failure);
        if (started != 0) Statistics.BeginTimes.RecordSince(started);
        if (guest is null)
        {
            Statistics.CountFailure(failure!.Kind);
            return null;
        }

        var pluginStream = new WasmPluginStream(this, instances, guest, stream);
        pluginStream.Begin();
        if (pluginStream.Failure is null) return pluginStream;
        failure = pluginStream.Failure;
        pluginStream.Dispose();
        return null;
    }

    public override ValueTask DisposeAsync()
    {
        _instances?.Dispose();
        Module.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>Makes, starts and configures one instance.</summary>
    /// <exception cref="PluginLoadException">It failed, or refused.</exception>
    public GuestInstance Start(InstanceSource source, SharedInstances.Slot? slot = null)
    {
        var options = new InstanceOptions { MaximumMemoryPages = MaximumMemoryPages, MaximumTableElements = MaximumTableElements, MemoryAllowance = Services.States.Memory };
        var instance = Module.CreateInstance(options);
        try
        {
            var guest = new GuestInstance(instance, this) { Slot = slot, Source = source };
            GuestStart.Run(guest);
            return guest;
        }
        catch
        {
            instance.Dispose();
            throw;
        }
    }

    public void ReportTickFailure(Exception exception) =>
        Services.Report(PluginLogLevel.Error, Name, $"a tick failed: {exception.Message}");

    public void SetTickPeriod(GuestInstance guest, uint periodMs) => (guest.Source ?? _instances)?.SetTickPeriod(guest, periodMs);

    /// <summary>The source that an instance belongs to, be it a clone or not.</summary>
    public InstanceSource SourceOf(GuestInstance guest) => guest.Source ?? _instances!;

    /// <summary>Makes one tick; the failure if there was one. The caller holds what protects the instance.</summary>
    public static PluginFailure? Tick(GuestInstance guest) =>
        guest.Has(GuestCallback.Tick) ? guest.CallRoot(GuestCallback.Tick, [GuestInstance.RootContextId]) : null;

    private InstanceSource CreateInstances(PluginConfig config)
    {
        if (config.EffectiveInstance == InstancePolicy.Shared) return new SharedInstances(this, Environment.ProcessorCount);
        var fresh = new PerRequestInstances(this);
        if (!fresh.HasDrawnRandom) return fresh;

        // Every clone would go on from the same "random" state.
        if (config.Instance == InstancePolicy.PerRequest)
        {
            Services.Report(PluginLogLevel.Warn, Name, "drew random bytes at its start: all of its per-request instances go on from the same ones");
            return fresh;
        }

        fresh.Dispose();
        Services.Report(PluginLogLevel.Warn, Name, "drew random bytes at its start: runs as instance: shared, clones would share those bytes");
        return new SharedInstances(this, Environment.ProcessorCount);
    }
}
