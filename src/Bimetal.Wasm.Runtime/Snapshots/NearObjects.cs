// Objects that threads gave back last and take next: no lock, and their memory is still near. What does not fit is the owner's to keep.

using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Bimetal.Wasm.Runtime;

/// <summary>A few places for each thread. Thread-safe: any thread may take what another one kept.</summary>
public sealed class NearObjects<T>
    where T : class
{
    private const int PlacesOfAThread = 16;    // two cache lines

    // Not T[]: code that all T share would have to look up what T is, for each array and each cast. Nothing but a T is ever put in.
    private readonly object?[] _places = new object?[(int)BitOperations.RoundUpToPowerOf2(4 * (uint)Environment.ProcessorCount) * PlacesOfAThread];
    private readonly int _lastThread = (int)BitOperations.RoundUpToPowerOf2(4 * (uint)Environment.ProcessorCount) - 1;

    /// <summary>Objects that are kept.</summary>
    public int Count => _places.Count(static place => place is not null);

    // This thread's, and those of few others if there are many.
    private Span<object?> Own
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => MemoryMarshal.CreateSpan(ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_places), (Environment.CurrentManagedThreadId & _lastThread) * PlacesOfAThread), PlacesOfAThread);
    }

    /// <summary>What this thread kept; null when that is nothing.</summary>
    public T? TryTake() => Unsafe.As<T>(TryTake(Own));

    /// <summary>What any thread kept: dearer.</summary>
    public T? TryTakeAny() => Unsafe.As<T>(TryTake(_places));

    /// <summary>False when this thread keeps enough already.</summary>
    public bool TryKeep(T kept)
    {
        foreach (ref var place in Own)
        {
            if (place is null && Interlocked.CompareExchange(ref place, kept, null) is null) return true;
        }

        return false;
    }

    private static object? TryTake(Span<object?> places)
    {
        foreach (ref var place in places)
        {
            if (place is not null && Interlocked.Exchange(ref place, null) is { } taken) return taken;
        }

        return null;
    }
}
