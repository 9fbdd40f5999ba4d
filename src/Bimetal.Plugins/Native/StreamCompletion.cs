// Whether the plugin is done with a stream: what its done callback said, and stream_done, which may come from any thread at any moment.
//
//   Open --done is called--> Asking --returns 0--> Waiting --the gateway lets go--> Kept
//                              |                      |                               |
//                         returns 1            stream_done                      stream_done
//                              +--------------------> Finished <---------------------+

namespace Bimetal.Plugins.Native;

/// <summary>The end of one stream whose plugin has a done callback. Its lock is held around no callback.</summary>
internal sealed class StreamCompletion
{
    private readonly Lock _lock = new();
    private Phase _phase;
    private int _askingThread;

    private enum Phase
    {
        Open,
        Asking,
        Waiting,
        Kept,
        Finished,
    }

    /// <summary>Whether the done callback was made.</summary>
    public bool IsAsked
    {
        get { lock (_lock) return _phase != Phase.Open; }
    }

    /// <summary>Whether the plugin wants the stream kept, and has not called stream_done since.</summary>
    public bool IsWaiting
    {
        get { lock (_lock) return _phase == Phase.Waiting; }
    }

    public void BeginAsking()
    {
        lock (_lock) (_phase, _askingThread) = (Phase.Asking, Environment.CurrentManagedThreadId);
    }

    public void EndAsking(bool isDone)
    {
        // Another thread of the plugin may have called stream_done already.
        lock (_lock) _phase = isDone || _phase == Phase.Finished ? Phase.Finished : Phase.Waiting;
    }

    /// <summary>The gateway has no more use for the stream: true when it is the plugin's from now on.</summary>
    public bool TryKeep()
    {
        lock (_lock)
        {
            if (_phase != Phase.Waiting) return false;
            _phase = Phase.Kept;
            return true;
        }
    }

    /// <summary>stream_done. From inside the done callback itself it finds nothing, as on wasm.</summary>
    /// <param name="isKept">Whether nobody but the caller ends the stream.</param>
    public bool TryFinish(out bool isKept)
    {
        lock (_lock)
        {
            isKept = _phase == Phase.Kept;
            if (_phase is Phase.Open or Phase.Finished || (_phase == Phase.Asking && _askingThread == Environment.CurrentManagedThreadId)) return false;
            _phase = Phase.Finished;
            return true;
        }
    }
}
