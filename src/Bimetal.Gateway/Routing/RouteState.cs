// What a route counts while the gateway runs; it outlives the model, so that a reload does not forget the requests in flight.

namespace Bimetal.Gateway.Routing;

/// <summary>Thread-safe.</summary>
internal sealed class RouteState
{
    private int _active;

    /// <summary>Exchanges on the route at this moment.</summary>
    public int Active => Volatile.Read(ref _active);

    /// <summary>Counts an exchange in; false, and it is not counted, when <paramref name="limit"/> are on the route already.</summary>
    public bool TryEnter(int? limit)
    {
        if (Interlocked.Increment(ref _active) <= (limit ?? int.MaxValue)) return true;
        Leave();
        return false;
    }

    public void Leave() => Interlocked.Decrement(ref _active);
}
