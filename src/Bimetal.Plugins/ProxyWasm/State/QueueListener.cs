// Tells whoever opened a queue last of each item that comes into it, once per item, on a thread of its own.

namespace Bimetal.Plugins.ProxyWasm.State;

/// <summary>One registration. Thread-safe.</summary>
/// <param name="tell">Tells the plugin of so many items of the queue; gives how many it could be told of, 0 when it is gone.</param>
/// <param name="report">Gets what <paramref name="tell"/> throws: nothing may escape on a pool's thread.</param>
internal sealed class QueueListener(Func<uint, int, int> tell, Action<Exception> report)
{
    /// <summary>Items that one entry into the plugin tells of; then others get their turn.</summary>
    private const int ItemsPerEntry = 64;

    private int _waiting;

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
            told = tell(queueId, Math.Min(Volatile.Read(ref _waiting), ItemsPerEntry));
        }
        catch (Exception exception)
        {
            report(exception);
        }

        // A plugin that is gone is told of nothing more; a new one opens the queue anew.
        if (told > 0 && Interlocked.Add(ref _waiting, -told) > 0) ThreadPool.UnsafeQueueUserWorkItem(_ => Run(queueId), null);
    }
}
