// The kernel's array of struct epoll_event, which is packed on x64 and not elsewhere: read and written through offsets.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Bimetal.Gateway.Transport;

/// <summary>Room for the events of one wait. Used by one thread.</summary>
internal sealed class EpollEvents
{
    private static readonly bool s_isPacked = RuntimeInformation.ProcessArchitecture is Architecture.X64;
    private static readonly int s_stride = s_isPacked ? 12 : 16;
    private static readonly int s_dataOffset = s_isPacked ? 4 : 8;

    private readonly byte[] _bytes;

    public EpollEvents(int capacity)
    {
        Capacity = capacity;
        _bytes = GC.AllocateArray<byte>(capacity * s_stride, pinned: true);
    }

    public int Capacity { get; }

    public ref byte First => ref _bytes[0];

    public void Set(int index, uint mask, ulong data)
    {
        Unsafe.WriteUnaligned(ref _bytes[index * s_stride], mask);
        Unsafe.WriteUnaligned(ref _bytes[(index * s_stride) + s_dataOffset], data);
    }

    public uint MaskAt(int index) => Unsafe.ReadUnaligned<uint>(ref _bytes[index * s_stride]);

    public ulong DataAt(int index) => Unsafe.ReadUnaligned<ulong>(ref _bytes[(index * s_stride) + s_dataOffset]);
}
