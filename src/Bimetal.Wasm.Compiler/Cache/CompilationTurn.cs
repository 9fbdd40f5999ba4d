// Keeps processes that want the same code from compiling it side by side: one compiles, the others wait and find it in the cache. The lock
// is the kernel's on an open file, so a process that dies lets go of it; whoever cannot lock or waits too long compiles as well, which
// costs time and nothing else.

namespace Bimetal.Wasm.Compiler.Cache;

/// <summary>Takes turns at a key.</summary>
internal static class CompilationTurn
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    // EWOULDBLOCK. Whether the file exists says less: its holder may have removed it by the time one looks.
    private const int LockedByAnother = 11;

    /// <summary>Waits until nobody else compiles the key.</summary>
    /// <param name="cache">The cache that the result goes to.</param>
    /// <param name="key">Its key.</param>
    /// <param name="patience">Longest time to wait.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    /// <returns>What ends the turn when disposed; null when there is no lock to be had.</returns>
    public static IDisposable? Wait(CodeCache cache, string key, TimeSpan patience, CancellationToken cancellation)
    {
        long start = Environment.TickCount64;
        do
        {
            if (TryTake(cache, key, out bool isTaken) is { } turn) return turn;
            if (!isTaken) return null;
            cancellation.WaitHandle.WaitOne(Pause);
            cancellation.ThrowIfCancellationRequested();
        }
        while (Environment.TickCount64 - start < patience.TotalMilliseconds);
        return null;
    }

    private static FileStream? TryTake(CodeCache cache, string key, out bool isTaken)
    {
        string path = Path.Combine(cache.Folder, key + CodeCache.UnfinishedSuffix);
        isTaken = false;
        try
        {
            if (!cache.PrepareFolder()) return null;
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 1, FileOptions.DeleteOnClose);
        }
        catch (IOException exception)
        {
            isTaken = exception.HResult == LockedByAnother;
        }
        catch (UnauthorizedAccessException)
        {
            // A folder that cannot be written keeps nothing, so there is no turn to wait for.
        }

        return null;
    }
}
