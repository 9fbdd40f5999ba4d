// Callbacks of a native plugin that belong to no stream: one at a time for a plugin, and the stream that such a callback has entered. Locks are
// taken in one order, the plugin's before a stream's, and a stream's callback cannot enter another stream: so nobody waits in a circle.

namespace Bimetal.Plugins.Native;

/// <summary>What the thread's running root callback holds.</summary>
internal static class NativeRootEntry
{
    [ThreadStatic]
    private static bool s_isInside;

    [ThreadStatic]
    private static NativePluginStream? s_entered;

    [ThreadStatic]
    private static ulong s_enteredHandle;

    /// <summary>Whether the thread is in a root callback, and in no stream yet.</summary>
    public static bool MayEnterStream => s_isInside && s_entered is null;

    /// <summary>Makes a root callback; whatever stream it entered is left afterwards.</summary>
    public static void Run(Lock root, Action callback)
    {
        lock (root)
        {
            s_isInside = true;
            try
            {
                callback();
            }
            finally
            {
                s_isInside = false;
                TryLeave(s_enteredHandle);
            }
        }
    }

    /// <summary>Waits for the stream's callback that is running; false when the stream has ended meanwhile.</summary>
    public static bool TryEnter(NativePluginStream stream, ulong handle)
    {
        stream.Gate!.Enter();
        if (!ReferenceEquals(StreamSlot.Find(handle), stream))
        {
            stream.Gate.Exit();
            return false;
        }

        (s_entered, s_enteredHandle) = (stream, handle);
        return true;
    }

    public static bool TryLeave(ulong handle)
    {
        if (s_entered is not { } stream || s_enteredHandle != handle) return false;
        (s_entered, s_enteredHandle) = (null, 0);
        stream.ReturnLentMemory();
        stream.Gate!.Exit();
        return true;
    }
}
