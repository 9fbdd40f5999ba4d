// A fresh clone of the snapshot for every stream. The snapshot is taken of the service instance once it is started and configured, and
// again after each of its ticks, so that new clones see what it learned. Clones of an older snapshot live on until they come back.

using System.Diagnostics.CodeAnalysis;
using Bimetal.Plugins.Failure;
using Bimetal.Plugins.ProxyWasm;
using Bimetal.Wasm.Runtime;

namespace Bimetal.Plugins.Instances;

/// <summary>Per-request instances and the service instance behind them.</summary>
internal sealed class PerRequestInstances : InstanceSource
{
    private readonly WasmPlugin _plugin;
    private readonly Lock _serviceLock = new();
    private readonly TickTimer _ticks;
    private readonly Backoff _backoff;
    private GuestInstance _service;
    private volatile CloneGeneration _generation;
    private volatile bool _isDisposed;
    private bool _hasToldOfRandom;

    public PerRequestInstances(WasmPlugin plugin)
    {
        _plugin = plugin;
        _ticks = new TickTimer(plugin.Services.Time, Tick, plugin.ReportTickFailure);
        _backoff = new Backoff(plugin.Services.Time);

        // The plugin can set its tick period while it starts, and the first tick must not come into the instance before it is ready.
        lock (_serviceLock) (_service, _generation) = StartFirst();
        _hasToldOfRandom = HasDrawnRandom;
        ImproveLater();
    }

    public override bool IsShared => false;

    /// <summary>Clones of the newest snapshot.</summary>
    public override (int Existing, int InUse) Counts => _generation.Counts;

    /// <summary>Whether the plugin drew random bytes while it started.</summary>
    public bool HasDrawnRandom => _service.HasDrawnRandom;

    /// <summary>Whether new clones come with the context of their stream made.</summary>
    public bool HasStreamContexts => _generation.HasStreamContext;

    public override GuestInstance? TryLease([NotNullWhen(false)] out PluginFailure? failure)
    {
        string reason = "unloaded";
        try
        {
            // A generation that was just retired refuses; the next one is published already.
            for (var generation = _generation; !_isDisposed; generation = _generation)
            {
                if (!generation.TryLease(out var guest)) continue;
                failure = null;
                if (guest is not null) return guest;
                reason = $"all of its {_plugin.Limits.Instances} instances are in use (limits.instances)";
                break;
            }
        }
        catch (InstanceLimitException exception)
        {
            reason = exception.Message;
        }

        failure = new PluginFailure(FailureKind.Load, reason);
        return null;
    }

    public override void Return(GuestInstance guest) => guest.Generation!.Return(guest);

    /// <summary>A clone that trapped is reset like any other.</summary>
    public override void Fail(GuestInstance guest, PluginFailure failure) => guest.Failure = failure;

    public override void SetTickPeriod(GuestInstance guest, uint periodMs) => _ticks.SetPeriod(periodMs);

    public override void Dispose()
    {
        _isDisposed = true;
        _ticks.Dispose();
        lock (_serviceLock)
        {
            _generation.Dispose();
            _service.Instance.Dispose();
        }
    }

    private (GuestInstance Service, CloneGeneration Generation) StartFirst()
    {
        GuestInstance? service = null;
        try
        {
            service = _plugin.Start(this);
            return (service, new CloneGeneration(service));
        }
        catch (Exception exception)
        {
            _isDisposed = true;
            _ticks.Dispose();
            service?.Instance.Dispose();
            if (exception is not InstanceLimitException) throw;
            throw new PluginLoadException($"{_plugin.Module.File}: {exception.Message}", exception);
        }
    }

    /// <summary>What the service instance learns is in the clones from then on; a clone is entered for its own stream only.</summary>
    public override void Enter(GuestInstance guest, Func<PluginFailure?> callback)
    {
        if (guest.Generation is not null)
        {
            lock (guest.Gate) callback();
            return;
        }

        lock (_serviceLock)
        {
            if (_isDisposed || !ReferenceEquals(guest, _service)) return;
            if (callback() is { } failure)
            {
                _plugin.Services.Report(PluginLogLevel.Error, _plugin.Name, failure.Detail);
                Restart();
                return;
            }

            WarnOfRandom();
            Publish();
        }
    }

    // At the start this decides about the kind of instances; afterwards it can only be said.
    private void WarnOfRandom()
    {
        if (_hasToldOfRandom || !_service.HasDrawnRandom) return;
        _hasToldOfRandom = true;
        _plugin.Services.Report(PluginLogLevel.Warn, _plugin.Name, "drew random bytes in a callback of the plugin itself: what it keeps of them is the same in all of its per-request instances");
    }

    private void Tick()
    {
        lock (_serviceLock) Enter(_service, () => WasmPlugin.Tick(_service));
    }

    private void Publish()
    {
        var previous = _generation;
        _generation = new CloneGeneration(_service);
        previous.Dispose();
        ImproveLater();
    }

    /// <summary>Not before the first requests are served: it takes as long as the snapshot itself.</summary>
    private void ImproveLater()
    {
        if (_generation.MayHaveStreamContext) _ = Task.Run(Improve);
    }

    private void Improve()
    {
        var current = _generation;
        CloneGeneration? improved;
        try
        {
            improved = current.TryWithStreamContext();
        }
        catch (InstanceLimitException)
        {
            // No room for more clones at this moment: those that are there serve as they are.
            return;
        }

        if (improved is null) return;
        lock (_serviceLock)
        {
            if (!_isDisposed && ReferenceEquals(_generation, current)) _generation = improved;
            else current = improved;
        }

        current.Dispose();
    }

    /// <summary>Starts a new service instance; until then clones of the last good snapshot serve.</summary>
    private void Restart()
    {
        _ticks.SetPeriod(0);
        _service.Instance.Dispose();
        var delay = _backoff.Next();
        _ = Task.Delay(delay, _plugin.Services.Time).ContinueWith(_ => StartService(), TaskScheduler.Default);
    }

    private void StartService()
    {
        lock (_serviceLock)
        {
            if (_isDisposed) return;
            try
            {
                _backoff.Started();
                var service = _plugin.Start(this);
                _service.Instance.Dispose(); // of a start before this one that could not be published
                _service = service;
                Publish();
            }
            catch (Exception exception)
            {
                // Whatever it was, clones of the last good snapshot serve meanwhile.
                _plugin.Services.Report(PluginLogLevel.Error, _plugin.Name, exception.Message);
                _ = Task.Delay(_backoff.Next(), _plugin.Services.Time).ContinueWith(_ => StartService(), TaskScheduler.Default);
            }
        }
    }
}
