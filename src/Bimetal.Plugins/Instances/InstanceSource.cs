// Where streams get their instances from: a fresh clone each (PerRequestInstances) or long-lived ones (SharedInstances).

using System.Diagnostics.CodeAnalysis;
using Bimetal.Plugins.Failure;
using Bimetal.Plugins.ProxyWasm;

namespace Bimetal.Plugins.Instances;

/// <summary>Instances of one plugin. Thread-safe.</summary>
internal abstract class InstanceSource : IDisposable
{
    /// <summary>True when several streams are in one instance, so that each entry needs the instance's gate.</summary>
    public abstract bool IsShared { get; }

    /// <summary>Instances that exist, and those of them that are in use.</summary>
    public abstract (int Existing, int InUse) Counts { get; }

    /// <summary>Instances that died and wait to be started again.</summary>
    public virtual int Waiting => 0;

    /// <summary>An instance for one stream; null with the reason when there is none.</summary>
    public abstract GuestInstance? TryLease([NotNullWhen(false)] out PluginFailure? failure);

    /// <summary>Takes an instance back at the end of a stream, off the request's path.</summary>
    public abstract void Return(GuestInstance guest);

    /// <summary>Notes that an instance trapped and must not be entered again. The caller is the thread that was in it.</summary>
    public abstract void Fail(GuestInstance guest, PluginFailure failure);

    /// <summary>
    /// Enters an instance from outside of any request: a tick, an answer to a callout, an item in a queue. Does nothing when the instance is
    /// gone. A failure that <paramref name="callback"/> returns is the instance's.
    /// </summary>
    public abstract void Enter(GuestInstance guest, Func<PluginFailure?> callback);

    /// <summary>Sets the plugin's tick period in milliseconds; 0 stops ticking.</summary>
    /// <param name="guest">The instance that asked for it.</param>
    public abstract void SetTickPeriod(GuestInstance guest, uint periodMs);

    public abstract void Dispose();
}
