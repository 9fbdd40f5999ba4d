// Where the time of one exchange went: only inside the plugin host and the plugin, not in the driver between the callbacks.

using System.Diagnostics;

namespace Bimetal.Plugins.Bundles.Cases;

/// <summary>Times of the exchange that was measured last, in ticks of <see cref="Stopwatch"/>; reading the clock is part of each.</summary>
public sealed class CaseTimes
{
    /// <summary>Getting the stream: an instance or a clone for wasm.</summary>
    public long BeginTicks { get; internal set; }

    /// <summary>All callbacks with their host calls.</summary>
    public long CallbackTicks { get; private set; }

    /// <summary>Giving it back: with <c>per-request</c> instances this is the reset.</summary>
    public long EndTicks { get; internal set; }

    /// <summary>Callbacks that were offered to the plugin; each is one interval inside <see cref="CallbackTicks"/>.</summary>
    public int Callbacks { get; private set; }

    /// <summary>Callbacks that the plugin has and that were made; counted on the native metal, 0 on wasm.</summary>
    public int Entries { get; internal set; }

    /// <summary>Host functions that the plugin called.</summary>
    public int HostCalls { get; internal set; }

    /// <summary>Fields, parts of bodies and data that these gave: native lends them, for wasm they are copied into memory that the guest allocates.</summary>
    public int Values { get; internal set; }

    /// <summary>Bytes of bodies that were copied for the plugin; counted on the wasm metal, the native one lends them.</summary>
    public long CopiedBytes { get; internal set; }

    public CaseEnd End { get; internal set; }

    internal void Clear() => (BeginTicks, CallbackTicks, EndTicks, Callbacks, Entries, HostCalls, Values, CopiedBytes) = (0, 0, 0, 0, 0, 0, 0, 0);

    internal void AddCallback(long started)
    {
        CallbackTicks += Stopwatch.GetTimestamp() - started;
        Callbacks++;
    }
}
