// Tells the instance that registered a queue of each item that comes into it: proxy_on_queue_ready, once per item, on a thread of its own.

using Bimetal.Plugins.Failure;

namespace Bimetal.Plugins.ProxyWasm;

/// <summary>One registration. Thread-safe.</summary>
internal sealed class QueueListener
{
    /// <summary>Items that one entry into the instance tells of; then others get their turn.</summary>
    private const int ItemsPerEntry = 64;

    private readonly GuestInstance _guest;
    private int _waiting;

    private QueueListener(GuestInstance guest) => _guest = guest;

    /// <summary>Null for an instance that cannot be told: a clone, which lives as long as its request, or one without the callback.</summary>
    public static QueueListener? For(GuestInstance guest) =>
        guest.Generation is null && guest.Has(GuestCallback.QueueReady) ? new QueueListener(guest) : null;

    /// <summary>An item came. Returns at once.</summary>
    public void Notify(uint queueId)
    {
        if (Interlocked.Increment(ref _waiting) == 1) ThreadPool.UnsafeQueueUserWorkItem(_ => Run(queueId), null);
    }

    private void Run(uint queueId)
    {
        int told = 0;
        try
        {
            _guest.Plugin.SourceOf(_guest).Enter(_guest, () => Tell(queueId, out told));
        }
        catch (Exception exception)
        {
            _guest.Plugin.ReportTickFailure(exception);
        }

        // An instance that is gone is told of nothing more; a new one registers anew.
        if (told > 0 && Interlocked.Add(ref _waiting, -told) > 0) ThreadPool.UnsafeQueueUserWorkItem(_ => Run(queueId), null);
    }

    private PluginFailure? Tell(uint queueId, out int told)
    {
        int count = Math.Min(Volatile.Read(ref _waiting), ItemsPerEntry);
        for (told = 0; told < count; told++)
        {
            if (_guest.CallRoot(GuestCallback.QueueReady, [GuestInstance.RootContextId, queueId]) is { } failure) return failure;
        }

        return null;
    }
}
