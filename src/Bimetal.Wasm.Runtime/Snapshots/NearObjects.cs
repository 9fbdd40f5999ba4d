// Objects that threads gave back last and take next: no lock, and their memory is still near. What does not fit is the owner's to keep.

using System.Numerics;

namespace Bimetal.Wasm.Runtime;

/// <summary>A few places for each thread. Thread-safe: any thread may take what another one kept.</summary>
public sealed class NearObjects<T>
    where T : class
{
    private const int PlacesOfAThread = 16;    // two cache lines

    private static readonly int s_threads = (int)BitOperations.RoundUpToPowerOf2(4 * (uint)Environment.ProcessorCount);

    private readonly T?[] _places = new T?[s_threads * PlacesOfAThread];

    /// <summary>Objects that are kept.</summary>
    public int Count => _places.Count(static place => place is not null);

    // This thread's, and those of few others if there are many.
    private Span<T?> Own => _places.AsSpan((Environment.CurrentManagedThreadId & (s_threads - 1)) * PlacesOfAThread, PlacesOfAThread);

    /// <summary>What this thread kept; null when that is nothing.</summary>
    public T? TryTake() => TryTake(Own);

    /// <summary>What any thread kept: dearer.</summary>
    public T? TryTakeAny() => TryTake(_places);

    /// <summary>False when this thread keeps enough already.</summary>
    public bool TryKeep(T kept)
    {
        foreach (ref var place in Own)
        {
            if (place is null && Interlocked.CompareExchange(ref place, kept, null) is null) return true;
        }

        return false;
    }

    private static T? TryTake(Span<T?> places)
    {
        foreach (ref var place in places)
        {
            if (place is not null && Interlocked.Exchange(ref place, null) is { } taken) return taken;
        }

        return null;
    }
}
