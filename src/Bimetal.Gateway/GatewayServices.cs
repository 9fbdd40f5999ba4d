// What every exchange needs beside the model: clock, log, ids, and whether the gateway is about to stop.

using Bimetal.Gateway.Limits;
using Bimetal.Gateway.Transport;
using Microsoft.Extensions.Logging;

namespace Bimetal.Gateway;

/// <summary>Thread-safe; lives as long as the gateway.</summary>
/// <param name="NewErrorId">Makes the id of an error answer.</param>
internal sealed record GatewayServices(EventLoops Loops, TimeProvider Time, ILogger Log, Func<string> NewErrorId)
{
    private volatile bool _isDraining;
    private int _openConnections;

    /// <summary>Connections of clients on all traffic listeners, those of a listener that drains included.</summary>
    public int OpenConnections => Volatile.Read(ref _openConnections);

    public MemoryWatch Memory { get; } = new(Log);

    /// <summary>Set once: <c>/readyz</c> says no, and every response asks its client to connect anew.</summary>
    public bool IsDraining
    {
        get => _isDraining;
        set => _isDraining = value;
    }

    public void ConnectionOpened() => Interlocked.Increment(ref _openConnections);

    public void ConnectionEnded() => Interlocked.Decrement(ref _openConnections);
}
