// A few long-lived instances, one per processor, each started and configured by itself. A stream stays in the instance in which it
// began. An instance that trapped takes its streams with it and is replaced off the request's path, later and later if it keeps dying.

using System.Diagnostics.CodeAnalysis;
using Bimetal.Plugins.Failure;
using Bimetal.Plugins.ProxyWasm;

namespace Bimetal.Plugins.Instances;

/// <summary>Shared instances.</summary>
internal sealed class SharedInstances : InstanceSource
{
    private readonly WasmPlugin _plugin;
    private readonly Slot[] _slots;
    private volatile bool _isDisposed;

    public SharedInstances(WasmPlugin plugin, int count)
    {
        _plugin = plugin;
        _slots = new Slot[count];
        for (int index = 0; index < count; index++) _slots[index] = new Slot(this);
        try
        {
            foreach (var slot in _slots) slot.Start();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public override bool IsShared => true;

    public override (int Existing, int InUse) Counts => (_slots.Count(static slot => slot.Guest is not null), _slots.Count(static slot => slot.Guest?.HasStreams == true));

    public override int Waiting => _slots.Count(static slot => slot.Guest is null);

    public override GuestInstance? TryLease([NotNullWhen(false)] out PluginFailure? failure)
    {
        // Streams that begin on one processor share an instance, so that they rarely wait for each other's gate.
        int first = Thread.GetCurrentProcessorId();
        for (int offset = 0; offset < _slots.Length; offset++)
        {
            var guest = _slots[(first + offset) % _slots.Length].Guest;
            if (guest is null) continue;
            failure = null;
            return guest;
        }

        string reason = $"none of its {_slots.Length} shared instances is running; last failure: {_slots[0].LastFailure}";
        failure = new PluginFailure(FailureKind.Load, reason);
        return null;
    }

    public override void Return(GuestInstance guest)
    {
        lock (guest.Gate) guest.DisposeIfAbandoned();
    }

    /// <summary>The caller holds the gate of the instance.</summary>
    public override void Fail(GuestInstance guest, PluginFailure failure)
    {
        if (guest.Failure is not null) return;
        guest.Abandon(TrapReport.Collateral(failure));
        guest.Slot!.Replace(guest, failure);
    }

    public override void Enter(GuestInstance guest, Func<PluginFailure?> callback)
    {
        lock (guest.Gate)
        {
            if (guest.Failure is not null) return;
            if (callback() is { } failure) Fail(guest, failure);
            else if (guest.Failure is null) guest.FinishPending();
        }
    }

    public override void SetTickPeriod(GuestInstance guest, uint periodMs) => guest.Slot!.Ticks.SetPeriod(periodMs);

    public override void Dispose()
    {
        _isDisposed = true;
        foreach (var slot in _slots) slot.Dispose();
    }

    /// <summary>The place of one instance and of those that replace it.</summary>
    internal sealed class Slot : IDisposable
    {
        private readonly SharedInstances _owner;
        private readonly Backoff _backoff;
        private volatile GuestInstance? _guest;

        public Slot(SharedInstances owner)
        {
            _owner = owner;
            _backoff = new Backoff(owner._plugin.Services.Time);
            Ticks = new TickTimer(owner._plugin.Services.Time, Tick, owner._plugin.ReportTickFailure);
        }

        public GuestInstance? Guest => _guest;

        public TickTimer Ticks { get; }

        public string LastFailure { get; private set; } = "none";

        /// <exception cref="PluginLoadException">The instance could not be started.</exception>
        public void Start()
        {
            _backoff.Started();
            _guest = _owner._plugin.Start(_owner, this);
        }

        /// <summary>Takes a dead instance out and starts another one in the background.</summary>
        public void Replace(GuestInstance dead, PluginFailure failure)
        {
            if (!ReferenceEquals(Interlocked.CompareExchange(ref _guest, null, dead), dead)) return;
            Ticks.SetPeriod(0);
            StartLater(failure.Detail);
        }

        public void Dispose()
        {
            Ticks.Dispose();
            if (Interlocked.Exchange(ref _guest, null) is not { } guest) return;
            lock (guest.Gate) guest.Abandon(new PluginFailure(FailureKind.Load, "unloaded"));
        }

        private void StartLater(string reason)
        {
            LastFailure = reason;
            var delay = _backoff.Next();
            _owner._plugin.Services.Report(PluginLogLevel.Error, _owner._plugin.Name, $"{reason}; starts again in {delay.TotalMilliseconds:0} ms");
            _ = Task.Delay(delay, _owner._plugin.Services.Time).ContinueWith(_ => TryStart(), TaskScheduler.Default);
        }

        private void TryStart()
        {
            if (_owner._isDisposed) return;
            try
            {
                Start();
                if (_owner._isDisposed) Dispose();
            }
            catch (Exception exception)
            {
                // Whatever it was, the other instances serve meanwhile.
                StartLater(exception.Message);
            }
        }

        private void Tick()
        {
            if (_guest is { } guest) _owner.Enter(guest, () => WasmPlugin.Tick(guest));
        }
    }
}
