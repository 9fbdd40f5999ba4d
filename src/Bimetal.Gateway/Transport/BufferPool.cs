// Buffers of the connections of one loop, in three sizes. An idle connection holds none.

namespace Bimetal.Gateway.Transport;

/// <summary>Used by one loop.</summary>
internal sealed class BufferPool
{
    /// <summary>Holds the head of most messages and what came with it.</summary>
    public const int SmallBytes = 8 << 10;

    public const int MediumBytes = 32 << 10;

    /// <summary>The longest head.</summary>
    public const int LargeBytes = 128 << 10;

    private const int KeptPerSize = 64;

    private readonly Stack<byte[]> _small = new();
    private readonly Stack<byte[]> _medium = new();
    private readonly Stack<byte[]> _large = new();

    /// <summary>A buffer of that size or the next of the three.</summary>
    public byte[] Rent(int minimumBytes)
    {
        var (stack, size) = StackOf(minimumBytes);
        return stack.TryPop(out byte[]? buffer) ? buffer : GC.AllocateUninitializedArray<byte>(size);
    }

    public void Return(byte[] buffer)
    {
        var (stack, _) = StackOf(buffer.Length);
        if (stack.Count < KeptPerSize) stack.Push(buffer);
    }

    private (Stack<byte[]> Stack, int Size) StackOf(int bytes) => bytes switch
    {
        <= SmallBytes => (_small, SmallBytes),
        <= MediumBytes => (_medium, MediumBytes),
        <= LargeBytes => (_large, LargeBytes),
        _ => throw new ArgumentOutOfRangeException(nameof(bytes)),
    };
}
